"""`list check`: does a randomization list follow its rules, asked where the list was made."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from pharmacy.domain.errors import BadForm
from pharmacy.unblinded.list_refusals import MAX_BYTES, ListRefused
from pharmacy.unblinded.list_table import read_part, read_table
from pharmacy.unblinded.rules import ListRules, parse_list_rules


@click.group("list")
def list_commands() -> None:
    """The randomization list: checked before it is loaded, proved afterwards."""


@list_commands.command("check")
@click.argument("table", metavar="FILE", type=click.File("rb"))
@click.option(
    "--rules",
    "rules_path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The list rules (TOML) that the study's lists must follow.",
)
@click.option("--codes", type=click.File("rb"), help="The code list of a concealed table.")
@click.option("--part", is_flag=True, help="Check it as rows that a loaded list grows by.")
def check(table: BinaryIO, rules_path: Path, codes: BinaryIO | None, part: bool) -> None:
    """Check the randomization list FILE (or - for standard input) against its rules.

    Run this where the list was made, on the statistician's machine, and never on the server: the
    list belongs on no disk of the server and into no shell history there. Nothing of the list is
    shown or kept. Ends with 0 if the list follows the rules; with 1 and the broken rule, on
    standard error, if not.
    """
    rules = read_rules(rules_path)
    more = codes.read(MAX_BYTES + 1) if codes else None
    try:
        read = read_part if part else read_table
        read(table.read(MAX_BYTES + 1), rules, more)
    except ListRefused as refused:
        problem = f"{refused.rule}: {refused.sentence}"
    else:
        click.echo("The list follows the rules.")
        return
    raise click.ClickException(problem)


def read_rules(path: Path) -> ListRules:
    """The list rules of a file; a usage error that names the field when they are wrong."""
    try:
        return parse_list_rules(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise click.BadParameter("The list rules are not UTF-8 text.") from None
    except BadForm as wrong:
        raise click.BadParameter(" ".join(wrong.errors.values()), param_hint="--rules") from None
