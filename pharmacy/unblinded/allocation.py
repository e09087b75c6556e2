"""The next slot for the oldest request: in order, at most once, and without decrypting.

The stratum's row is locked first, then the slot is taken by compare-and-set. Skipping locked
rows would break the order: the first slot of a rolled-back act would go to a later request.
"""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.domain.errors import Conflict, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence import participants
from pharmacy.persistence.participants import AllocationRequest, Participant
from pharmacy.services.act import Act
from pharmacy.unblinded import trail
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import Slot, Stratum
from pharmacy.unblinded.taken_slots import TAKEN, subject_of

ONLY_STRATUM = ""


def serve(act: Act, room: OpenRoom, request_id: str) -> Participant:
    """Serve the request that the page showed as the oldest; sent twice, it serves that one once.

    One that was served meanwhile is answered with its participant and no effect; one that is not
    the oldest any more is refused (409), otherwise as `serve_oldest`.
    """
    act.permit(Permission.PREPARE)
    stratum = _lock(act)
    request = act.uow.session.get(AllocationRequest, request_id, populate_existing=True)
    if request is None or request.study_id != act.in_study.id:
        raise Refusal("There is no such request in this study.", status=404)
    if request.served_at is not None:
        return act.uow.session.get_one(Participant, request.participant_id)
    if _oldest(act) is not request:
        raise Refusal("Another request is the oldest now. Open the board again and serve that one.")
    return _give_next(act, room, stratum, request)


def serve_oldest(act: Act, room: OpenRoom) -> Participant:
    """Give the oldest request the next slot of its stratum.

    The pharmacist cannot choose, reorder or see what comes. Refused (409): no list, no request
    waiting, no slot left.
    """
    act.permit(Permission.PREPARE)
    stratum = _lock(act)
    return _give_next(act, room, stratum, _oldest(act))


def _give_next(
    act: Act, room: OpenRoom, stratum: Stratum, request: AllocationRequest
) -> Participant:
    number = stratum.next_slot
    if number > stratum.slots:
        raise Refusal("No slot is left in the list. Call the statistician.")
    participant = act.uow.session.get_one(Participant, request.participant_id)
    taken = act.uow.session.execute(
        sa.update(Slot)
        .where(
            Slot.study_id == act.in_study.id,
            Slot.stratum == stratum.stratum,
            Slot.number == number,
            Slot.participant_id.is_(None),
        )
        .values(participant_id=participant.id)
    )
    if taken.rowcount != 1:
        raise Conflict
    stratum.next_slot = number + 1
    request.served_at = act.now
    participant.state = "allocated"
    act.record(
        "participant_allocated", f"participant:{participant.code}", old="eligible", new="allocated"
    )
    trail.record(act, room.record_key, TAKEN, subject_of(stratum.stratum, number))
    return participant


def _lock(act: Act) -> Stratum:
    row = act.uow.session.scalars(
        sa.select(Stratum)
        .where(Stratum.study_id == act.in_study.id, Stratum.stratum == ONLY_STRATUM)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if row is None:
        raise Refusal("No list is loaded yet. The statistician loads it.")
    return row


def _oldest(act: Act) -> AllocationRequest:
    waiting = participants.waiting_requests(act.uow.session, act.in_study.id)
    if not waiting:
        raise Refusal("No request waits. The investigator signs eligibility first.")
    return waiting[0]
