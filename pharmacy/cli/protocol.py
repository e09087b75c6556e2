"""`protocol check`: may this protocol file be used, and does its longest plan fit its limits."""

from __future__ import annotations

import click

from pharmacy.cli.plan import read_protocol
from pharmacy.domain.admitted import (
    SHORTEST_PROVED_CM,
    TALLEST_PROVED_CM,
    LongestPlan,
    actual_up_to_kg,
    counts_height,
    longest_plan_check,
)
from pharmacy.domain.errors import BadForm
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.quantities import format_weight
from pharmacy.services.label_fit import need_protocol_fits


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
        need_protocol_fits(protocol)
    except BadForm as refused:
        click.echo(str(refused), err=True)
        raise SystemExit(1) from None
    click.echo("\n".join(_proved(protocol, longest)))
    click.echo("To be confirmed by signature before the study goes live:")
    for default in protocol.marked_defaults:
        click.echo(f"- {default.item}")
        for path_in_file, value in default.settings:
            click.echo(f"    {path_in_file} = {value}")


def _proved(protocol: Protocol, longest: LongestPlan) -> list[str]:
    """What was computed to the end, and how far a dose over the limit may go."""
    rule = protocol.weight
    heights = (
        f", every height from {SHORTEST_PROVED_CM} to {TALLEST_PROVED_CM} cm of either sex,"
        if counts_height(protocol)
        else ""
    )
    lines = [
        f"{protocol.code} {protocol.version} can be used. The longest infusion day is "
        f"{longest.duration_min} minutes, at {longest.person.words}.",
        f"Every weight from {format_weight(rule.minimum_kg)} to {format_weight(rule.maximum_kg)}"
        f"{heights} has a plan that fits its time limits and its labels, at risk or not, first "
        "or later.",
    ]
    reached_kg = actual_up_to_kg(protocol)
    if reached_kg is not None:
        lines.append(
            f'Over {format_weight(rule.maximum_kg)} the investigator may sign "actual": that '
            f"fits up to {format_weight(reached_kg)}; a heavier plan is refused when it is made."
        )
    return lines
