"""The book of a list's places: how many are free, taken, and taken in error. No arm, no row.

A place is never taken back. What happened to one that was given in error is an entry of the
unblinded trail that names it; what blinded people say of it is their own, signed deviation.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import deviations
from pharmacy.persistence.participants import Participant
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.deviations import KINDS
from pharmacy.unblinded import list_parts, trail
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import Slot, Stratum
from pharmacy.unblinded.taken_slots import subject_of

IN_ERROR = "slot_taken_in_error"
LONGEST_WORDS = 300


@dataclass(frozen=True)
class Places:
    """One stratum's places. `in_error` are among the taken ones."""

    stratum: str
    places: int
    taken: int
    in_error: int

    @property
    def free(self) -> int:
        """Places that nobody has."""
        return self.places - self.taken


@dataclass(frozen=True)
class ErrorLine:
    """A place that was given in error: whose, how it happened, who wrote it down here."""

    code: str
    kind: str
    words: str
    name: str
    at: str


@dataclass(frozen=True)
class SlotBook:
    """The whole book. `waiting` are signed deviations whose place is not marked here yet."""

    places: tuple[Places, ...]
    errors: tuple[ErrorLine, ...]
    waiting: tuple[str, ...]


def book(act: Act, room: OpenRoom) -> SlotBook:
    """The book of the act's study's list, read with the record key of an open room."""
    act.permit(Permission.SEE_SLOTS)
    entries = _entries(act, room)
    taken = {subject_of(slot.stratum, slot.number): code for slot, code in _taken(act)}
    strata = Counter(str(entry["subject"]) for entry in entries)
    lines = tuple(
        ErrorLine(
            taken[str(entry["subject"])],
            KINDS[str(entry["kind"])],
            str(entry["words"]),
            str(entry["name"]),
            str(entry["at"]),
        )
        for entry in entries
    )
    waiting = _said_in_error(act) - {line.code for line in lines}
    return SlotBook(_places(act, set(strata)), lines, tuple(sorted(waiting)))


def note_error(
    act: Act, room: OpenRoom, code: str, kind: str, words: str, operation_id: str
) -> None:
    """Write on a participant's place that it was given in error; it stays taken, once for ever.

    `kind` is one of `KINDS`; `words` stay in the lit room. A place that is marked so already is
    refused (409), and a participant without one.
    """
    act.permit(Permission.SEE_SLOTS)
    stages.admit(act, StudyAct.KEEP)
    if trail.find_operation(act, room.record_key, IN_ERROR, operation_id) is not None:
        return
    errors = {}
    if kind not in KINDS:
        errors["kind"] = "Choose what happened."
    if len(words.strip()) > LONGEST_WORDS:
        errors["words"] = f"Keep it to {LONGEST_WORDS} characters."
    list_parts.lock_list(act)
    subject = {one: subject_of(slot.stratum, slot.number) for slot, one in _taken(act)}.get(code)
    if subject is None:
        errors["code"] = "Choose a participant who has a place."
    if errors:
        raise BadForm(errors)
    if any(entry["subject"] == subject for entry in _entries(act, room)):
        raise Refusal("This place is marked as given in error already.")
    trail.record(
        act,
        room.record_key,
        IN_ERROR,
        str(subject),
        kind=kind,
        words=words.strip(),
        operation=operation_id,
    )
    act.record("place_marked_in_error", f"participant:{code}", new={"kind": kind})


def codes(act: Act) -> tuple[str, ...]:
    """The participants who have a place, by code."""
    return tuple(sorted(code for _, code in _taken(act)))


def _places(act: Act, in_error: set[str]) -> tuple[Places, ...]:
    strata = sa.select(Stratum).where(Stratum.study_id == act.in_study.id)
    taken = Counter(slot.stratum for slot, _ in _taken(act))
    wrong = Counter(
        slot.stratum
        for slot, _ in _taken(act)
        if subject_of(slot.stratum, slot.number) in in_error
    )
    return tuple(
        Places(row.stratum, row.slots, taken[row.stratum], wrong[row.stratum])
        for row in act.uow.session.scalars(strata.order_by(Stratum.stratum))
    )


def _taken(act: Act) -> list[tuple[Slot, str]]:
    query = (
        sa.select(Slot, Participant.code)
        .join(Participant, Participant.id == Slot.participant_id)
        .where(Slot.study_id == act.in_study.id)
        .order_by(Participant.code)
    )
    return [(row[0], row[1]) for row in act.uow.session.execute(query)]


def _entries(act: Act, room: OpenRoom) -> list[dict[str, object]]:
    found = trail.entries(act, room.record_key)
    return [entry for entry in found if entry["event"] == IN_ERROR]


def _said_in_error(act: Act) -> set[str]:
    """The participants of whom blinded people have signed that their place was an error."""
    has_place = set(codes(act))
    rows = deviations.of_study(act.uow.session, act.in_study.id)
    named = {act.uow.session.get_one(Participant, row.participant_id).code for row in rows}
    return named & has_place
