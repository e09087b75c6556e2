"""Deliveries: the bags of one infusion day on their way, and the paper that travels with them.

Built from what everybody may know and from nothing else (K6, K12): plans, limits, codes and the
blinded states as they are told now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from labels.content import PackedBag, PackingList
from labels.errors import LabelRefused
from pharmacy.domain.bag_code import BagCode, Piece, grouped
from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.quantities import format_volume
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_limit, format_moment
from pharmacy.persistence import bags, courses
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.services import bag_facts, plans, voiding
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.bag_states import state_now
from pharmacy.services.printing import WATERMARK, to_pdf
from pharmacy.services.site_words import bag_words, days_words

_HERE = frozenset({BagState.RECEIVED, BagState.STARTED, BagState.ENDED})


@dataclass(frozen=True)
class Delivery:
    """The bags of one infusion day by where they are: on their way, at the home, or neither."""

    on_their_way: tuple[Bag, ...]
    arrived: tuple[Bag, ...]
    elsewhere: tuple[Bag, ...]

    @property
    def sent(self) -> int:
        """How many bags left the pharmacy for the home and were not called back."""
        return len(self.on_their_way) + len(self.arrived)


@dataclass(frozen=True)
class DeliveryLine:
    """One delivery in words. `late` says that a bag of it can no longer be started.

    `void` says that its plan no longer holds: none of its bags is started.
    """

    day_id: str
    participant: str
    visit: str
    date: str
    bags: str
    on_their_way: str
    arrived: str
    elsewhere: str
    start_by: str
    late: bool
    void: bool


def delivery_of(act: Act, day_id: str) -> Delivery:
    """Where the bags of an infusion day are, as everybody may know it now."""
    found = [(bag, state_now(act, bag)) for bag in bags.bags_of_day(act.uow.session, day_id)]
    return Delivery(
        on_their_way=tuple(bag for bag, state in found if state is BagState.RELEASED),
        arrived=tuple(bag for bag, state in found if state in _HERE),
        elsewhere=tuple(
            bag for bag, state in found if state is not BagState.RELEASED and state not in _HERE
        ),
    )


def deliveries(act: Act) -> tuple[DeliveryLine, ...]:
    """The infusion days with a bag on its way, the earliest run first, then by participant."""
    act.permit(Permission.SEE_DELIVERIES)
    rows = bags.bags_of_study(act.uow.session, act.in_study.id)
    days = {day.id: (day, course) for _, day, course in rows}
    found = [
        (_order(act, day, course), _line(act, day, course, delivery))
        for day, course in days.values()
        if (delivery := delivery_of(act, day.id)).on_their_way
    ]
    return tuple(line for _, line in sorted(found, key=lambda pair: pair[0]))


def packing_list(act: Act, day_id: str) -> PackingList:
    """The paper for the bags of a day that are on their way.

    Refused: no such day here (404); no bag of it on its way, a plan that is void, or a text that
    is missing (409).
    """
    act.permit(Permission.SEE_DELIVERIES)
    day, course = _day(act, day_id)
    delivery = delivery_of(act, day.id)
    if not delivery.on_their_way:
        raise Refusal(
            "No bag of this day is on its way, so there is nothing to pack. A bag travels from "
            "its release until it is received."
        )
    if voiding.why(act, course):
        raise Refusal(
            "The plan of these bags no longer holds. Send none of them, and call back what is "
            "on its way."
        )
    participant = participant_verbs.find(act, course.participant_id)
    site = participant_verbs.site_of(act, participant)
    protocol = plans.protocol_of_course(act, course)
    zone = ZoneInfo(site.zone)
    try:
        return PackingList(
            pharmacy_name=site.pharmacy_name,
            pharmacy_phone=site.pharmacy_phone,
            unblinding_phone=site.unblinding_phone,
            protocol_code=protocol.code,
            participant=participant.code,
            visit_and_day=visit_and_day(act, day, course),
            bag_count=_count(delivery),
            bags=tuple(_packed(act, bag, day, course, zone) for bag in delivery.on_their_way),
            stop_by=f"Stop and discard at {format_limit(day.stop_by, zone)}",
            storage=f"{protocol.storage.text.rstrip('.')}.",
            not_with_it=_not_with_it(delivery),
            watermark=WATERMARK if act.in_study.practice else "",
        )
    except LabelRefused as refused:
        raise Refusal(refused.sentence) from None


def packing_list_pdf(act: Act, day_id: str) -> bytes:
    """The packing list ready to print."""
    return to_pdf(packing_list(act, day_id))


def visit_and_day(act: Act, day: InfusionDay, course: Course) -> str:
    """`Week 0, day 1 of 2`."""
    visit = plans.protocol_of_course(act, course).find_visit(course.visit)
    name = visit.name if visit else course.visit
    return f"{name}, day {day.day} of {len(plans.plan_of(course).days)}"


def _day(act: Act, day_id: str) -> tuple[InfusionDay, Course]:
    day = act.uow.session.get(InfusionDay, day_id)
    course = courses.course(act.uow.session, day.course_id) if day else None
    if day is None or course is None or course.study_id != act.in_study.id:
        raise Refusal("There is no such infusion day in this study.", status=404)
    return day, course


def _order(act: Act, day: InfusionDay, course: Course) -> tuple[datetime, str, int]:
    return day.run_at, participant_verbs.find(act, course.participant_id).code, day.day


def _line(act: Act, day: InfusionDay, course: Course, delivery: Delivery) -> DeliveryLine:
    participant = participant_verbs.find(act, course.participant_id)
    zone = ZoneInfo(participant_verbs.site_of(act, participant).zone)
    limits = [bag_facts.latest_start(act, bag, day, course) for bag in delivery.on_their_way]
    return DeliveryLine(
        day_id=day.id,
        participant=participant.code,
        visit=visit_and_day(act, day, course),
        date=days_words([day.run_at], zone),
        bags=_count(delivery),
        on_their_way=_listed(delivery.on_their_way),
        arrived=_listed(delivery.arrived),
        elsewhere=_listed(delivery.elsewhere),
        start_by=format_moment(min(limits), zone),
        late=act.now > min(limits),
        void=bool(voiding.why(act, course)),
    )


def _packed(act: Act, bag: Bag, day: InfusionDay, course: Course, zone: ZoneInfo) -> PackedBag:
    body = bags.open_code(act.uow.session, bag.id).body
    code = BagCode(act.in_study.practice, Piece.OUTER_COVER, body).text
    return PackedBag(
        bag_n_of_n=bag_words(bag).capitalize(),
        code=grouped(code),
        volume=format_volume(bag.volume_ml),
        start_by=format_limit(bag_facts.latest_start(act, bag, day, course), zone),
    )


def _count(delivery: Delivery) -> str:
    """How many bags travel: `2 bags`, or `1 of 2 bags` when the others of the day do not."""
    travelling = len(delivery.on_their_way)
    of_day = delivery.sent + len(delivery.elsewhere)
    if travelling < of_day:
        return f"{travelling} of {of_day} bags"
    return "1 bag" if of_day == 1 else f"{of_day} bags"


def _not_with_it(delivery: Delivery) -> str:
    """Which bags of the day the box does not hold; empty when it holds all of them."""
    others = sorted((*delivery.arrived, *delivery.elsewhere), key=lambda bag: bag.number)
    return f"Not in this delivery: {_listed(others)}." if others else ""


def _listed(found: tuple[Bag, ...] | list[Bag]) -> str:
    return ", ".join(bag_words(bag) for bag in found)
