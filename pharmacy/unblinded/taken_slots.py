"""Who sits in which slot, held against the two trails.

A slot's participant stands in the clear, so somebody who can write the database could exchange
two of them. The sealed entry of each allocation names the slot, and the blinded entry by its
number and hash, which names the participant: whoever has no record key cannot change that.
"""

from __future__ import annotations

import json

import sqlalchemy as sa

from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.audit import leaf_hash
from pharmacy.domain.errors import Refusal
from pharmacy.persistence.audit import AuditEntry
from pharmacy.persistence.participants import Participant
from pharmacy.services.act import Act
from pharmacy.unblinded import list_parts, trail
from pharmacy.unblinded.tables import Slot

TAKEN = "slot_taken"
CHANGED = (
    "The study's keys, list or slots are not the ones you trusted before. Do not go on: call the "
    "sponsor and the administrator."
)


def subject_of(stratum: str, number: int) -> str:
    """How an entry of the unblinded trail names a slot."""
    return f"slot:{stratum}/{number}"


def check_taken_slots(act: Act, record_key: bytes) -> None:
    """Refuse (409) when slots' participants, or the list's parts, are not as the trails tell."""
    try:
        entries = trail.entries(act, record_key)
    except CannotOpen:
        raise Refusal(CHANGED) from None
    _check_parts(act, entries)
    said = {
        str(entry["subject"]): _participant_of(act, entry)
        for entry in entries
        if entry["event"] == TAKEN
    }
    query = (
        sa.select(Slot.stratum, Slot.number, Participant.code)
        .join(Participant, Participant.id == Slot.participant_id)
        .where(Slot.study_id == act.in_study.id)
    )
    rows = act.uow.session.execute(query)
    stored = {subject_of(stratum, number): f"participant:{code}" for stratum, number, code in rows}
    if said != stored:
        raise Refusal(CHANGED)


def _check_parts(act: Act, entries: list[dict[str, object]]) -> None:
    """A part that was taken out is missed here too by holders who never saw it."""
    said = [
        (entry["part"], entry["commitment"])
        for entry in entries
        if entry["event"] == list_parts.GROWN_EVENT
    ]
    if said != [(row.part, row.commitment.hex()) for row in list_parts.later_parts(act)]:
        raise Refusal(CHANGED)


def _participant_of(act: Act, entry: dict[str, object]) -> str:
    blinded = act.uow.session.get(AuditEntry, (act.in_study.id, entry["blinded_seq"]))
    if blinded is None or leaf_hash(blinded.body).hex() != entry["blinded_leaf"]:
        raise Refusal(CHANGED)
    return str(json.loads(blinded.body)["subject"])
