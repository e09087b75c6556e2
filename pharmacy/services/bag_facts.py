"""What a verdict needs to know: the bag that a code leads to, and whose a card is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pharmacy.domain.bag_code import BagCode, MistypedCode, Piece, parse_code
from pharmacy.domain.bag_limits import bag_latest_start, day_may_go_on, goes_on
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.scanning import BagFacts, CardFacts, Stop
from pharmacy.persistence import bags, participants
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.participants import Participant
from pharmacy.services import assessments, plans, voiding
from pharmacy.services.act import Act
from pharmacy.services.bag_states import state_now

_MAY_STILL_RUN = frozenset({BagState.RELEASED, BagState.RECEIVED, BagState.STARTED})
_NO_CARD = CardFacts(known=False, replaced=False, revoked=False, same_participant=False)


@dataclass(frozen=True)
class Found:
    """What a code led to: a reason to stop already, and the bag where there is one."""

    stop: Stop | None
    code_body: str | None = None
    bag: tuple[Bag, InfusionDay, Course] | None = None


def find_bag(act: Act, text: str, *, typed: bool) -> Found:
    """Where a scanned or typed code leads; a code that is none leads to its Stop."""
    try:
        code = parse_code(text if typed else text.strip(), typed=typed)
    except MistypedCode:
        return Found(Stop.MISTYPED)
    if code.piece is Piece.CARD:
        return Found(Stop.CARD_NOT_BAG)
    if code.practice != act.in_study.practice:
        return Found(Stop.OTHER_MODE)
    row = bags.code(act.uow.session, code.body)
    if row is None:
        return Found(Stop.FORGED)
    bag = bags.bag_with_day(act.uow.session, row.bag_id)
    if code.piece is Piece.INNER_CONTAINER:
        return Found(Stop.INNER_LABEL, code.body, bag)
    return Found(Stop.RETIRED_CODE if row.retired_at else None, code.body, bag)


def bag_facts(
    act: Act, bag: Bag, day: InfusionDay, course: Course, *, code_retired: bool
) -> BagFacts:
    """Everything that the verdict over one bag is judged from, as it is at this moment."""
    participant = act.uow.session.get_one(Participant, course.participant_id)
    earlier = earlier_states(act, bag)
    return BagFacts(
        state=state_now(act, bag),
        same_study=bag.study_id == act.in_study.id,
        code_retired=code_retired,
        on_treatment=participant.state == "allocated",
        plan_void=bool(voiding.why(act, course)),
        assessments_open=_assessments_open(act, course),
        earlier_bag_waits=any(state in _MAY_STILL_RUN for state in earlier),
        earlier_bag_missing=any(
            state not in _MAY_STILL_RUN and state is not BagState.ENDED for state in earlier
        )
        or not _goes_on(act, bag, day, course, earlier),
        not_before=day.run_at,
        latest_start=latest_start(act, bag, day, course),
        stop_by=day.stop_by,
    )


def _assessments_open(act: Act, course: Course) -> bool:
    visit = plans.protocol_of_course(act, course).find_visit(course.visit)
    return visit is not None and assessments.open_for(act, course.participant_id, visit)


def latest_start(act: Act, bag: Bag, day: InfusionDay, course: Course) -> datetime:
    """Until when this bag may be started, as its label says."""
    day_plan = plans.plan_of(course).days[day.day - 1]
    protocol = plans.protocol_of_course(act, course)
    return bag_latest_start(day_plan, bag.number, day.run_at, protocol)


def earlier_states(act: Act, bag: Bag) -> list[BagState]:
    """The states of the bags of the same day with a lower number."""
    siblings = bags.bags_of_day(act.uow.session, bag.day_id)
    return [state_now(act, row) for row in siblings if row.number < bag.number]


def _goes_on(
    act: Act, bag: Bag, day: InfusionDay, course: Course, earlier: list[BagState]
) -> bool:
    """Whether the day goes on after the bags before this one, by how and why they ended.

    How much was given is not judged while one of them is to come.
    """
    if not day_may_go_on(bags.end_reasons_before(act.uow.session, bag)):
        return False
    if any(state is not BagState.ENDED for state in earlier):
        return True
    given_ml = bags.infused_before(act.uow.session, bag)
    return goes_on(plans.plan_of(course).days[day.day - 1], bag.number, given_ml)


def card_facts(act: Act, text: str, participant_id: str) -> CardFacts:
    """Whose card was scanned, seen from the participant whose bag it is to open."""
    try:
        code: BagCode | None = parse_code(text, typed=True)
    except MistypedCode:
        code = None
    fits = code is not None and code.piece is Piece.CARD and code.practice == act.in_study.practice
    row = participants.card(act.uow.session, code.body) if code and fits else None
    if row is None:
        return _NO_CARD
    return CardFacts(
        known=True,
        replaced=row.ended_why == "replaced",
        revoked=row.ended_at is not None and row.ended_why != "replaced",
        same_participant=row.participant_id == participant_id,
    )


def card_since(act: Act, participant_id: str, judged_at: datetime) -> CardFacts:
    """The participant's card that counted at a moment, as it stands now.

    At most one counts at a time, so that a later one has replaced it, and none has revoked it.
    """
    row = participants.open_card(act.uow.session, participant_id)
    return CardFacts(
        known=True,
        replaced=row is not None and row.made_at > judged_at,
        revoked=row is None,
        same_participant=True,
    )
