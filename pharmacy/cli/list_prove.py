"""`list prove`: is a list the one that a load certificate commits to, asked without a database."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from pharmacy.cli.list_check import list_commands, read_rules
from pharmacy.domain.errors import BadForm
from pharmacy.unblinded.list_refusals import MAX_BYTES, ListRefused
from pharmacy.unblinded.list_table import read_part, read_table


@list_commands.command("prove")
@click.argument("certificate", metavar="CERTIFICATE", type=click.File("rb"))
@click.option("--list", "table", required=True, type=click.File("rb"), help="The list's table.")
@click.option("--codes", type=click.File("rb"), help="The code list of a concealed table.")
@click.option(
    "--rules",
    "rules_path",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The list rules (TOML) as they were when the list was loaded.",
)
@click.option(
    "--opening",
    prompt="Opening",
    hide_input=True,
    help="The revealed opening, 64 hexadecimal digits; asked for when it is left out.",
)
def prove(
    certificate: BinaryIO, table: BinaryIO, codes: BinaryIO | None, rules_path: Path, opening: str
) -> None:
    """Prove that a list is the one that CERTIFICATE (JSON) commits to.

    Works on any computer, without database and network. Shows nothing of the list. Ends with 0 if
    the certificate is signed and the list, its rules and the opening fit it; with 1 and one
    sentence on standard error if not. Compare the six words with the printed certificate. Of a
    certificate of an earlier version it says what its signatures do not cover.
    """
    # Read here: `list check` needs no library of signatures.
    from pharmacy.unblinded import list_proof
    from pharmacy.unblinded.list_parts import FIRST

    rules = read_rules(rules_path)
    more = codes.read(MAX_BYTES + 1) if codes else None
    try:
        text = certificate.read(list_proof.LONGEST_FILE + 1).decode()
        shown = list_proof.read(text)
        read = read_table if shown.part == FIRST else read_part
        found = read(table.read(MAX_BYTES + 1), rules, more)
    except UnicodeDecodeError:
        problem = "The certificate is not UTF-8 text. Download it again as JSON."
    except BadForm as wrong:
        problem = " ".join(wrong.errors.values())
    except ListRefused as refused:
        problem = f"{refused.rule}: {refused.sentence}"
    else:
        if not list_proof.is_signed(shown):
            problem = "The certificate's signature does not hold, so it proves nothing."
        elif len(found.rows) != shown.slots:
            problem = "The list has another number of rows than the certificate says."
        elif not list_proof.is_of(shown, _bytes(opening), found):
            problem = "List, rules and opening together are not what the certificate commits to."
        else:
            click.echo("The certificate is of this list and these rules.")
            for line in list_proof.said_of(shown):
                click.echo(line)
            return
    raise click.ClickException(problem)


def _bytes(opening: str) -> bytes:
    """The opening however it is grouped; what is none proves nothing."""
    try:
        return bytes.fromhex("".join(opening.split()))
    except ValueError:
        return b""
