"""`secrets`: the pepper and the break key, lost, changed or wanted back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click

from config import SECRET_NAMES, SECRETS_FILE, Config, ConfigError, keep_secrets, load
from pharmacy.cli.db import existing_installation
from pharmacy.cli.sealed_secrets import recovered, rows_of_backup, sealed_for
from pharmacy.cli.starting import CannotStart, installation_environ, installation_options
from pharmacy.domain.errors import Refusal, Unavailable
from pharmacy.persistence.engine import make_engine
from pharmacy.services import changed_secrets
from pharmacy.services.surroundings import system_now, system_random_bytes
from pharmacy.services.units import Units
from pharmacy.unblinded import secret_rotation

_SAID = {"TWINBAG_PEPPER": "pepper", "TWINBAG_BREAK_KEY": "break key"}


@click.group("secrets")
def secrets_commands() -> None:
    """The installation's pepper and break key."""


@secrets_commands.command()
@installation_options
@click.option(
    "--backup",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Open them out of this backup, before it is restored, and not out of the database.",
)
@click.option("--study", prompt="Study", help="The code of the study whose sheets are at hand.")
def recover(instance: Path, demo: bool, backup: Path | None, study: str) -> None:
    """Open pepper and break key with the two halves of a pair, and write secrets.env.

    The sheets are asked for and not shown: type the 22 words of each, or scan its code. What
    comes out is compared with what the database knows of its secrets. An existing secrets.env is
    never overwritten; the secret key in the new one is a new one.

    Status 2 and one sentence when it cannot be done.
    """
    path = instance / SECRETS_FILE
    if path.exists():
        raise CannotStart(f"{path} exists; it is never overwritten. Move it away, then try again.")
    if backup is not None:
        sealed = sealed_for(rows_of_backup(backup), study)
    else:
        with _units(_without_secrets(instance, demo)) as units, units.reading() as uow:
            sealed = sealed_for(secret_rotation.rows_to_recover(uow), study)
    numbers = " or ".join(one.named for one in sealed)
    click.echo(f"Two sheets of one pair of recovery key {numbers}.")
    first = click.prompt("First sheet", hide_input=True)
    second = click.prompt("Second sheet", hide_input=True)
    found = recovered(sealed, first, second)
    if backup is None:
        with _units(_without_secrets(instance, demo)) as units, units.acting() as uow:
            changed_secrets.record_recovered(uow, sorted(found))
            uow.commit()
    try:
        keep_secrets(instance, found)
    except ConfigError as error:
        raise CannotStart(str(error)) from error
    click.echo(f"{path} is written: {', '.join(sorted(found))}, and a new secret key.")
    click.echo("The halves were on this machine: make new recovery sheets once the program runs.")


@secrets_commands.command()
@installation_options
def status(instance: Path, demo: bool) -> None:
    """Say what is still sealed under another pepper or break key than the configured ones.

    Status 1 when something is left.
    """
    config = existing_installation(instance, demo)
    with _units(config) as units, units.reading() as uow:
        pepper, broken = _given(config)
        left = {
            "TWINBAG_PEPPER": secret_rotation.people_not_under(uow.session, pepper.now),
            "TWINBAG_BREAK_KEY": secret_rotation.investigators_not_under(uow.session, broken.now),
        }
    for setting, found in left.items():
        for one in found:
            click.echo(f"{setting}: {one.who}, {one.what}")
        if not found:
            click.echo(f"{setting}: nothing is left under another {_SAID[setting]}.")
    if any(left.values()):
        raise SystemExit(1)


@secrets_commands.command("replace-break-key")
@installation_options
@click.confirmation_option(prompt="The former break key is lost, in every copy?")
def replace_break_key(instance: Path, demo: bool) -> None:
    """Let the program start with another break key, although the former one is lost.

    No investigator breaks a code before a holder has renewed their shares, under Recovery.
    """
    _replace(existing_installation(instance, demo), 1)
    click.echo(
        "The break key of the configuration counts from now on. Start the program; in each study "
        "a holder of the list key renews the investigators' shares under Recovery. Until then no "
        "investigator breaks a code: the on-call pharmacist does."
    )


@secrets_commands.command("replace-pepper")
@installation_options
@click.confirmation_option(prompt="The former pepper is lost, in every copy?")
def replace_pepper(instance: Path, demo: bool) -> None:
    """Let the program start with another pepper, although the former one is lost.

    No passphrase opens anything any more: everybody makes new keys, and two recovery sheets of
    each study give them to the first holder.
    """
    _replace(existing_installation(instance, demo), 0)
    click.echo(
        "The pepper of the configuration counts from now on. Everybody makes new keys; in each "
        "study somebody takes over with two recovery sheets, and enrols the others."
    )


def _replace(config: Config, which: int) -> None:
    given = replace(_given(config)[which], before=b"")
    try:
        with _units(config) as units, units.acting() as uow:
            changed_secrets.replace(uow, given)
            uow.commit()
    except Refusal as refused:
        raise CannotStart(refused.sentence) from None


def _given(config: Config) -> tuple[changed_secrets.Given, changed_secrets.Given]:
    from pharmacy.app import secrets_given

    return secrets_given(config)


@contextmanager
def _units(config: Config) -> Iterator[Units]:
    units = Units(make_engine(config.database_url, must_exist=True), system_now)
    try:
        yield units
    except Unavailable as lack:
        raise CannotStart(f"{lack.sentence} Check its address and its rights.") from None
    finally:
        units.close()


def _without_secrets(instance: Path, demo: bool) -> Config:
    """Where the database is, on a machine that has none of the secrets."""
    environ = installation_environ(instance, demo)
    made_up = {name: system_random_bytes("no secret", 32).hex() for name in SECRET_NAMES}
    try:
        return load({**environ, **made_up}, instance)
    except ConfigError as error:
        raise CannotStart(str(error)) from error
