"""The next slot for the oldest request: in order, at most once, and without decrypting.

The list's row is locked first, so that everybody finds the same request to be the oldest; then the
participant's, so that no factor is corrected meanwhile; then its stratum's, and the slot is taken
by compare-and-set. Skipping locked rows would break the order: the first slot of a rolled-back
act would go to a later request.
"""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.domain.errors import Conflict, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import participants
from pharmacy.persistence.participants import AllocationRequest, Participant
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.unblinded import strata, trail
from pharmacy.unblinded.list_parts import lock_list
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.strata import LIST_FULL, ONLY_STRATUM, Queued
from pharmacy.unblinded.tables import Slot, Stratum
from pharmacy.unblinded.taken_slots import TAKEN, subject_of

NONE_HAS_PLACE = (
    "No place is left in the stratum of any request that waits. Call the statistician."
)


def serve(act: Act, room: OpenRoom, request_id: str) -> Participant:
    """Serve the request that the page showed as the oldest; sent twice, it serves that one once.

    One that was served meanwhile is answered with its participant and no effect; one that is not
    the oldest any more, or has no place left, is refused (409), otherwise as `serve_oldest`.
    """
    act.permit(Permission.PREPARE)
    stages.admit(act, StudyAct.ALLOCATE)
    lock_list(act)
    request = act.uow.session.get(AllocationRequest, request_id, populate_existing=True)
    if request is None or request.study_id != act.in_study.id:
        raise Refusal("There is no such request in this study.", status=404)
    if request.served_at is not None:
        return act.uow.session.get_one(Participant, request.participant_id)
    for queued in strata.queue(act):
        if queued.request is request:
            return _give_next(act, room, queued)
        if not queued.problem:
            break
    raise Refusal("Another request is the oldest now. Open the board again and serve that one.")


def serve_oldest(act: Act, room: OpenRoom) -> Participant:
    """Give the oldest request that has a place the next slot of its stratum.

    The pharmacist cannot choose, reorder or see what comes. Refused (409): no list, no request
    waiting, no slot left for any of them.
    """
    act.permit(Permission.PREPARE)
    stages.admit(act, StudyAct.ALLOCATE)
    lock_list(act)
    queued = None
    for queued in strata.queue(act):
        if not queued.problem:
            return _give_next(act, room, queued)
    if queued is None:
        raise Refusal("No request waits. The investigator signs eligibility first.")
    raise Refusal(LIST_FULL if queued.problem == LIST_FULL else NONE_HAS_PLACE)


def _give_next(act: Act, room: OpenRoom, queued: Queued) -> Participant:
    if queued.problem:
        raise Refusal(_for_one(act, queued))
    participant = _held(act, queued)
    stratum = _lock_stratum(act, queued.stratum)
    number = stratum.next_slot
    if number > stratum.slots:
        raise Conflict
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
    queued.request.served_at = act.now
    participant.state = "allocated"
    act.record(
        "participant_allocated", f"participant:{participant.code}", old="eligible", new="allocated"
    )
    trail.record(act, room.record_key, TAKEN, subject_of(stratum.stratum, number))
    return participant


def _for_one(act: Act, queued: Queued) -> str:
    """The sentence of a request that cannot be served, with whose it is in a list with strata."""
    if queued.stratum == ONLY_STRATUM and queued.problem == LIST_FULL:
        return LIST_FULL
    participant = act.uow.session.get_one(Participant, queued.request.participant_id)
    return f"{participant.code}: {queued.problem}"


def _held(act: Act, queued: Queued) -> Participant:
    """The request's participant, locked; `Conflict` if a correction of a factor was faster.

    A correction takes the request away, so the same request has the stratum it was queued with.
    """
    participant = act.uow.session.get_one(
        Participant,
        queued.request.participant_id,
        populate_existing=True,
        with_for_update=True,
    )
    request = participants.request_of(act.uow.session, participant.id)
    if participant.state != "eligible" or not request or request.id != queued.request.id:
        raise Conflict
    return participant


def _lock_stratum(act: Act, name: str) -> Stratum:
    return act.uow.session.scalars(
        sa.select(Stratum)
        .where(Stratum.study_id == act.in_study.id, Stratum.stratum == name)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
