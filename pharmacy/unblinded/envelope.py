"""The act: the one function that opens an envelope."""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import Refusal
from pharmacy.persistence import bags
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, trail
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import ARM_SIZE, KEY_SIZE, LitAuditEntry, Slot
from pharmacy.unblinded.warrants import Warrant

# The events that are openings themselves: an entry about anything else is no warrant.
OPENINGS = frozenset({"opened"})


def open_envelope(act: Act, room: OpenRoom, warrant: Warrant, participant_id: str) -> Arm:
    """Open the envelope of one participant's slot.

    Refused (403) without the list key, or when the warrant's entry is not committed, is no
    opening, names somebody else or something else, or a bag of another participant; 409 when
    the envelope does not open.
    """
    _check(act, room, warrant, participant_id)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    slot = act.uow.session.scalars(
        sa.select(Slot).where(
            Slot.study_id == act.in_study.id, Slot.participant_id == participant_id
        )
    ).one()
    place = (slot.study_id, slot.key_version, slot.stratum, slot.number)
    try:
        key = open_sealed(room.list_key, slot.slot_key, KEY_SIZE, contexts.slot_key(*place))
        return Arm.from_bytes(open_sealed(key, slot.envelope, ARM_SIZE, contexts.envelope(*place)))
    except CannotOpen:
        raise Refusal(
            "This envelope does not open. Do not prepare; call the statistician."
        ) from None


def _check(act: Act, room: OpenRoom, warrant: Warrant, participant_id: str) -> None:
    """The entry is read back on a connection of its own: what is not committed is not there."""
    with act.uow.as_committed() as elsewhere:
        row = elsewhere.get(LitAuditEntry, (act.in_study.id, warrant.seq))
        entry = trail.read(row, room.record_key) if row is not None else {}
    said = (entry.get("person"), entry.get("subject"), entry.get("reason"))
    wanted = (act.person.id, warrant.subject, warrant.reason)
    same = (warrant.study_id, warrant.person_id) == (act.in_study.id, act.person.id)
    opening = entry.get("event") in OPENINGS and _is_for(act, warrant, participant_id)
    if said != wanted or not same or not opening:
        raise Refusal("Nothing is opened that is not written down first.", status=403)


def _is_for(act: Act, warrant: Warrant, participant_id: str) -> bool:
    """Whether the bag that the warrant names is this participant's."""
    found = bags.bag_with_day(act.uow.session, warrant.subject.removeprefix("bag:"))
    return found is not None and found[2].participant_id == participant_id
