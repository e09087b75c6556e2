"""`serve`: from an empty folder to a page, twice, and every way it cannot begin."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from pharmacy.persistence.unit_of_work import EXEMPT_TABLES

_ROOT = Path(__file__).resolve().parents[2]
_START_LIMIT_S = 60
# What the command needs is read before root is given up: root's own folders are closed then.
_AS_NOBODY = """
import os, sys
import pharmacy.cli.serve
from pharmacy.cli import cli
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
cli(sys.argv[1:])
"""


def _environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TWINBAG_")}


def _serve(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "pharmacy", "serve", *map(str, arguments)]


def _refused(command: list[str]) -> str:
    """Run a command that cannot begin; return its one sentence."""
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env=_environ(),
        check=False,
        capture_output=True,
        text=True,
        timeout=_START_LIMIT_S,
    )
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    (sentence,) = done.stderr.splitlines()
    return sentence


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _serving(instance: Path, *arguments: str) -> Iterator[tuple[int, list[str]]]:
    """A server from its first page to Ctrl-C: its port and the lines it printed."""
    port = _free_port()
    with tempfile.TemporaryFile("w+") as printed:
        server = subprocess.Popen(
            _serve("--instance", instance, "--port", str(port), *arguments),
            cwd=_ROOT,
            env=_environ(),
            stdout=printed,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_for_page(server, port)
            printed.seek(0)
            yield port, printed.read().splitlines()
        finally:
            server.send_signal(signal.SIGINT)
            ended = server.wait(_START_LIMIT_S)
            printed.seek(0)
            told = printed.read()
    assert ended == 0, told
    assert "Traceback" not in told


def _wait_for_page(server: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + _START_LIMIT_S
    while time.monotonic() < until:
        assert server.poll() is None, "the server ended before its first page"
        try:
            _status(port)
        except urllib.error.URLError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError(f"no page after {_START_LIMIT_S} s")


def _status(port: int, host: str = "127.0.0.1") -> int:
    """The status of the first page, asked for under a host name; redirects are followed."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": host})
    try:
        with urllib.request.urlopen(request, timeout=10) as page:
            return int(page.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def _rows(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row but those of sign-ins and throttles, table by table."""
    with closing(sqlite3.connect(database)) as connection:
        tables = [
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")
            if name not in EXEMPT_TABLES
        ]
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in tables}


def _modes(folder: Path) -> dict[str, int]:
    """The rights of every file under a folder; a folder has one right more, to be entered."""
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*")}
    return {path.name: mode & ~(0o100 * path.is_dir()) for path, mode in found.items()}


def test_an_empty_folder_becomes_a_page_and_stays_what_it_is(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    with _serving(instance) as (port, lines):
        assert _status(port) == 200
        assert _status(port, host="evil.example") == 400
        modes = _modes(instance)
        assert {"secrets.env", "twinbag.db"} <= modes.keys()
        assert set(modes.values()) == {0o600}
        assert stat.S_IMODE(instance.stat().st_mode) == 0o700
        links = [line.strip() for line in lines if re.match(r"\s+http://127\.0\.0\.1:\d+/", line)]
        assert len(links) == 1
        assert urllib.request.urlopen(links[0], timeout=10).status == 200
    secrets = (instance / "secrets.env").read_bytes()
    people = _rows(instance / "twinbag.db")["person"]
    with _serving(instance):
        assert (instance / "secrets.env").read_bytes() == secrets
        assert _rows(instance / "twinbag.db")["person"] == people


def test_a_demonstration_started_twice_keeps_its_data(tmp_path: Path) -> None:
    with _serving(tmp_path, "--demo") as (_port, first):
        rows = _rows(tmp_path / "demo.db")
        assert rows["study"]
        assert set(_modes(tmp_path).values()) == {0o600}
    with _serving(tmp_path, "--demo") as (_port, second):
        assert _rows(tmp_path / "demo.db") == rows
    assert len(first) == len(second)


def test_demonstration_and_installation_run_beside_each_other(tmp_path: Path) -> None:
    with _serving(tmp_path, "--demo") as (demo, _), _serving(tmp_path) as (installation, _):
        assert _status(demo) == _status(installation) == 200
    assert _rows(tmp_path / "demo.db")["study"]
    assert not _rows(tmp_path / "twinbag.db")["study"]


@pytest.mark.parametrize("demo", [[], ["--demo"]])
def test_a_busy_port_is_one_sentence(tmp_path: Path, demo: list[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = _refused(_serve("--instance", tmp_path, "--port", str(port), *demo))
    assert sentence == (
        f"Port {port} is in use by another program; "
        f"stop that one, or choose another port, such as PORT={port + 1}."
    )


def test_a_folder_one_may_not_write_is_one_sentence() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o555)
        sentence = _refused(
            [sys.executable, "-c", _AS_NOBODY, "serve", "--instance", f"{folder}/instance"]
        )
        assert list(folder.iterdir()) == []
    assert sentence == (
        f"The folder {folder}/instance cannot be written (Permission denied); "
        "give it to the user who starts the program, or name another with --instance."
    )


def test_a_file_in_the_folders_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "instance").write_text("")
    sentence = _refused(_serve("--instance", tmp_path / "instance"))
    assert sentence.startswith(f"The folder {tmp_path}/instance cannot be written")


def test_a_folder_in_the_databases_place_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "twinbag.db").mkdir()
    sentence = _refused(_serve("--instance", tmp_path, "--port", str(_free_port())))
    assert sentence.startswith(f"The database {tmp_path}/twinbag.db cannot be written")


def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "twinbag.db").write_bytes(b"not a database, and longer than a header is" * 100)
    sentence = _refused(_serve("--instance", tmp_path, "--port", str(_free_port())))
    assert "database" in sentence
    assert (tmp_path / "twinbag.db").read_bytes().startswith(b"not a database")


def test_a_weak_secret_is_one_sentence_that_does_not_quote_it(tmp_path: Path) -> None:
    secrets = tmp_path / "secrets.env"
    secrets.write_text(f"TWINBAG_SECRET_KEY={'ab' * 32}\nTWINBAG_PEPPER=changeme\n")
    secrets.chmod(0o600)
    sentence = _refused(_serve("--instance", tmp_path))
    assert sentence.startswith("TWINBAG_SECRET_KEY looks made up")
    assert "abab" not in sentence


def test_a_server_with_wrong_settings_ends_with_the_sentence(tmp_path: Path) -> None:
    """Started by a supervisor, without `serve`: gunicorn stops instead of trying again."""
    done = subprocess.run(
        [
            *(sys.executable, "-m", "gunicorn", "--no-control-socket"),
            *("--bind", f"127.0.0.1:{_free_port()}", "wsgi:app"),
        ],
        cwd=_ROOT,
        env={**_environ(), "TWINBAG_INSTANCE": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=_START_LIMIT_S,
    )
    assert done.returncode != 0
    assert "TWINBAG_SECRET_KEY is missing" in done.stderr
    assert "Traceback" not in done.stderr
