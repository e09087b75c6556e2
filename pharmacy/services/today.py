"""The nurse's day: which bags may run today, until when to start, and what is running."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.quantities import format_volume
from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import Stop
from pharmacy.domain.site_time import format_day
from pharmacy.persistence import bags, scans, studies
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.services import bag_facts, plans, scanning
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.bag_states import state_now
from pharmacy.services.site_words import about, bag_words, clock

_WITH_THE_NURSE = frozenset({BagState.RELEASED, BagState.RECEIVED, BagState.STARTED})


@dataclass(frozen=True)
class TodayBag:
    """One bag of today. `standing` is ready, waits, late, running or mine.

    A bag waits while one with a lower number has not ended; `bag_id` is given for mine only.
    """

    participant: str
    visit: str
    bag: str
    volume: str
    duration: str
    limit: str
    standing: str
    order: tuple[bool, datetime, int]
    bag_id: str = ""


@dataclass(frozen=True)
class Today:
    """The nurse's landing: the date, the bags, Stops not left yet, and whom to call."""

    date: str
    bags: tuple[TodayBag, ...]
    open_stops: tuple[tuple[str, str], ...]
    phone: str


def today(act: Act) -> Today:
    """Released and running bags, what runs first, then by limit."""
    act.permit(Permission.SCAN)
    site = studies.sites(act.uow.session, act.in_study.id)[0]
    date = act.now.astimezone(ZoneInfo(site.zone)).date()
    found = [
        _bag(act, *row)
        for row in bags.bags_of_study(act.uow.session, act.in_study.id)
        if _is_today(act, *row)
    ]
    stops = scans.open_stops_of(act.uow.session, act.in_study.id, act.person.id)
    return Today(
        date=format_day(date),
        bags=tuple(sorted(found, key=lambda bag: bag.order)),
        open_stops=tuple(
            (scan.id, scanning.sentence_of(Stop(scan.stop))) for scan in stops if scan.stop
        ),
        phone=site.pharmacy_phone,
    )


def _is_today(act: Act, bag: Bag, day: InfusionDay, _course: Course) -> bool:
    state = state_now(act, bag)
    return state is BagState.STARTED or (state in _WITH_THE_NURSE and act.now < day.stop_by)


def _bag(act: Act, bag: Bag, day: InfusionDay, course: Course) -> TodayBag:
    participant = participant_verbs.find(act, course.participant_id)
    zone = ZoneInfo(participant_verbs.site_of(act, participant).zone)
    plan = plans.plan_of(course)
    visit = plans.protocol_of_course(act, course).find_visit(course.visit)
    latest = bag_facts.latest_start(act, bag, day, course)
    standing = _standing(act, bag, latest)
    running = standing in ("running", "mine")
    limit = f"Stop and discard at {clock(day.stop_by, zone)}"
    return TodayBag(
        participant=participant.code,
        visit=f"{visit.name if visit else course.visit}, day {day.day} of {len(plan.days)}",
        bag=bag_words(bag),
        volume=format_volume(bag.volume_ml),
        duration=f"whole day about {about(plan.days[day.day - 1].duration_min)}",
        limit=limit if running else f"Start by {clock(latest, zone)}",
        standing=standing,
        order=(not running, day.latest_start, bag.number),
        bag_id=bag.id if standing == "mine" else "",
    )


def _standing(act: Act, bag: Bag, latest: datetime) -> str:
    infusion = act.uow.session.get(Administration, bag.id)
    if infusion is not None:
        mine = infusion.started_by == act.person.id
        return (
            "mine" if mine or scans.resumed(act.uow.session, bag.id, act.person.id) else "running"
        )
    if act.now > latest:
        return "late"
    before = bag_facts.earlier_states(act, bag)
    return "ready" if all(state is BagState.ENDED for state in before) else "waits"
