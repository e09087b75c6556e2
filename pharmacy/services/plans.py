"""From a signed order to a dose plan, its days with their limits, and the bags. Without the arm."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pharmacy.domain.audit import canonical_bytes
from pharmacy.domain.dose_plan import DosePlan, plan_from_dict, plan_to_dict
from pharmacy.domain.dosing import plan
from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol import Protocol, parse_protocol
from pharmacy.domain.roles import Permission
from pharmacy.domain.runs import runs_on
from pharmacy.domain.stages import StudyAct
from pharmacy.domain.time_limits import need_fits
from pharmacy.persistence import bags, courses, participants
from pharmacy.persistence.courses import Course, Order
from pharmacy.persistence.participants import Participant, Weight
from pharmacy.persistence.studies import ProtocolVersion, Site
from pharmacy.services import participants as participant_verbs
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.course_bags import add_day
from pharmacy.services.label_fit import OnPaper, need_plan_fits
from pharmacy.services.plan_inputs import check_weight_on, history_before, weight_to_plan_with
from pharmacy.services.studies import protocol_of, run_rule

PART_GIVEN = (
    "A bag of this course was started, so it is not planned again. The investigator decides about "
    "the rest."
)
_OTHER_WEIGHT = (
    "The weight has changed since this page was drawn. Look at the dose once more, then plan it."
)


def propose(act: Act, order_id: str) -> tuple[Order, Participant, Weight, DosePlan]:
    """The plan an order leads to now, before anything is kept; refusals as in `plan_course`.

    It supposes that the course starts on the order's first day, or today if that is over.
    """
    act.permit(Permission.PREPARE)
    stages.check(act, StudyAct.PLAN)
    order = find_order(act, order_id)
    return _proposal(act, order, max(order.first_day, _today(act, order)))


def plan_course(act: Act, order_id: str, runs: Sequence[datetime], weight_id: str = "") -> Course:
    """Plan the course of a signed order: one run per infusion day, in order.

    `runs` are UTC moments out of `run_choices`; `weight_id` is the weight that the person has
    seen. A stale weight, one out of range or changed by the protocol's limit, another weight than
    was seen, a plan that cannot end in time or that a label has no room for, a run that is past,
    days between those of another course, or an order already planned: refused (409). An order
    whose plan is void is planned again, as long as no bag of it was started.
    """
    stages.admit(act, StudyAct.PLAN)
    order = find_order(act, order_id)
    participants.hold(act.uow.session, order.participant_id)
    zone = _zone(act, order)
    starts_on = runs[0].astimezone(zone).date() if runs else _today(act, order)
    order, participant, weight, dose_plan = _proposal(act, order, starts_on)
    if weight_id and weight.id != weight_id:
        raise Refusal(_OTHER_WEIGHT)
    version, protocol = protocol_of(act)
    _check_runs(act, order, dose_plan, participant_verbs.site_of(act, participant), runs)
    check_weight_on(weight, starts_on, protocol)
    _check_other_courses(act, order, runs)
    course = _course(act, order, weight, version, dose_plan)
    act.uow.session.add(course)
    act.uow.session.flush()
    for day_plan, run_at in zip(dose_plan.days, runs, strict=True):
        add_day(act, course, day_plan, run_at, protocol)
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
    if bags.order_begun(act.uow.session, order.id):
        raise Refusal(PART_GIVEN)
    _, protocol = protocol_of(act)
    weight, over_limit = weight_to_plan_with(act, participant, protocol)
    history = history_before(act, order, starts_on, _zone(act, order))
    dose_plan = plan(
        weight.weight_kg, protocol, order.visit, order.at_risk, history, over_limit=over_limit
    )
    need_fits(dose_plan, protocol)
    site = participant_verbs.site_of(act, participant)
    paper = OnPaper(site, participant, order.number, act.in_study.practice)
    need_plan_fits(dose_plan, protocol, paper)
    return order, participant, weight, dose_plan


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
        if other.voided_at is not None:
            continue
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
        voided_at=None,
        void_why="",
    )
