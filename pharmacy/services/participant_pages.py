"""What blinded people see of participants: where each one stands, and what is next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.protocol import Protocol, Visit
from pharmacy.domain.quantities import format_number, format_weight
from pharmacy.domain.roles import Permission
from pharmacy.domain.schedule import visit_window
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.persistence import assessments, participants, studies
from pharmacy.persistence.departures import had_place as has_had_place
from pharmacy.persistence.participants import Participant
from pharmacy.services import (
    assessment_pages,
    cards,
    course_pages,
    departures,
    deviations,
    factors,
    visit_schedule,
    weight_decisions,
)
from pharmacy.services import assessments as assessment_verbs
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.assessment_pages import SignatureLine
from pharmacy.services.cards import CardLine
from pharmacy.services.course_pages import CourseSheet
from pharmacy.services.deviations import DeviationSheet
from pharmacy.services.factors import FactorLine
from pharmacy.services.site_words import Signed, person_name, signature_words
from pharmacy.services.studies import protocol_of

_STATES = {
    "registered": ("Registered", "wait"),
    "eligible": ("Eligible", "wait"),
    "allocated": ("In the study", "go"),
    "withdrawn": ("Withdrawn", "neutral"),
}


@dataclass(frozen=True)
class ParticipantLine:
    """One participant in the list, with the next thing that somebody must do."""

    participant_id: str
    code: str
    state: str
    tone: str
    next_step: str


@dataclass(frozen=True)
class WeightLine:
    """One weighing in words, with what was signed about it."""

    weight: str
    measured_on: str
    measured_by: str
    entered: str
    decision: str


@dataclass(frozen=True)
class ParticipantSheet:
    """Everything on a participant's page. `open_visits` are those that have no order yet.

    `undecided` is the newest weight's id, where it waits for the investigator's decision.
    """

    line: ParticipantLine
    facts: tuple[tuple[str, str], ...]
    visits: list[dict[str, str]]
    weights: tuple[WeightLine, ...]
    undecided: str
    asks_factors: bool
    factors: tuple[FactorLine, ...]
    cards: tuple[CardLine, ...]
    has_card: bool
    eligibility: Signed | None
    courses: tuple[CourseSheet, ...]
    assessments: tuple[tuple[str, tuple[SignatureLine, ...]], ...]
    open_visits: tuple[tuple[str, str], ...]
    unsigned: bool
    orderable: bool
    in_treatment: bool
    may_replace: bool
    deviations: tuple[DeviationSheet, ...]
    had_place: bool


@dataclass(frozen=True)
class OrderRules:
    """What the protocol fixes for an order, shown before it is signed, and today's site date."""

    rows: tuple[tuple[str, str], ...]
    today: date


def listed(act: Act) -> tuple[ParticipantLine, ...]:
    """All participants of the study by code."""
    act.permit(Permission.SEE_PARTICIPANTS)
    _, protocol = protocol_of(act)
    found = participants.of_study(act.uow.session, act.in_study.id)
    return tuple(_line(act, row, protocol) for row in found)


