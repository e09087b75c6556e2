"""What every command needs that works on an installation: its settings and its database file."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from config import SECRET_NAMES, Config, ConfigError, load, make_secrets


class CannotStart(click.ClickException):
    """The command cannot begin here: one sentence on standard error, exit status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """Print the sentence as it stands, without a prefix."""
        click.echo(self.message, file=file, err=file is None)


def installation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say which installation a command is about: --instance and --demo."""
    instance = click.option(
        "--instance",
        type=click.Path(path_type=Path),
        envvar="TWINBAG_INSTANCE",
        default=Path("instance"),
        show_default=True,
        help="Folder of the secrets and the embedded database.",
    )
    demo = click.option(
        "--demo", is_flag=True, help="The practice installation, with a database of its own."
    )
    return instance(demo(command))


def installation_environ(instance: Path, demo: bool, port: int | None = None) -> dict[str, str]:
    """The environment of a process of this installation, the options written over it."""
    environ = {**os.environ, "TWINBAG_INSTANCE": str(instance.absolute())}
    if demo:
        environ["TWINBAG_DEMO"] = "yes"
    if port is not None:
        environ["TWINBAG_PORT"] = str(port)
    return environ


def read_config(environ: Mapping[str, str]) -> Config:
    """The settings of an installation, whose secrets are made the first time.

    Raises CannotStart with the sentence of the setting that is wrong.
    """
    instance = Path(environ["TWINBAG_INSTANCE"])
    try:
        missing = [name for name in SECRET_NAMES if not environ.get(name)]
        if missing:
            make_secrets(instance, names=missing)
        return load(environ, instance)
    except ConfigError as error:
        raise CannotStart(str(error)) from error


def keep_database_private(config: Config) -> None:
    """Make the embedded database's file, and the two that SQLite puts beside it, 0600.

    SQLite gives its -wal and -shm files the mode of the database file. Does nothing for
    PostgreSQL. Raises CannotStart when a file cannot be written.
    """
    path = config.sqlite_path
    if path is None:
        return
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        for part in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
            if part.exists():
                part.chmod(0o600)
    except OSError as error:
        raise CannotStart(
            f"The database {path} cannot be written ({error.strerror}); "
            "give it to the user who starts the program."
        ) from error
