"""`backup`: the whole database in one file, taken while the program runs, or such a file checked.

The file is written beside its place under another name, read back, and only then given its own.
"""

from __future__ import annotations

import errno
import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

import click

from config import Config
from pharmacy.cli.db import existing_installation
from pharmacy.cli.starting import CannotStart, installation_options
from pharmacy.crypto.context import context
from pharmacy.crypto.deriving import fingerprint_of_secret
from pharmacy.crypto.hkdf import hkdf
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import backup_file, known_secrets, migrating, schema
from pharmacy.persistence.backup_check import Examined, examine
from pharmacy.persistence.backup_file import BackupRefused, Header
from pharmacy.persistence.backups import snapshot, tables_of
from pharmacy.persistence.base import Base
from pharmacy.services.surroundings import system_now
from pharmacy.unblinded import tables as lit_tables

PEPPER = "TWINBAG_PEPPER"
# Imported so that the metadata names the tables of both sides.
_BOTH_SIDES = (schema, lit_tables)
_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
# What a file system without links answers, such as a memory stick's.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK})
_UTC = ZoneInfo("UTC")
_TAKEN = "{file} exists; a backup never replaces a file. Name another."
_OTHER_PEPPER = (
    f"{PEPPER} is not the one that this database was made with; put the kept copy of secrets.env "
    "back, then take the backup."
)


@click.command()
@installation_options
@click.option("--check", is_flag=True, help="Only check the backup in FILE; needs no database.")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def backup(instance: Path, demo: bool, check: bool, file: Path) -> None:
    """Write the whole database into the new FILE, as it stands at one moment.

    The program may run and be worked with meanwhile. FILE says nothing about any arm, but names
    staff and participants' codes: keep it private. The secrets (secrets.env) are not in it; keep
    a copy of them in another place, for without them a backup cannot be restored.

    Status 0 when FILE is whole; 1 when it is whole and an audit trail in it does not hold; 2 and
    one sentence when there is nothing to use.
    """
    if check:
        said = f"{file} is whole"
        examined = examine_file(file)
    else:
        config = existing_installation(instance, demo)
        examined = _take(config, file)
        said = f"{file} is written and was read back"
    click.echo(f"{said}: {contents(examined)}.")
    if examined.trail_faults:
        click.echo(
            f"An audit trail in it does not hold ({examined.trail_faults[0]}). "
            "Keep this file and the database, and call whoever looks after the study.",
            err=True,
        )
        raise SystemExit(1)
    if not check:
        click.echo("Keep it on another machine, and a copy of secrets.env in a third place.")


def contents(examined: Examined) -> str:
    """What a backup holds, in one phrase."""
    whole = examined.whole
    when = format_moment(examined.header.taken_at, _UTC)
    return f"{whole.rows} rows of {whole.tables} tables as of {when}, SHA-256 {whole.sha256[:16]}"


def examine_file(file: Path) -> Examined:
    """Check a backup file; CannotStart with a sentence when it is not whole or cannot be read."""
    with opened(file) as stream, a_sentence_if_refused():
        return examine(stream)


@contextmanager
def opened(file: Path) -> Iterator[BinaryIO]:
    """A backup file for reading; CannotStart when that cannot be."""
    try:
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise CannotStart(f"{file} cannot be read ({error.strerror}).") from error


@contextmanager
def a_sentence_if_refused() -> Iterator[None]:
    """Turn a refused backup into its sentence and exit status 2."""
    try:
        yield
    except BackupRefused as refused:
        raise CannotStart(str(refused)) from refused


def pepper_fingerprint(config: Config) -> bytes:
    """By what a backup and a database know their pepper."""
    return fingerprint_of_secret(config.pepper, "pepper")


def mac_key(config: Config) -> bytes:
    """The key that says a backup was written with this installation's pepper."""
    return hkdf(config.pepper, b"", context("backup-mac"), 32)


def _take(config: Config, file: Path) -> Examined:
    if file.exists() or file.is_symlink():
        raise CannotStart(_TAKEN.format(file=file))
    if not file.parent.is_dir():
        raise CannotStart(f"There is no folder {file.parent}; make it, or name another.")
    draft = file.with_name(f".{file.name}.unfinished-{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w+b") as stream, a_sentence_if_refused():
            _write(config, stream)
            stream.flush()
            os.fsync(stream.fileno())
            examined = examine(stream)
        _take_place(draft, file)
    except OSError as error:
        raise CannotStart(f"{file} cannot be written ({error.strerror}).") from error
    finally:
        draft.unlink(missing_ok=True)
    return examined


def _write(config: Config, stream: BinaryIO) -> None:
    with snapshot(config.owner_database_url) as connection:
        stands = migrating.revision_within(connection)
        if stands != migrating.head():
            raise BackupRefused(
                f"The database is at revision {stands} and this program wants {migrating.head()}; "
                "take the backup with the program that serves it."
            )
        fingerprint = pepper_fingerprint(config)
        if known_secrets.fingerprint(connection, PEPPER) not in (None, fingerprint):
            raise BackupRefused(_OTHER_PEPPER)
        header = Header(_application(), stands, system_now(), fingerprint.hex())
        tables = tables_of(connection, Base.metadata)
        backup_file.write(stream, header, tables, mac_key(config))


def _take_place(draft: Path, file: Path) -> None:
    """Give the finished draft its name: a link never replaces a file."""
    try:
        os.link(draft, file)
    except FileExistsError:
        raise CannotStart(_TAKEN.format(file=file)) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.rename(draft, file)
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _application() -> str:
    return str(tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["version"])