def sheet(act: Act, participant_id: str) -> ParticipantSheet:
    """One participant's page."""
    act.permit(Permission.SEE_PARTICIPANTS)
    participant = participant_verbs.find(act, participant_id)
    zone = _zone(act, participant)
    _, protocol = protocol_of(act)
    courses = course_pages.courses_of(act, participant.id, protocol, zone)
    by_visit = {course.visit_code: course for course in courses}
    start = visit_schedule.allocated_on(act, participant, zone)
    open_visits = tuple(
        (visit.code, visit.name)
        for visit in protocol.infusion_visits()
        if visit.code not in by_visit
    )
    visits = visit_schedule.timeline(
        protocol, start, _today(act, zone), by_visit, zone, _assessed(act, participant)
    )
    withdrawn = participant.state == "withdrawn"
    return ParticipantSheet(
        line=_line(act, participant, protocol),
        facts=(
            *_site_fact(act, participant),
            ("Consent", format_day(participant.consented_on)),
            ("Registered", format_moment(participant.registered_at, zone)),
            ("Place in the study since", format_day(start) if start else "No place yet"),
            *departures.facts(act, participant),
        ),
        visits=visit_schedule.after_leaving(visits) if withdrawn else visits,
        weights=_weights(act, participant, protocol, zone),
        undecided=_undecided(act, participant),
        asks_factors=bool(protocol.factors),
        factors=factors.history(act, participant, protocol, zone),
        cards=cards.history(act, participant, zone),
        has_card=participants.open_card(act.uow.session, participant.id) is not None,
        eligibility=_eligibility(act, participant, zone),
        courses=courses,
        assessments=_assessments(act, participant, protocol, zone),
        open_visits=open_visits,
        unsigned=participant.state == "registered",
        orderable=participant.state in ("eligible", "allocated") and bool(open_visits),
        in_treatment=not withdrawn,
        may_replace=not departures.why_not_replacing(act, participant),
        deviations=deviations.of_participant(act, participant),
        had_place=has_had_place(act.uow.session, participant.id),
    )


def code_of(act: Act, participant_id: str) -> str:
    """The participant's code, for the heads of forms."""
    act.permit(Permission.SEE_PARTICIPANTS)
    return participant_verbs.find(act, participant_id).code


def site_today(act: Act, participant_id: str) -> date:
    """The date at the participant's site."""
    return _today(act, _zone(act, participant_verbs.find(act, participant_id)))


def order_rules(act: Act, participant_id: str) -> OrderRules:
    """What the protocol lays down for every order: dose, days, ladder, product line."""
    act.permit(Permission.SIGN_ORDERS)
    _, protocol = protocol_of(act)
    rates, split = protocol.rates, protocol.split
    steps = ", ".join(format_number(step.rate_ml_per_kg_per_min) for step in rates.first)
    risk = format_number(rates.ceilings.risk_ml_per_kg_per_min)
    return OrderRules(
        rows=(
            ("Dose", f"{format_number(protocol.dose.g_per_kg)} g/kg, or the same volume"),
            ("Infusion days", f"{split.days}, at risk {split.days_at_risk}"),
            ("Rate ladder", f"{steps} mL/kg/min; at risk at most {risk}"),
            ("Protocol", f"{protocol.code}, version {protocol.version}"),
        ),
        today=site_today(act, participant_id),
    )


def _line(act: Act, participant: Participant, protocol: Protocol) -> ParticipantLine:
    state, tone = _STATES[participant.state]
    return ParticipantLine(
        participant_id=participant.id,
        code=participant.code,
        state=state,
        tone=tone,
        next_step=_next_step(act, participant, protocol),
    )


def _next_step(act: Act, participant: Participant, protocol: Protocol) -> str:
    if participant.state == "withdrawn":
        return "Nothing: has left the treatment"
    if without := _without_card(act, participant):
        return without
    if participant.state == "registered":
        weighed = participants.weights(act.uow.session, participant.id)
        if weighed and factors.missing(act, participant, protocol):
            return "Enter the baseline factors"
        return "Investigator signs eligibility" if weighed else "Enter a weight"
    zone = _zone(act, participant)
    courses = course_pages.courses_of(act, participant.id, protocol, zone)
    if participant.state == "eligible":
        return "Pharmacy gives the place" + ("" if courses else "; investigator signs an order")
    return _next_course_step(act, participant, protocol, courses, zone)


def _without_card(act: Act, participant: Participant) -> str:
    """What comes next for somebody without a card; empty while one counts."""
    newest = participants.cards(act.uow.session, participant.id)[0]
    if newest.ended_at is None:
        return ""
    left = newest.ended_why == "left_study"
    return "Nothing: left the study, no card" if left else "Coordinator makes a new card"


