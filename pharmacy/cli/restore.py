"""`restore`: a backup into an empty database of either kind, all of it or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import click

from config import SECRETS_FILE, Config
from pharmacy.cli.backup import (
    PEPPER,
    a_sentence_if_refused,
    contents,
    mac_key,
    opened,
    pepper_fingerprint,
)
from pharmacy.cli.starting import (
    CannotStart,
    installation_environ,
    installation_options,
    read_config,
)
from pharmacy.persistence.backup_check import Examined, examine
from pharmacy.persistence.backup_file import BackupRefused
from pharmacy.persistence.restoring import Connection
from pharmacy.persistence.restoring import restore as fill
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import installation
from pharmacy.services.surroundings import system_now

_NO_PEPPER = (
    f"There is no {PEPPER} here, and a backup is of no use without the one it was taken with; put "
    "the kept copy of secrets.env into {folder}, then restore. Without one, two recovery sheets of "
    "a study open it: python -m pharmacy secrets recover --backup FILE"
)
_OTHER_PEPPER = (
    f"{PEPPER} here is not the one that the backup was taken with; put the copy of secrets.env "
    "that was kept with that installation into {folder}, then restore."
)
_NOT_OURS = (
    "The backup was changed after it was taken, by somebody without the installation's secrets; "
    "take another one, and find out who could."
)


@click.command()
@installation_options
@click.option(
    "--into",
    metavar="URL",
    help="Another database than the configured one: sqlite:///... or postgresql+psycopg://...",
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(instance: Path, demo: bool, into: str | None, file: Path) -> None:
    """Put the backup in FILE into an empty or new database, of either kind.

    The whole file is checked before anything is written; then all of it is restored, or nothing.
    The installation's own secrets must be in place (secrets.env). Afterwards everybody signs in
    again, and unused one-time links open nothing.

    Status 2 and one sentence when it cannot be done.
    """
    environ = installation_environ(instance, demo)
    if into and demo:
        raise click.UsageError("--demo has a database of its own; leave one of the two out.")
    if into:
        environ |= {"TWINBAG_DATABASE_URL": into, "TWINBAG_OWNER_DATABASE_URL": into}
    if not environ.get(PEPPER) and not (instance / SECRETS_FILE).exists():
        raise CannotStart(_NO_PEPPER.format(folder=instance))
    config = read_config(environ)
    os.umask(0o077)
    with opened(file) as stream, a_sentence_if_refused():
        examined = examine(stream)
        _refuse_other_secrets(config, examined)
        fill(stream, examined, config.owner_database_url, lambda here: _finish(here, examined))
    click.echo(f"The database holds the backup: {contents(examined)}.")
    click.echo("Everybody signs in again. Start it with: python -m pharmacy serve")


def _refuse_other_secrets(config: Config, examined: Examined) -> None:
    if examined.header.pepper != pepper_fingerprint(config).hex():
        raise BackupRefused(_OTHER_PEPPER.format(folder=config.instance_dir))
    if not examined.whole.is_under(mac_key(config)):
        raise BackupRefused(_NOT_OURS)


def _finish(connection: Connection, examined: Examined) -> None:
    """What the restore leaves in the installation's trail, in the restore's own transaction."""
    with UnitOfWork(connection, system_now()) as uow:
        whole = examined.whole
        installation.record_restored(uow, whole.sha256, examined.header.taken_at)
        uow.commit()
