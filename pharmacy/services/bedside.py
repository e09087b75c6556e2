"""One running infusion as the nurse follows it: the rate now, the steps by the clock, the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.label_rates import rate_rows
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.quantities import format_number, format_rate, format_volume
from pharmacy.domain.rates import infusion_minutes
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import bags
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.services import infusions, plans
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.site_words import (
    Signed,
    bag_words,
    clock,
    person_name,
    record_signature_words,
)


@dataclass(frozen=True)
class Bedside:
    """What the page shows. `steps` are (from, rate, now?); the ladder is the whole day's."""

    participant: str
    visit: str
    bag: str
    volume: str
    volume_ml: str
    started: str
    stop_by: str
    over: bool
    rate_now: str
    next_step: str
    steps: tuple[tuple[str, str, bool], ...]
    ladder: tuple[tuple[int, str], ...]
    end_min: int
    now_min: int
    phone: str
    ended: tuple[tuple[str, str], ...]
    signature: Signed | None


def bedside(act: Act, bag_id: str) -> Bedside:
    """The page of an infusion that the nurse started or resumed; refusals as `running`."""
    bag, infusion = infusions.running(act, bag_id)
    found = bags.bag_with_day(act.uow.session, bag.id)
    if found is None:
        raise ValueError("a bag has its day and course")
    _, day, course = found
    participant = participant_verbs.find(act, course.participant_id)
    site = participant_verbs.site_of(act, participant)
    zone = ZoneInfo(site.zone)
    plan, protocol = plans.plan_of(course), plans.protocol_of_course(act, course)
    day_plan = plan.days[day.day - 1]
    begun = _begun_min(day_plan, bag)
    steps = _steps(day_plan, bag, infusion, begun)
    index = _index_now(steps, act.now)
    return Bedside(
        participant=participant.code,
        visit=_visit(act, course, day, len(plan.days)),
        bag=bag_words(bag),
        volume=format_volume(bag.volume_ml),
        volume_ml=format_number(bag.volume_ml),
        started=f"{format_moment(infusion.started_at, zone)}, "
        f"{person_name(act, infusion.started_by)}",
        stop_by=format_moment(day.stop_by, zone),
        over=act.now >= day.stop_by,
        rate_now=format_number(steps[index][1]),
        next_step=_next(steps, index, zone) or rate_rows(day_plan, bag.number, protocol)[-1][1],
        steps=tuple(
            (clock(at, zone), format_rate(rate), number == index)
            for number, (at, rate) in enumerate(steps)
        ),
        ladder=tuple((s.start_min, format_number(s.rate_ml_per_hour)) for s in day_plan.ladder),
        end_min=day_plan.duration_min,
        now_min=min(begun + _elapsed_min(act, infusion), day_plan.duration_min),
        phone=site.pharmacy_phone,
        ended=_ended(act, bag, infusion, zone),
        signature=record_signature_words(act, "administration", bag.id, zone),
    )


def _visit(act: Act, course: Course, day: InfusionDay, days: int) -> str:
    visit = plans.protocol_of_course(act, course).find_visit(course.visit)
    return f"{visit.name if visit else course.visit}, day {day.day} of {days}"


def _begun_min(day_plan: DayPlan, bag: Bag) -> int:
    """The minute of the day's ladder at which this bag begins."""
    before_ml = sum((plan.volume_ml for plan in day_plan.bags[: bag.number - 1]), Decimal(0))
    return infusion_minutes(day_plan.ladder, before_ml)[0]


def _steps(
    day_plan: DayPlan, bag: Bag, infusion: Administration, begun: int
) -> list[tuple[datetime, Decimal]]:
    """When each rate of this bag is due by the clock, as if the pump never stopped."""
    started = infusion.started_at - timedelta(minutes=begun)
    due = [
        (started + timedelta(minutes=step.start_min), step.rate_ml_per_hour)
        for step in day_plan.ladder
    ]
    passed = [step for step in due if step[0] <= infusion.started_at]
    return [(infusion.started_at, passed[-1][1]), *due[len(passed) :]]


def _index_now(steps: list[tuple[datetime, Decimal]], now: datetime) -> int:
    return max(number for number, (at, _) in enumerate(steps) if at <= now or number == 0)


def _next(steps: list[tuple[datetime, Decimal]], index: int, zone: ZoneInfo) -> str:
    """The step to come; empty at the last one, where the label says how long it holds."""
    if index + 1 == len(steps):
        return ""
    at, rate = steps[index + 1]
    return f"next {format_rate(rate)} at {clock(at, zone)}"


def _elapsed_min(act: Act, infusion: Administration) -> int:
    return int(((infusion.ended_at or act.now) - infusion.started_at) / timedelta(minutes=1))


def _ended(
    act: Act, bag: Bag, infusion: Administration, zone: ZoneInfo
) -> tuple[tuple[str, str], ...]:
    """What was recorded at the end; empty while it runs."""
    if bag.state != BagState.ENDED or infusion.ended_at is None or infusion.infused_ml is None:
        return ()
    reason = infusions.END_REASONS.get(infusion.reason, "")
    return (
        ("Ended", format_moment(infusion.ended_at, zone)),
        ("Infused", f"{format_volume(infusion.infused_ml)} of {format_volume(bag.volume_ml)}"),
        *((("Why less", reason),) if reason else ()),
    )
