"""`notices`: mailing what waits, for a timer beside the program or when a mail server is back."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import click

from pharmacy.cli.db import existing_installation
from pharmacy.cli.starting import CannotStart, installation_options
from pharmacy.domain.errors import Unavailable
from pharmacy.persistence.engine import make_engine
from pharmacy.postman import by_smtp, send_due
from pharmacy.services import notices
from pharmacy.services.surroundings import system_now
from pharmacy.services.units import Units


@click.group("notices")
def notices_commands() -> None:
    """Notices to sponsor and pharmacy."""


@notices_commands.command()
@installation_options
def send(instance: Path, demo: bool) -> None:
    """Mail every notice that is due, through TWINBAG_SMTP_URL to TWINBAG_NOTICE_TO.

    One that fails waits longer each time, up to an hour, and is kept until a server takes it.
    Status 1 when some still wait.
    """
    config = existing_installation(instance, demo)
    if not (config.smtp_url and config.notice_to):
        raise CannotStart("Set TWINBAG_SMTP_URL and TWINBAG_NOTICE_TO, then send the notices.")
    units = Units(make_engine(config.database_url, must_exist=True), system_now)
    host = urlsplit(config.public_url).hostname or "localhost"
    try:
        taken = send_due(units, by_smtp(config.smtp_url, config.notice_to, host))
        with units.reading() as uow:
            waiting = notices.waiting(uow)
    except Unavailable as lacking:
        raise click.ClickException(lacking.sentence) from None
    finally:
        units.close()
    click.echo(f"{taken} mailed, {waiting} waiting.")
    if waiting:
        raise SystemExit(1)
