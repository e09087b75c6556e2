"""The drill of a code break: the same door, passphrase, shares and record, and nobody's code.

It is walked before the first release, and it proves that the way stands: that the investigator has
a share of every slot, that their words open it, that the server adds its half, and that the entry
is committed first. It leaves no mark and mails nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import join
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import people
from pharmacy.persistence.audit import AuditEntry
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_zone
from pharmacy.unblinded import break_shares, contexts
from pharmacy.unblinded.arm_words import why_untold
from pharmacy.unblinded.break_shares import Halves
from pharmacy.unblinded.code_break import own_keys
from pharmacy.unblinded.code_break.breaking import REASONS, Asked
from pharmacy.unblinded.code_break.passphrase import unlock
from pharmacy.unblinded.drill_envelopes import CONTENT, drill_of
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import ARM_SIZE, DrillEnvelope, SealedList, Slot
from pharmacy.unblinded.warrants import (
    DRILL_OPENED,
    BreakWarrant,
    commit_break_warrant,
    find_break_warrant,
)

DRILL = "drill"
PASSED = "code_break_drill_passed"
# Where the investigator says they stand; only the first proves the way from outside.
PLACES: dict[str, str] = {
    "outside": "Outside the pharmacy, over a network that is not the pharmacy's",
    "inside": "In the pharmacy, or over its network",
}
DEVICES: dict[str, str] = {
    "phone": "Phone",
    "tablet": "Tablet",
    "computer": "Computer",
    "unknown": "Unknown device",
}
_NO_DRILL = (
    "There is no drill for you yet. Ask a pharmacist or the statistician to open Investigators "
    "and make one; for an emergency nothing is missing."
)
_NO_LIST = "The study's list is not loaded yet. Drill as soon as it is."


@dataclass(frozen=True)
class Passed:
    """One drill that was passed: by whom, when, and from where."""

    person_id: str
    name: str
    at: datetime
    when: str
    place: str
    device: str


@dataclass(frozen=True)
class DrillFacts:
    """What go-live asks: who has passed, and when somebody did from a phone outside."""

    passed_by: tuple[str, ...]
    passed_from_phone_outside_at: datetime | None


@dataclass(frozen=True)
class Standing:
    """The acting person's own drill: whether there is one, and when it was last passed."""

    ready: bool
    last: str


def standing(act: Act) -> Standing:
    """Where the acting person's drill stands, for the page that leads to it."""
    own = [one for one in passed(act) if one.person_id == act.person.id]
    ready = drill_of(act, act.person.id) is not None
    return Standing(ready, own[-1].when if own else "")


def device_class(user_agent: str) -> str:
    """A key of `DEVICES` from what a browser calls itself; never more than the kind of device."""
    if "iPad" in user_agent or "Tablet" in user_agent:
        return "tablet"
    if "Mobi" in user_agent or "iPhone" in user_agent:
        return "phone"
    if "Android" in user_agent:
        return "tablet"
    return "computer" if "Mozilla/" in user_agent else "unknown"


def run(act: Act, asked: Asked, place: str, device: str, secrets: ServerSecrets) -> Passed:
    """Walk the way of a break up to an envelope that says it is the drill.

    Commits twice, as a break does: the entry before anything is opened, and that it was passed.
    The same form once more adds nothing. Refused: without a drill or list (409), without a share of
    every slot or with halves that do not fit (409), a wrong passphrase (403).
    """
    act.permit(Permission.BREAK_CODE)
    if asked.reason not in REASONS:
        raise BadForm({"reason": "Choose why."})
    if place not in PLACES:
        raise BadForm({"place": "Choose where you are."})
    row, keys = drill_of(act, act.person.id), keys_of(act, act.person.id)
    if row is None or keys is None or not keys.confirmed:
        raise Refusal(_NO_DRILL)
    _need_every_share(act)
    if untold := why_untold(act):
        raise Refusal(untold)
    unlocked = unlock(act, keys, asked.passphrase, secrets.pepper, asked.device)
    compared = own_keys.compare(act, unlocked.record, row)
    warrant = _written(act, asked)
    private = unlocked.record.exchange_private
    try:
        granters = compared.granters
        both = break_shares.open_halves(row, keys, private, granters, secrets.break_key)
        open_drill(act, row, both, warrant)
    except CannotOpen:
        raise own_keys.no_fit(act) from None
    _note_passed(act, asked, place, device)
    return next(one for one in reversed(passed(act)) if one.person_id == act.person.id)


def open_drill(act: Act, row: DrillEnvelope, both: Halves, warrant: BreakWarrant) -> None:
    """Join the halves and open the drill, for an entry that is committed; `CannotOpen` if not."""
    with act.uow.as_committed() as elsewhere:
        entry = elsewhere.get(AuditEntry, (warrant.study_id, warrant.seq))
        said = json.loads(entry.body) if entry is not None else {}
    if (said.get("event"), said.get("person_id")) != (DRILL_OPENED, row.person_id):
        raise CannotOpen
    context = contexts.drill_content(row.study_id, row.key_version, row.person_id)
    plain = open_sealed(join(both.own, both.kept), row.content, ARM_SIZE, context)
    if plain != CONTENT:
        raise CannotOpen


def passed(act: Act) -> list[Passed]:
    """Every drill that was passed in the act's study, the oldest first; needs no key."""
    rows = act.uow.session.scalars(
        sa.select(AuditEntry)
        .where(AuditEntry.trail == act.in_study.id, AuditEntry.event == PASSED)
        .order_by(AuditEntry.seq)
    )
    zone = study_zone(act)
    return [_passed(act, row, zone) for row in rows]


def drill_facts(act: Act) -> DrillFacts:
    """Which enrolled investigators have passed, and the newest time from a phone outside."""
    enrolled = {row.person_id for row in break_shares.enrolments(act)}
    found = [one for one in passed(act) if one.person_id in enrolled]
    outside = [one.at for one in found if (one.place, one.device) == ("outside", "phone")]
    names = sorted({one.person_id for one in found})
    return DrillFacts(tuple(names), max(outside, default=None))


def _need_every_share(act: Act) -> None:
    study_id = act.in_study.id
    if act.uow.session.get(SealedList, study_id) is None:
        raise Refusal(_NO_LIST)
    count = sa.select(sa.func.count()).select_from(Slot).where(Slot.study_id == study_id)
    if len(break_shares.shares(act, act.person.id)) != act.uow.session.scalars(count).one():
        raise own_keys.no_share(act)


def _written(act: Act, asked: Asked) -> BreakWarrant:
    found = find_break_warrant(act, DRILL, asked.reason, asked.form, DRILL_OPENED)
    return found or commit_break_warrant(act, DRILL, asked.reason, asked.form, DRILL_OPENED)


def _note_passed(act: Act, asked: Asked, place: str, device: str) -> None:
    if find_break_warrant(act, DRILL, asked.reason, asked.form, PASSED) is not None:
        return
    facts = {"form": asked.form, "place": place, "device": device}
    act.record(PASSED, DRILL, new=facts, reason=asked.reason)
    act.uow.commit()


def _passed(act: Act, row: AuditEntry, zone: ZoneInfo) -> Passed:
    said = json.loads(row.body)["new"]
    person_id = str(row.person_id)
    person = people.person(act.uow.session, person_id)
    return Passed(
        person_id=person_id,
        name=person.full_name if person else "",
        at=row.at,
        when=format_moment(row.at, zone),
        place=said["place"],
        device=said["device"],
    )
