"""The act: the one function that opens an envelope."""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import join
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import StudyStage
from pharmacy.persistence import bags, break_cards, participants, stages
from pharmacy.persistence.audit import AuditEntry
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, trail, versions
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.break_shares import Halves
from pharmacy.unblinded.locked import KeysChanged
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import ARM_SIZE, KEY_SIZE, LitAuditEntry, Slot
from pharmacy.unblinded.warrants import CODE_BREAK_OPENED, BreakWarrant, Warrant

# The events that are openings themselves, and what their subject names: an entry about anything
# else is no warrant.
OPENINGS = {
    "opened": "bag",
    "break_card_opened": "break_card",
    "safety_opened": "participant",
}
# The whole list at the end of a study: its entry names the study, and opens any of its slots.
STUDY_OPENING = "study_list_opened"


@dataclass(frozen=True)
class Place:
    """A slot by where it stands, taken or not: what only the end of a study opens."""

    stratum: str
    number: int


class DoesNotOpen(Refusal):
    """An envelope that its key does not open (409)."""

    def __init__(self) -> None:
        super().__init__("This envelope does not open. Do not prepare; call the statistician.")


def open_envelope(
    act: Act, means: OpenRoom | Halves, warrant: Warrant | BreakWarrant, whose: str | Place
) -> Arm:
    """Open the envelope of one participant's slot, or of one place of an unblinded study.

    With an open room's list key, for what its trail says; or with both halves of that slot's key,
    for what the blinded trail says of this very form. Refused (403) without the list key, or when
    the warrant's entry is not committed, is no opening, names somebody else or something else, or
    another participant; `DoesNotOpen` when the envelope does not open.
    """
    _check(act, means, warrant, whose)
    slot = act.uow.session.scalars(
        sa.select(Slot).where(Slot.study_id == act.in_study.id, *_at(whose))
    ).one()
    place = (slot.study_id, slot.key_version, slot.stratum, slot.number)
    if isinstance(means, OpenRoom) and means.version != slot.key_version:
        raise KeysChanged
    try:
        if isinstance(means, Halves):
            key = join(means.own, means.kept)
        elif means.list_key is None:
            raise Refusal("You do not hold the list key.", status=403)
        else:
            key = open_sealed(means.list_key, slot.slot_key, KEY_SIZE, contexts.slot_key(*place))
        return Arm.from_bytes(open_sealed(key, slot.envelope, ARM_SIZE, contexts.envelope(*place)))
    except (CannotOpen, ValueError):
        raise DoesNotOpen from None


def _check(
    act: Act, means: OpenRoom | Halves, warrant: Warrant | BreakWarrant, whose: str | Place
) -> None:
    """The entry is read back on a connection of its own: what is not committed is not there."""
    if isinstance(means, OpenRoom) and isinstance(warrant, Warrant):
        written = _written_in_the_room(act, means, warrant, whose)
    elif isinstance(means, Halves) and isinstance(warrant, BreakWarrant) and isinstance(whose, str):
        written = _written_for_a_break(act, warrant, whose)
    else:
        written = False
    same = (warrant.study_id, warrant.person_id) == (act.in_study.id, act.person.id)
    if not written or not same:
        raise Refusal("Nothing is opened that is not written down first.", status=403)


def _at(whose: str | Place) -> tuple[sa.ColumnElement[bool], ...]:
    if isinstance(whose, Place):
        return (Slot.stratum == whose.stratum, Slot.number == whose.number)
    return (Slot.participant_id == whose,)


def _written_in_the_room(act: Act, room: OpenRoom, warrant: Warrant, whose: str | Place) -> bool:
    with act.uow.as_committed() as elsewhere:
        row = elsewhere.get(LitAuditEntry, (act.in_study.id, warrant.seq))
        ring = versions.ring(elsewhere, act.in_study.id, room.record_key)
        entry = trail.read(row, ring) if row is not None else {}
        unblinded = StudyStage.UNBLINDED.value in stages.confirmed(elsewhere, act.in_study.id)
    said = (entry.get("person"), entry.get("subject"), entry.get("reason"))
    wanted = (act.person.id, warrant.subject, warrant.reason)
    if isinstance(whose, Place):
        of_all = f"study:{act.in_study.id}"
        whole = (entry.get("event"), warrant.subject) == (STUDY_OPENING, of_all)
        return said == wanted and whole and unblinded
    kind = OPENINGS.get(str(entry.get("event")), "")
    return said == wanted and bool(kind) and whose == _named(act, kind, warrant.subject)


def _written_for_a_break(act: Act, warrant: BreakWarrant, participant_id: str) -> bool:
    with act.uow.as_committed() as elsewhere:
        row = elsewhere.get(AuditEntry, (act.in_study.id, warrant.seq))
        entry = json.loads(row.body) if row is not None else {}
    participant = participants.participant(act.uow.session, participant_id)
    facts = entry.get("new")
    form = facts.get("form") if isinstance(facts, dict) else None
    said = tuple(entry.get(name) for name in ("event", "person_id", "subject", "reason"))
    wanted = (CODE_BREAK_OPENED, act.person.id, warrant.subject, warrant.reason)
    named = participant is not None and warrant.subject == f"participant:{participant.code}"
    return said == wanted and form == warrant.form and named


def _named(act: Act, kind: str, subject: str) -> str:
    """The id of the participant whom a warrant's subject names, through bag or card; else empty."""
    said, _, name = subject.partition(":")
    session, study_id = act.uow.session, act.in_study.id
    if said != kind:
        return ""
    if kind == "bag":
        bag = bags.bag_with_day(session, name)
        return str(bag[2].participant_id) if bag is not None else ""
    if kind == "break_card":
        card = break_cards.card(session, name)
        same = card is not None and card.study_id == study_id
        return str(card.participant_id) if card is not None and same else ""
    participant = participants.by_code(session, study_id, name)
    return str(participant.id) if participant is not None else ""
