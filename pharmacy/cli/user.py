"""`user`: accounts made on the server, for a first administrator or when nobody can sign in."""

from __future__ import annotations

from pathlib import Path

import click

from pharmacy.cli.db import existing_installation, revisions
from pharmacy.cli.starting import CannotStart, installation_options
from pharmacy.crypto.deriving import Argon2Deriver
from pharmacy.crypto.passwords import Argon2Hasher
from pharmacy.domain.errors import BadForm, Refusal, Unavailable
from pharmacy.persistence.engine import make_engine
from pharmacy.services import people
from pharmacy.services.surroundings import Surroundings, system_now, system_random_bytes
from pharmacy.services.units import Units


@click.group()
def user() -> None:
    """People with an account."""


@user.command()
@installation_options
@click.option("--user-name", required=True, help="Small letters, such as r.okafor; never reused.")
@click.option("--name", required=True, help="The name as it is to stand beside signatures.")
@click.option("--initials", required=True, help="Two to four letters.")
@click.option("--administrator", is_flag=True, help="Adds people and studies; blinded everywhere.")
def add(
    instance: Path, demo: bool, user_name: str, name: str, initials: str, administrator: bool
) -> None:
    """Add a person and print the one-time link by which they choose their password.

    The link works once, for 24 hours, and is printed here only. Roles in a study are given by an
    administrator in the browser. Exit 1 and a sentence when the person cannot be added.
    """
    config = existing_installation(instance, demo)
    stands, wanted = revisions(config)
    if stands != wanted:
        raise CannotStart("The database is not at this program's revision; run: db upgrade")
    around = Surroundings(system_now, system_random_bytes, Argon2Hasher(), Argon2Deriver())
    try:
        with Units(make_engine(config.database_url), around.now).acting() as uow:
            person, token = people.add_by_operator(
                uow, around, user_name, name, initials, administrator=administrator
            )
            uow.commit()
    except BadForm as wrong:
        raise click.ClickException(" ".join(wrong.errors.values())) from None
    except (Refusal, Unavailable) as refused:
        raise click.ClickException(refused.sentence) from None
    click.echo(f"{person.full_name} was added. This link works once, for 24 hours:")
    click.echo(f"  {config.public_url}/password/{token}")
