"""Facts of one bag, day or signature in the words of a page, in the site's zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.persistence import people, signatures
from pharmacy.persistence.bags import Bag
from pharmacy.services.act import Act
from pharmacy.services.signing import SignedBy

STATE_TONES = {
    BagState.PLANNED: "neutral",
    BagState.RELEASED: "wait",
    BagState.RECEIVED: "wait",
    BagState.STARTED: "go",
    BagState.ENDED: "neutral",
}


@dataclass(frozen=True)
class Signed:
    """A signature as every display shows it (F1): printed name, moment, meaning."""

    name: str
    when: str
    meaning: str


def signed(signature: SignedBy, zone: ZoneInfo) -> Signed:
    """A signature in words."""
    return Signed(signature.printed_name, format_moment(signature.at, zone), signature.meaning)


def signature_words(act: Act, signature_id: str, zone: ZoneInfo) -> Signed:
    """The signature with this id in words; without it the record is broken, which is a bug."""
    row = signatures.signature(act.uow.session, signature_id)
    if row is None:
        raise ValueError("a signed record has its signature")
    return signed(SignedBy(row.printed_name, row.meaning, row.at), zone)


def record_signature_words(act: Act, kind: str, record_id: str, zone: ZoneInfo) -> Signed | None:
    """The newest signature over a record in words, if there is one."""
    row = signatures.of_record(act.uow.session, kind, record_id)
    return None if row is None else signature_words(act, row.id, zone)


def person_name(act: Act, person_id: str) -> str:
    """The printed name of a person."""
    person = people.person(act.uow.session, person_id)
    if person is None:
        raise Refusal("There is no such person.", status=404)
    return person.full_name


def clock(moment: datetime, zone: ZoneInfo) -> str:
    """The time of day alone, `11:40 CDT`, for today's pages."""
    local = moment.astimezone(zone)
    return f"{local:%H:%M} {local.tzname()}"


def days_words(moments: Sequence[datetime], zone: ZoneInfo) -> str:
    """Days in one line: `2 Mar 2026 and 3 Mar 2026`."""
    days = [format_day(moment.astimezone(zone).date()) for moment in moments]
    return " and ".join([", ".join(days[:-1]), days[-1]] if len(days) > 1 else days)


def about(minutes: int) -> str:
    """A duration for people: `4 h 50 min`."""
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest:02d} min" if hours else f"{rest} min"


def bag_words(bag: Bag) -> str:
    """`bag 1 of 2`."""
    return f"bag {bag.number} of {bag.of}"
