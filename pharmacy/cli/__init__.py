"""Operator commands: `python -m pharmacy --help`."""

from __future__ import annotations

import click

from pharmacy.cli.db import db
from pharmacy.cli.list_check import list_commands
from pharmacy.cli.plan import plan_command
from pharmacy.cli.protocol import protocol_commands
from pharmacy.cli.serve import serve


@click.group()
def cli() -> None:
    """The pharmacy's operator commands."""


cli.add_command(list_commands)
cli.add_command(db)
cli.add_command(serve)
cli.add_command(plan_command)
cli.add_command(protocol_commands)
