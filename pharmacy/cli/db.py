"""`db`: bring the database to this program's schema, ask where it stands, check it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from config import Config
from pharmacy.cli.starting import (
    CannotStart,
    installation_environ,
    installation_options,
    keep_database_private,
    read_config,
)
from pharmacy.persistence import migrating


@click.group()
def db() -> None:
    """The database of an installation."""


@db.command()
@installation_options
def upgrade(instance: Path, demo: bool) -> None:
    """Bring the database to the schema of this program; make it when there is none."""
    config = read_config(installation_environ(instance, demo))
    upgrade_database(config)
    stands, _wanted = revisions(config)
    click.echo(f"The database is at revision {stands}.")


@db.command()
@installation_options
def current(instance: Path, demo: bool) -> None:
    """Say which revision the database has; exit 1 when it is not this program's."""
    config = existing_installation(instance, demo)
    stands, wanted = revisions(config)
    click.echo(f"The database is at revision {stands}; this program wants {wanted}.")
    if stands != wanted:
        raise SystemExit(1)


@db.command()
@installation_options
def check(instance: Path, demo: bool) -> None:
    """Check the database's integrity and its references; exit 1 and the findings, if any."""
    config = existing_installation(instance, demo)
    with _a_sentence_if_unusable():
        findings = migrating.problems(config.owner_database_url)
    for finding in findings:
        click.echo(finding, err=True)
    if findings:
        raise SystemExit(1)
    click.echo("The database is sound.")


def upgrade_database(config: Config) -> None:
    """Migrate the installation's database to the newest revision, its files private.

    Raises CannotStart when the database cannot be opened or belongs to another version.
    """
    keep_database_private(config)
    with _a_sentence_if_unusable():
        migrating.upgrade(config.owner_database_url)
    keep_database_private(config)


@contextmanager
def _a_sentence_if_unusable() -> Iterator[None]:
    """Turn a database that cannot be used into its sentence and exit status 2."""
    try:
        yield
    except migrating.DatabaseUnusable as error:
        raise CannotStart(str(error)) from error


def existing_installation(instance: Path, demo: bool) -> Config:
    """The settings of an installation that is there: asking must not make an empty database."""
    config = read_config(installation_environ(instance, demo))
    if config.sqlite_path is not None and not config.sqlite_path.exists():
        raise CannotStart(
            f"There is no database at {config.sqlite_path}; make one with: db upgrade"
        )
    return config


def revisions(config: Config) -> tuple[str, str]:
    """The revision the database has, and the one this program wants."""
    with _a_sentence_if_unusable():
        return migrating.current(config.owner_database_url), migrating.head()
