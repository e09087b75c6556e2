"""A throwaway PostgreSQL server: unix socket only, gone at the end, also when tests run as root.

`initdb` refuses to run as root, so root drops to the user `postgres` (or `nobody`). The server
is the one the operating system installed; PG_BIN names another folder of programs.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql

OWNER_ROLE = "twinbag_owner"
APP_ROLE = "twinbag_app"
_SUPERUSER = "postgres"
# Nothing here outlives the run, so nothing waits for the disk.
_SETTINGS = """
listen_addresses = ''
unix_socket_directories = '{folder}'
unix_socket_permissions = 0700
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 100
shared_buffers = 32MB
"""


class PostgresMissing(Exception):
    """There are no PostgreSQL programs to run; the sentence names the package."""


@dataclass(frozen=True)
class Database:
    """One database: its name, and its address as the owner of its tables and as the app."""

    name: str
    owner_url: str
    app_url: str


class TempPostgres:
    """A running server, from `with TempPostgres() as server:` to the end of the block.

    It has the roles `twinbag_owner`, who owns every database, and `twinbag_app`, who owns
    nothing and may do what the owner grants.
    """

    def __init__(self) -> None:
        self._programs = find_programs()
        # A unix socket's path is limited to 107 bytes, so not below a long TMPDIR.
        self._folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
        self._data = self._folder / "data"
        self._count = 0
        self._as_user = _unprivileged(self._folder)

    def __enter__(self) -> Self:
        try:
            self._start()
            self._make_roles()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def create_database(self, template: Database | None = None) -> Database:
        """Make an empty database, or a fast copy of `template`, to which nobody is connected."""
        self._count += 1
        name = f"db{self._count}"
        self._execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name),
                sql.Identifier(OWNER_ROLE),
                sql.Identifier(template.name if template else "template0"),
            )
        )
        return Database(name, self._url(OWNER_ROLE, name), self._url(APP_ROLE, name))

    def drop_database(self, database: Database) -> None:
        """Remove a database, cutting off whoever is still connected to it."""
        self._execute(
            sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name))
        )

    def stop(self) -> None:
        """Stop the server and remove every trace of it; a second call does nothing."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", self._data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self) -> None:
        self._run(
            *("initdb", "-D", self._data, "-U", _SUPERUSER, "--auth=trust", "--encoding=UTF8"),
            *("--locale=C.UTF-8", "--no-sync", "--no-instructions"),
        )
        with (self._data / "postgresql.conf").open("a", encoding="utf-8") as settings:
            settings.write(_SETTINGS.format(folder=self._folder))
        self._run("pg_ctl", "-D", self._data, "-w", "-l", self._folder / "log", "start")

    def _make_roles(self) -> None:
        for role in (OWNER_ROLE, APP_ROLE):
            self._execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=str(self._folder), user=_SUPERUSER, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)

    def _url(self, role: str, name: str) -> str:
        return f"postgresql+psycopg://{role}@/{name}?host={self._folder}"

    def _run(self, program: str, *arguments: object) -> None:
        """Run one of the server's programs; its output, and the server's log, explain a failure.

        The output goes to a file: a pipe would be held open by the server that pg_ctl leaves.
        """
        printed = self._folder / "printed"
        with printed.open("wb") as output:
            done = subprocess.run(
                [self._programs / program, *map(str, arguments)],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                **self._as_user,
            )
        if done.returncode:
            log = self._folder / "log"
            told = printed.read_text() + (log.read_text() if log.exists() else "")
            raise RuntimeError(f"{program} ended with {done.returncode}: {told}")


def find_programs() -> Path:
    """The folder of initdb and pg_ctl: PG_BIN, else the path's, else Debian's newest.

    Raises PostgresMissing.
    """
    if "PG_BIN" in os.environ:
        candidates = [Path(os.environ["PG_BIN"])]
    else:
        on_path = shutil.which("initdb")
        candidates = [Path(on_path).resolve().parent] if on_path else []
        installed = Path("/usr/lib/postgresql").glob("*/bin")
        candidates += sorted(installed, key=lambda folder: int(folder.parent.name), reverse=True)
    for folder in candidates:
        if os.access(folder / "initdb", os.X_OK):
            return folder
    raise PostgresMissing("No PostgreSQL server programs; on Debian: apt install postgresql")


def _unprivileged(folder: Path) -> dict[str, Any]:
    """What subprocess needs to run the server in `folder` as a user who is not root."""
    environ = {**os.environ, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    environ.pop("PGDATA", None)
    common: dict[str, Any] = {"env": environ, "cwd": folder}
    if os.geteuid() != 0:
        return common
    names = {user.pw_name: user for user in pwd.getpwall()}
    user = names.get("postgres") or names["nobody"]
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {**common, "user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
