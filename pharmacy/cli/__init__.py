"""Operator commands: `python -m pharmacy --help`.

Each noun is read when it is asked for, so that `plan` on a laptop needs neither the database's
libraries nor the web's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click


def _archive() -> click.Command:
    from pharmacy.cli.archive import archive_commands

    return archive_commands


def _backup() -> click.Command:
    from pharmacy.cli.backup import backup

    return backup


def _db() -> click.Command:
    from pharmacy.cli.db import db

    return db


def _label() -> click.Command:
    from pharmacy.cli.label import label

    return label


def _list() -> click.Command:
    from pharmacy.cli import list_prove

    return list_prove.list_commands


def _notices() -> click.Command:
    from pharmacy.cli.notices import notices_commands

    return notices_commands


def _plan() -> click.Command:
    from pharmacy.cli.plan import plan_command

    return plan_command


def _protocol() -> click.Command:
    from pharmacy.cli.protocol import protocol_commands

    return protocol_commands


def _restore() -> click.Command:
    from pharmacy.cli.restore import restore

    return restore


def _secrets() -> click.Command:
    from pharmacy.cli.secrets import secrets_commands

    return secrets_commands


def _serve() -> click.Command:
    from pharmacy.cli.serve import serve

    return serve


def _user() -> click.Command:
    from pharmacy.cli.user import user

    return user


_NOUNS: Mapping[str, Callable[[], click.Command]] = {
    "archive": _archive,
    "backup": _backup,
    "db": _db,
    "label": _label,
    "list": _list,
    "notices": _notices,
    "plan": _plan,
    "protocol": _protocol,
    "restore": _restore,
    "secrets": _secrets,
    "serve": _serve,
    "user": _user,
}


class Nouns(click.Group):
    """The nouns of the command line; one is imported when it is named, all of them for --help."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The nouns in order."""
        return sorted(_NOUNS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of a noun, or None when there is no such noun."""
        read = _NOUNS.get(cmd_name)
        return None if read is None else read()


@click.group(cls=Nouns)
def cli() -> None:
    """The pharmacy's operator commands."""
