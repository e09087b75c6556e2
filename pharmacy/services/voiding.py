"""A plan holds as long as the weight it was made with: a corrected one voids it, for good.

What is void follows from weights alone, never from an arm or from how far the bench is. It is
kept, so that no later weighing brings a plan back, and everybody who asks is answered the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.protocol import parse_protocol
from pharmacy.domain.weight_limits import void_reason
from pharmacy.persistence import bags, courses, participants
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.participants import Participant, Weight
from pharmacy.persistence.studies import ProtocolVersion
from pharmacy.services.act import Act

WORDS = {
    "corrected": "its weight was corrected after it was planned",
    "changed": "the weight has changed too much since it was planned",
    "over_limit": "the weight has gone over the protocol's limit since it was planned",
    "under_limit": "the weight has gone under the protocol's minimum since it was planned",
    "skipped": "the investigator has signed to skip it",
}
_OUT = frozenset({BagState.RELEASED, BagState.RECEIVED, BagState.HELD})


def why(act: Act, course: Course) -> str:
    """Why the plan of a course no longer holds, a key of `WORDS`; empty while it does.

    Besides what is kept, the weights are asked once more: a plan whose weight was corrected
    before plans could be void stops too.
    """
    return course.void_why or _reason(act, course)


def need_valid(act: Act, course: Course) -> None:
    """Refuse (409) a course whose plan is void (requirements D1, D2)."""
    if reason := why(act, course):
        raise Refusal(sentence(reason))


def sentence(reason: str) -> str:
    """What the bench is told of a void plan."""
    return (
        f"The plan of this course is void: {WORDS[reason]}. Prepare and release nothing of it, "
        "and destroy what was drawn."
    )


def void_if_needed(act: Act, participant: Participant) -> None:
    """Void every course of a held participant whose plan the newest weights no longer carry.

    Only where something is left to give: a course whose bags have all ended stays as it was.
    """
    for course in courses.courses_of_participant(act.uow.session, participant.id):
        if course.voided_at is not None:
            continue
        rows = _bags(act, course)
        if any(_to_give(act, bag, day) for bag, day in rows) and (reason := _reason(act, course)):
            void(act, participant, course, reason)


def void_open(act: Act, participant: Participant, reason: str) -> None:
    """Void every course of a held participant of which something is left to give."""
    for course in courses.courses_of_participant(act.uow.session, participant.id):
        if any(_to_give(act, bag, day) for bag, day in _bags(act, course)):
            void(act, participant, course, reason)


def void(act: Act, participant: Participant, course: Course, reason: str) -> None:
    """Void one course of a held participant; its bags that never left are retired with it."""
    session = act.uow.session
    if not courses.void(session, course.id, act.now, reason):
        return
    order = session.get_one(courses.Order, course.order_id)
    for bag, _ in _bags(act, course):
        if bag.state == BagState.PLANNED:
            bags.move(session, bag.id, BagState.PLANNED, BagState.RETIRED)
    act.record(
        "course_voided",
        f"participant:{participant.code}",
        old={"visit": course.visit, "order": order.number, "planned_at": course.planned_at},
        new={"bags": [[bag.id, bag.state] for bag, _ in _bags(act, course)]},
        reason=reason,
    )


def _reason(act: Act, course: Course) -> str:
    planned = act.uow.session.get_one(Weight, course.weight_id)
    weighed = participants.weights(act.uow.session, course.participant_id)
    if weighed[0].id == planned.id:
        return ""
    version = act.uow.session.get_one(ProtocolVersion, course.protocol_version_id)
    return void_reason(
        parse_protocol(version.toml_text),
        planned.weight_kg,
        planned.measured_on,
        [(row.weight_kg, row.measured_on) for row in weighed],
    )


def _bags(act: Act, course: Course) -> Sequence[tuple[Bag, InfusionDay]]:
    session = act.uow.session
    return [
        (bag, day)
        for day in courses.days_of(session, course.id)
        for bag in bags.bags_of_day(session, day.id)
    ]


def _to_give(act: Act, bag: Bag, day: InfusionDay) -> bool:
    """A bag that is running, may still be given, or is yet to leave."""
    state = BagState(bag.state)
    if state in _OUT:
        return act.now < day.stop_by
    return state in (BagState.PLANNED, BagState.STARTED)
