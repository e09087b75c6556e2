"""From a signed order to a dose plan, its days with their limits, and the bags. Without the arm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pharmacy.domain.audit import canonical_bytes
from pharmacy.domain.bag_code import Piece, make_code, parse_code
from pharmacy.domain.dosing import (
    AdministeredCourse,
    DayPlan,
    DosePlan,
    History,
    check_weight,
    plan,
    plan_from_dict,
    plan_to_dict,
)
from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.protocol import Protocol, parse_protocol
from pharmacy.domain.roles import Permission
from pharmacy.domain.runs import runs_on
from pharmacy.domain.time_limits import time_limits
from pharmacy.persistence import bags, courses, participants
from pharmacy.persistence.bags import Bag, BagCode
from pharmacy.persistence.courses import Course, InfusionDay, Order
from pharmacy.persistence.participants import Participant, Weight
from pharmacy.persistence.studies import ProtocolVersion, Site
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.studies import protocol_of, run_rule


def propose(act: Act, order_id: str) -> tuple[Order, Participant, Weight, DosePlan]:
    """The plan an order leads to now, before anything is kept; refusals as in `plan_course`.

    It supposes that the course starts on the order's first day, or today if that is over.
    """
    order = find_order(act, order_id)
    return _proposal(act, order, max(order.first_day, _today(act, order)))


def plan_course(act: Act, order_id: str, runs: Sequence[datetime]) -> Course:
    """Plan the course of a signed order: one run per infusion day, in order.

    `runs` are UTC moments out of `run_choices`. A stale weight, one out of range or changed by
    the protocol's limit, a run that is past, days between those of another course, or an order
    already planned: refused (409).
    """
    order = find_order(act, order_id)
    zone = _zone(act, order)
    starts_on = runs[0].astimezone(zone).date() if runs else _today(act, order)
    order, participant, weight, dose_plan = _proposal(act, order, starts_on)
    version, protocol = protocol_of(act)
    _check_runs(act, order, dose_plan, participant_verbs.site_of(act, participant), runs)
    _check_weight_on(weight, starts_on, protocol)
    _check_other_courses(act, order, runs)
    course = _course(act, order, weight, version, dose_plan)
    act.uow.session.add(course)
    act.uow.session.flush()
    for day_plan, run_at in zip(dose_plan.days, runs, strict=True):
        _add_day(act, course, day_plan, run_at, protocol)
    act.record(
        "course_planned",
        f"participant:{participant.code}",
        new={"visit": order.visit, "order": order.number, "plan": json.loads(course.plan_json)},
    )
    return course


def run_choices(act: Act, site: Site, day: date) -> tuple[datetime, ...]:
    """The runs of a day that can still be chosen: in practice the one just begun counts."""
    rule = run_rule(site)
    earliest = act.now - timedelta(minutes=rule.every_minutes)
    return tuple(run for run in runs_on(day, rule, site.zone) if run >= earliest)


def plan_of(course: Course) -> DosePlan:
    """The plan of a course as it was computed and kept."""
    return plan_from_dict(json.loads(course.plan_json))


def protocol_of_course(act: Act, course: Course) -> Protocol:
    """The protocol as it stood when the course was planned, whatever came after."""
    version = act.uow.session.get_one(ProtocolVersion, course.protocol_version_id)
    return parse_protocol(version.toml_text)


def find_order(act: Act, order_id: str) -> Order:
    """The order of the act's study, or a refusal (404)."""
    order = courses.order(act.uow.session, order_id)
    if order is None or order.study_id != act.in_study.id:
        raise Refusal("There is no such order in this study.", status=404)
    return order


def _proposal(
    act: Act, order: Order, starts_on: date
) -> tuple[Order, Participant, Weight, DosePlan]:
    act.permit(Permission.PREPARE)
    participant = participant_verbs.find(act, order.participant_id)
    if participant.state != "allocated":
        raise Refusal("This participant has no slot yet. Serve the oldest request first.")
    if courses.course_of_order(act.uow.session, order.id):
        raise Refusal("This order was already planned.")
    _, protocol = protocol_of(act)
    weight = _weight(act, participant, protocol)
    history = _history(act, order, starts_on)
    dose_plan = plan(weight.weight_kg, protocol, order.visit, order.at_risk, history)
    return order, participant, weight, dose_plan


def _weight(act: Act, participant: Participant, protocol: Protocol) -> Weight:
    weights = participants.weights(act.uow.session, participant.id)
    if not weights:
        raise Refusal("There is no weight. The coordinator enters one before planning.")
    previous = _previous_kg(weights)
    site = participant_verbs.site_of(act, participant)
    today = act.now.astimezone(ZoneInfo(site.zone)).date()
    check_weight(protocol, weights[0].weight_kg, weights[0].measured_on, today, previous)
    return weights[0]


def _previous_kg(weights: Sequence[Weight]) -> Decimal | None:
    """The weight of the last earlier day: two entries of one day are a correction."""
    earlier = [row for row in weights if row.measured_on < weights[0].measured_on]
    return earlier[0].weight_kg if earlier else None


