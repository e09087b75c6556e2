"""`archive check`: is the archive of a closed study whole and signed, asked without a database."""

from __future__ import annotations

from typing import BinaryIO

import click


@click.group("archive")
def archive_commands() -> None:
    """The archive of a closed study."""


@archive_commands.command("check")
@click.argument("archive", metavar="FILE", type=click.File("rb"))
def check(archive: BinaryIO) -> None:
    """Check the hashes, both audit trails and the signatures of FILE (ZIP).

    Works on any computer, without database and network. Ends with 0 if everything fits; with 1
    and a sentence for each thing that does not. Compare the six words with the printed ones.
    """
    from pharmacy.crypto import archive_verifier

    found = archive_verifier.check(archive.read(archive_verifier.MOST_BYTES + 1))
    for name, words in found.signers:
        click.echo(f"Signed by {name}: {words}")
    if found.problems:
        raise click.ClickException("\n".join(found.problems))
    click.echo(f"{found.files} files, both trails and all signatures fit.")
