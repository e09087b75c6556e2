"""A participant's courses in words: order, dose, days with their limits, states of the bags."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.quantities import format_grams, format_volume
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.persistence import bags, courses
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.persistence.courses import Course, InfusionDay, Order
from pharmacy.services import plans, voiding
from pharmacy.services.act import Act
from pharmacy.services.bag_states import state_now
from pharmacy.services.site_words import STATE_TONES, Signed, about, bag_words, signature_words


@dataclass(frozen=True)
class BagLine:
    """One bag: which, how much, its blinded state, and what was recorded of it."""

    name: str
    volume: str
    state: str
    tone: str
    note: str


@dataclass(frozen=True)
class DayLines:
    """One infusion day with its run and limits in site time."""

    name: str
    run: str
    start_by: str
    stop_by: str
    volume: str
    duration: str
    bags: tuple[BagLine, ...]


@dataclass(frozen=True)
class CourseSheet:
    """One course from its signed order on; `days` is empty until the pharmacy has planned it.

    `void` says since when and why its plan no longer holds; such a one is followed by that which
    was planned in its place. `begun` says that a bag of its order was started.
    """

    visit_code: str
    visit: str
    order_number: str
    first_day: str
    risk: str
    premedication: str
    signature: Signed
    dose: str
    days: tuple[DayLines, ...]
    states: tuple[BagState, ...]
    runs: tuple[datetime, ...]
    void: str
    begun: bool


def courses_of(
    act: Act, participant_id: str, protocol: Protocol, zone: ZoneInfo
) -> tuple[CourseSheet, ...]:
    """The participant's courses in the order they were signed, the void plans of each first."""
    session = act.uow.session
    return tuple(
        _sheet(act, order, course, protocol, zone)
        for order in courses.orders_of(session, participant_id)
        for course in courses.all_of_order(session, order.id) or (None,)
    )


def _sheet(
    act: Act, order: Order, course: Course | None, protocol: Protocol, zone: ZoneInfo
) -> CourseSheet:
    visit = protocol.find_visit(order.visit)
    rows = _days_and_bags(act, course) if course else []
    plan = plans.plan_of(course) if course else None
    return CourseSheet(
        visit_code=order.visit,
        visit=visit.name if visit else order.visit,
        order_number=f"Rx {order.number}",
        first_day=format_day(order.first_day),
        risk="At risk" if order.at_risk else "Standard",
        premedication=order.premedication or "None",
        signature=signature_words(act, order.signature_id, zone),
        dose=f"{format_grams(plan.course_g)}, {format_volume(plan.course_ml)}" if plan else "",
        days=tuple(
            _day(act, day, of_day, plan.days[day.day - 1], len(plan.days), zone)
            for day, of_day in rows
            if plan is not None
        ),
        states=tuple(state_now(act, bag) for _, of_day in rows for bag in of_day),
        runs=tuple(day.run_at for day, _ in rows),
        void=_void(course, zone) if course else "",
        begun=bags.order_begun(act.uow.session, order.id),
    )


def _void(course: Course, zone: ZoneInfo) -> str:
    """Since when and why the plan of a course is void; empty while it holds."""
    if course.voided_at is None:
        return ""
    since, reason = format_moment(course.voided_at, zone), voiding.WORDS[course.void_why]
    return f"This plan is void since {since}: {reason}. No bag of it is started any more."


def _days_and_bags(act: Act, course: Course) -> list[tuple[InfusionDay, list[Bag]]]:
    days = courses.days_of(act.uow.session, course.id)
    return [(day, list(bags.bags_of_day(act.uow.session, day.id))) for day in days]


def _day(
    act: Act, day: InfusionDay, of_day: list[Bag], plan: DayPlan, days: int, zone: ZoneInfo
) -> DayLines:
    return DayLines(
        name=f"Day {day.day} of {days}",
        run=format_moment(day.run_at, zone),
        start_by=format_moment(day.latest_start, zone),
        stop_by=format_moment(day.stop_by, zone),
        volume=format_volume(plan.volume_ml),
        duration=about(plan.duration_min),
        bags=tuple(_bag(act, bag, zone) for bag in of_day),
    )


def _bag(act: Act, bag: Bag, zone: ZoneInfo) -> BagLine:
    state = state_now(act, bag)
    return BagLine(
        name=bag_words(bag).capitalize(),
        volume=format_volume(bag.volume_ml),
        state=state.value.capitalize(),
        tone=STATE_TONES.get(state, "stop"),
        note=_note(act, bag, state, zone),
    )


def _note(act: Act, bag: Bag, state: BagState, zone: ZoneInfo) -> str:
    """When it was released by schedule, started, or ended and with how much."""
    infusion = act.uow.session.get(Administration, bag.id)
    if infusion is not None and infusion.ended_at and infusion.infused_ml is not None:
        return f"{format_volume(infusion.infused_ml)} by {format_moment(infusion.ended_at, zone)}"
    if infusion is not None:
        return f"since {format_moment(infusion.started_at, zone)}"
    if state is BagState.RELEASED and bag.released_at:
        return f"since {format_moment(bag.released_at, zone)}"
    return ""
