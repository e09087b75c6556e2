"""`protocol check`: may this protocol file be used, and does its longest plan fit its limits."""

from __future__ import annotations

import click

from pharmacy.cli.plan import read_protocol
from pharmacy.domain.errors import BadForm
from pharmacy.domain.time_limits import longest_plan_check


@click.group("protocol")
def protocol_commands() -> None:
    """Protocol files."""


@protocol_commands.command("check")
@click.argument("path", metavar="FILE")
def check(path: str) -> None:
    """Check a protocol file and list the defaults that still need a signature."""
    try:
        protocol = read_protocol(path)
        longest = longest_plan_check(protocol)
    except BadForm as refused:
        click.echo(str(refused), err=True)
        raise SystemExit(1) from None
    click.echo(
        f"{protocol.code} {protocol.version} can be used. The longest infusion day is "
        f"{longest.duration_min} minutes, at {longest.weight_kg} kg."
    )
    click.echo("To be confirmed by signature before the study goes live:")
    for default in protocol.marked_defaults:
        click.echo(f"- {default.item}")
        for path_in_file, value in default.settings:
            click.echo(f"    {path_in_file} = {value}")
