"""`label sample`: a protocol's paper for a made-up participant, with no configuration or database.

The texts are composed by the code that composes every real label; only the facts are made up.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import click

from labels.content import Content
from pharmacy.cli.plan import read_protocol
from pharmacy.domain.bag_code import RANDOM_BYTES, Piece, make_code, parse_code
from pharmacy.domain.dosing import plan
from pharmacy.domain.dosing_weight import Body
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.history import on_schedule
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.time_limits import time_limits
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import InfusionDay, Order
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.studies import Site
from pharmacy.services.cards import compose_card
from pharmacy.services.label_texts import LabelFacts, compose_cover, compose_inner
from pharmacy.services.printing import to_pdf

_MIGHT = Path(__file__).resolve().parents[1] / "protocols" / "might.toml"
# Fixed, so that the same protocol always gives the same paper. No bag ever has this code.
_CODE_BYTES = bytes(range(1, RANDOM_BYTES + 1))
_WEIGHT_KG = Decimal("59.6")
_BODY = Body(Decimal(170), "M")
_RUN_AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
_STAFF = "AB/CD"


@click.group()
def label() -> None:
    """Labels and cards on paper."""


@label.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.pdf",
    help="Where to write the PDF; a file that is there is replaced.",
)
@click.option(
    "--protocol",
    "path",
    default=str(_MIGHT),
    metavar="FILE",
    help="The protocol (TOML); MIGHT unless another is named.",
)
@click.option(
    "--piece",
    type=click.Choice(["cover", "inner", "card"]),
    default="cover",
    show_default=True,
    help="The cover label, the inner label, or the participant's card.",
)
def sample(out: Path, path: str, piece: str) -> None:
    """Write a sample label of a protocol, watermarked, to see or to try a printer with.

    Site, participant and code are made up. A refusal ends with status 1 and one sentence.
    """
    try:
        pdf = to_pdf(_content(read_protocol(path), piece))
    except (BadForm, Refusal) as refused:
        raise click.ClickException(str(refused)) from None
    try:
        out.write_bytes(pdf)
    except OSError as wrong:
        raise click.ClickException(f"{out} cannot be written ({wrong.strerror}).") from None
    click.echo(f"{out} holds a sample. Print it at 100%, not fitted to the page.")


def _content(protocol: Protocol, piece: str) -> Content:
    if piece == "card":
        code = make_code(_CODE_BYTES, practice=True, piece=Piece.CARD)
        return compose_card(protocol, _site(), _participant().code, code, practice=True)
    facts = _facts(protocol)
    return compose_inner(facts) if piece == "inner" else compose_cover(facts, _STAFF)


def _facts(protocol: Protocol) -> LabelFacts:
    """The first bag of the first course; every row is made up and goes into no database."""
    visit = protocol.infusion_visits()[0]
    history = on_schedule(protocol, visit)
    made = plan(_WEIGHT_KG, protocol, visit.code, False, history, body=_BODY)
    day_plan = made.days[0]
    bag_plan = day_plan.bags[0]
    limits = time_limits(_RUN_AT, day_plan.duration_min, protocol)
    return LabelFacts(
        site=_site(),
        protocol=protocol,
        visit=visit,
        participant=_participant(),
        order=Order(number="000000", first_day=date(2026, 3, 2)),
        day=InfusionDay(
            day=1, run_at=_RUN_AT, latest_start=limits.latest_start, stop_by=limits.stop_by
        ),
        day_plan=day_plan,
        days=len(made.days),
        bag=Bag(number=bag_plan.number, of=bag_plan.of, volume_ml=bag_plan.volume_ml),
        bag_plan=bag_plan,
        code_body=parse_code(make_code(_CODE_BYTES, practice=True, piece=Piece.OUTER_COVER)).body,
        practice=True,
    )


def _site() -> Site:
    return Site(
        pharmacy_name="Sample Home Infusion Pharmacy",
        pharmacy_address="100 Sample Street, Birmingham AL 35233",
        pharmacy_phone="205-555-0100",
        unblinding_phone="205-555-0101",
        zone="America/Chicago",
        investigator_name="S. Ample, MD",
    )


def _participant() -> Participant:
    return Participant(code="M-000")
