"""Planning a course in the lit room: the blinded plan, and an empty sealed record for every bag."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import bags, courses, participants
from pharmacy.persistence.courses import Course, Order
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.studies import Site
from pharmacy.services import participants as participant_verbs
from pharmacy.services import plans, weight_decisions
from pharmacy.services.act import Act
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded import bag_record
from pharmacy.unblinded.room import OpenRoom

_DATES_OFFERED = 7
# A practice site has a run every few minutes; a list of all would be of no use.
_RUNS_A_DATE = 12


def plan_course(
    act: Act, room: OpenRoom, order_id: str, runs: Sequence[datetime], weight_id: str = ""
) -> Course:
    """Plan a signed order and give each of its bags its sealed record, in one transaction.

    The plan follows from order, weight and protocol alone; refusals as `plans.plan_course`. The
    same order with the same runs once more is answered with its course and no effect.
    """
    planned = _planned_before(act, order_id, runs)
    if planned is not None:
        return planned
    course = plans.plan_course(act, order_id, runs, weight_id)
    for day in courses.days_of(act.uow.session, course.id):
        for bag in bags.bags_of_day(act.uow.session, day.id):
            bag_record.make(act, room, bag.id)
    return course


def _planned_before(act: Act, order_id: str, runs: Sequence[datetime]) -> Course | None:
    """The course that this very form has made already."""
    act.permit(Permission.PREPARE)
    order = plans.find_order(act, order_id)
    course = courses.course_of_order(act.uow.session, order.id)
    if course is None:
        return None
    first_runs = [day.run_at for day in courses.days_of(act.uow.session, course.id)]
    return course if first_runs == list(runs) else None


@dataclass(frozen=True)
class RunOffer:
    """One infusion day of a proposed plan with the runs it can have, as (moment, words)."""

    day: int
    choices: tuple[tuple[str, str], ...]
    proposed: str


def run_offers(act: Act, order: Order, participant: Participant, days: int) -> list[RunOffer]:
    """For each infusion day the runs of its likely dates; the same hour on following days first."""
    site = participant_verbs.site_of(act, participant)
    zone = ZoneInfo(site.zone)
    first = max(order.first_day, act.now.astimezone(zone).date())
    offers: list[RunOffer] = []
    for number in range(1, days + 1):
        dates = [first + timedelta(days=number - 1 + later) for later in range(_DATES_OFFERED)]
        runs = [run for on in dates for run in _runs_of(act, site, on, offers, zone)]
        choices = tuple((run.isoformat(), format_run(run, zone)) for run in runs)
        offers.append(RunOffer(number, choices, _proposed(offers, runs, zone)))
    return offers


def _runs_of(
    act: Act, site: Site, on: date, offers: Sequence[RunOffer], zone: ZoneInfo
) -> Sequence[datetime]:
    """The first runs of a date; after the first day, from the hour that was proposed for it."""
    runs = plans.run_choices(act, site, on)
    if not offers or not offers[-1].proposed:
        return runs[:_RUNS_A_DATE]
    since = datetime.fromisoformat(offers[-1].proposed).astimezone(zone).time()
    later = [run for run in runs if run.astimezone(zone).time() >= since]
    return (later or runs)[:_RUNS_A_DATE]


def format_run(run: datetime, zone: ZoneInfo) -> str:
    """A run as the pharmacy reads it: `Mon 2 Mar 2026 09:00 CST`."""
    return f"{run.astimezone(zone):%a} {format_moment(run, zone)}"


def _proposed(offers: Sequence[RunOffer], runs: Sequence[datetime], zone: ZoneInfo) -> str:
    """The first run at all; on later days the same hour one day after the day before."""
    if not runs:
        return ""
    if not offers or not offers[-1].proposed:
        return runs[0].isoformat()
    before = datetime.fromisoformat(offers[-1].proposed).astimezone(zone)
    wanted = (before + timedelta(days=1)).astimezone(UTC)
    later = [run for run in runs if run.astimezone(zone).date() > before.date()]
    found = wanted if wanted in later else (later or list(runs))[0]
    return found.isoformat()


def decision(act: Act, order: Order) -> str:
    """What the investigator has signed about the weight that an order is planned with."""
    participant = participant_verbs.find(act, order.participant_id)
    weights = participants.weights(act.uow.session, participant.id)
    zone = ZoneInfo(participant_verbs.site_of(act, participant).zone)
    return weight_decisions.words(act, weights[0], protocol_of(act)[1], zone) if weights else ""


def visit_name(act: Act, order: Order) -> str:
    """The name of an order's visit."""
    _, protocol = protocol_of(act)
    visit = protocol.find_visit(order.visit)
    return visit.name if visit else order.visit