def _next_course_step(
    act: Act,
    participant: Participant,
    protocol: Protocol,
    courses: tuple[CourseSheet, ...],
    zone: ZoneInfo,
) -> str:
    """The first infusion visit that is not wholly given decides."""
    by_visit = {course.visit_code: course for course in courses}
    start = visit_schedule.allocated_on(act, participant, zone)
    for visit in protocol.infusion_visits():
        course = by_visit.get(visit.code)
        if _assessed_now(act, participant, visit, start, zone):
            return f"Assessor signs the assessments of {visit.name}"
        if course is None:
            due = f", due {format_day(visit_window(start, visit)[1])}" if start else ""
            return f"Investigator signs the order for {visit.name}{due}"
        if course.void and course.begun:
            return f"{visit.name}: plan void, part was given; the investigator decides"
        to_plan = course.void or not course.days
        if to_plan and weight_decisions.open_for(act, participant) is not None:
            return "Investigator decides on the weight"
        if to_plan and weight_decisions.skipped(act, participant):
            return f"{visit.name} is skipped on this weight: signed by the investigator"
        if course.void:
            return f"Pharmacy plans {visit.name} again: the plan is void"
        if not course.days:
            return f"Pharmacy plans {visit.name}, first day {course.first_day}"
        if any(state is not BagState.ENDED for state in course.states):
            return f"{visit.name}: {_where(course)}"
    return "All infusions were given"


def _assessed_now(
    act: Act, participant: Participant, visit: Visit, start: date | None, zone: ZoneInfo
) -> bool:
    """Whether a visit's assessments are to be signed from now on."""
    if start is None or _today(act, zone) < visit_window(start, visit)[0]:
        return False
    return assessment_verbs.open_for(act, participant.id, visit)


def _where(course: CourseSheet) -> str:
    for day in course.days:
        states = [bag.state for bag in day.bags]
        if any(state != "Ended" for state in states):
            return f"{day.name.lower()}, {', '.join(dict.fromkeys(states)).lower()}"
    return "given"


def _undecided(act: Act, participant: Participant) -> str:
    waiting = weight_decisions.open_for(act, participant)
    return waiting.id if waiting else ""


def _weights(
    act: Act, participant: Participant, protocol: Protocol, zone: ZoneInfo
) -> tuple[WeightLine, ...]:
    return tuple(
        WeightLine(
            weight=format_weight(row.weight_kg),
            measured_on=format_day(row.measured_on),
            measured_by=row.measured_by,
            entered=f"{format_moment(row.entered_at, zone)}, {person_name(act, row.entered_by)}",
            decision=weight_decisions.words(act, row, protocol, zone),
        )
        for row in participants.weights(act.uow.session, participant.id)
    )


def _site_fact(act: Act, participant: Participant) -> tuple[tuple[str, str], ...]:
    """Which site, where a study has several."""
    if len(studies.sites(act.uow.session, act.in_study.id)) < 2:
        return ()
    return (("Site", participant_verbs.site_of(act, participant).code),)


def _eligibility(act: Act, participant: Participant, zone: ZoneInfo) -> Signed | None:
    request = participants.request_of(act.uow.session, participant.id)
    return signature_words(act, request.signature_id, zone) if request else None


def _assessed(act: Act, participant: Participant) -> frozenset[str]:
    """The visits whose assessments are signed complete."""
    return assessments.complete_visits(act.uow.session, participant.id)


def _assessments(
    act: Act, participant: Participant, protocol: Protocol, zone: ZoneInfo
) -> tuple[tuple[str, tuple[SignatureLine, ...]], ...]:
    """For each visit that is assessed before its infusion: its name and its signatures."""
    session = act.uow.session
    return tuple(
        (
            visit.name,
            assessment_pages.history(
                act, assessments.of_visit(session, participant.id, visit.code), zone
            ),
        )
        for visit in protocol.visits
        if visit.assessments_first
    )


def _zone(act: Act, participant: Participant) -> ZoneInfo:
    return ZoneInfo(participant_verbs.site_of(act, participant).zone)


def _today(act: Act, zone: ZoneInfo) -> date:
    return act.now.astimezone(zone).date()