def _check_weight_on(weight: Weight, starts_on: date, protocol: Protocol) -> None:
    """A weight that is fresh today may be stale on the day of the infusion."""
    age_days = (starts_on - weight.measured_on).days
    if age_days > protocol.weight.maximum_age_days:
        raise Refusal(
            f"The weight would be {age_days} days old on the first infusion day; at most "
            f"{protocol.weight.maximum_age_days} are allowed: weigh again or choose an earlier run."
        )


def _history(act: Act, order: Order, starts_on: date) -> History:
    """What was infused before this course: a started bag counts unless it ended with nothing in."""
    zone = _zone(act, order)
    last: dict[str, date] = {}
    for infusion, course in bags.administrations_of(act.uow.session, order.participant_id):
        if infusion.infused_ml == 0:
            continue
        day = (infusion.ended_at or infusion.started_at).astimezone(zone).date()
        last[course.visit] = max(day, last.get(course.visit, day))
    if last and max(last.values()) >= starts_on:
        raise Refusal("An earlier course ran on that day or later. Choose later runs.")
    given = tuple(AdministeredCourse(visit, day) for visit, day in last.items())
    return History(courses=given, infusion_on=starts_on)


def _zone(act: Act, order: Order) -> ZoneInfo:
    participant = participant_verbs.find(act, order.participant_id)
    return ZoneInfo(participant_verbs.site_of(act, participant).zone)


def _today(act: Act, order: Order) -> date:
    return act.now.astimezone(_zone(act, order)).date()


def _check_runs(
    act: Act, order: Order, dose_plan: DosePlan, site: Site, runs: Sequence[datetime]
) -> None:
    if len(runs) != len(dose_plan.days):
        raise Refusal(f"Choose one run for each of the {len(dose_plan.days)} infusion days.")
    zone = ZoneInfo(site.zone)
    dates = [run.astimezone(zone).date() for run in runs]
    if dates != sorted(set(dates)) or dates[0] < order.first_day:
        raise Refusal("Infusion days follow each other, not before the first day of the order.")
    for run, day in zip(runs, dates, strict=True):
        if run not in run_choices(act, site, day):
            raise Refusal("A chosen run is over or is not one of the site's. Choose again.")


def _check_other_courses(act: Act, order: Order, runs: Sequence[datetime]) -> None:
    """Two courses of a participant never meet: a day would have both doses."""
    zone = _zone(act, order)
    first, last = runs[0].astimezone(zone).date(), runs[-1].astimezone(zone).date()
    for other in courses.courses_of_participant(act.uow.session, order.participant_id):
        days = courses.days_of(act.uow.session, other.id)
        dates = [day.run_at.astimezone(zone).date() for day in days]
        if min(dates) <= last and first <= max(dates):
            raise Refusal("Another course of this participant has these days. Choose later runs.")


def _course(
    act: Act, order: Order, weight: Weight, version: ProtocolVersion, dose_plan: DosePlan
) -> Course:
    return Course(
        id=act.new_id("course"),
        study_id=act.in_study.id,
        participant_id=order.participant_id,
        order_id=order.id,
        weight_id=weight.id,
        protocol_version_id=version.id,
        visit=order.visit,
        plan_json=canonical_bytes(plan_to_dict(dose_plan)).decode(),
        planned_at=act.now,
        planned_by=act.person.id,
    )


def _add_day(
    act: Act, course: Course, day_plan: DayPlan, run_at: datetime, protocol: Protocol
) -> None:
    limits = time_limits(run_at, day_plan.duration_min, protocol)
    day = InfusionDay(
        id=act.new_id("infusion day"),
        course_id=course.id,
        day=day_plan.day,
        run_at=run_at,
        latest_start=limits.latest_start,
        stop_by=limits.stop_by,
    )
    act.uow.session.add(day)
    act.uow.session.flush()
    for bag_plan in day_plan.bags:
        _add_bag(act, day, bag_plan.number, bag_plan.of, bag_plan.volume_ml)


def _add_bag(act: Act, day: InfusionDay, number: int, of: int, volume_ml: Decimal) -> None:
    bag = Bag(
        id=act.new_id("bag"),
        study_id=act.in_study.id,
        day_id=day.id,
        number=number,
        of=of,
        volume_ml=volume_ml,
        state=BagState.PLANNED.value,
        released_at=None,
    )
    act.uow.session.add(bag)
    act.uow.session.flush()
    new_bag_code(act, bag.id)


def new_bag_code(act: Act, bag_id: str) -> BagCode:
    """A fresh code for a bag's two labels: 80 random bits, no counter."""
    code = make_code(
        act.surroundings.random_bytes("bag code", 10),
        practice=act.in_study.practice,
        piece=Piece.OUTER_COVER,
    )
    row = BagCode(
        body=parse_code(code).body, bag_id=bag_id, made_at=act.now, retired_at=None, reason=""
    )
    act.uow.session.add(row)
    return row
