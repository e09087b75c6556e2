"""The nurse's day: which bags may run, until when to start, what is running and what is to come.

What stands beside a bag is what its scan would say at this moment: both ask the same verdict.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.quantities import format_volume
from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import Stop, judge_bag
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.persistence import bags, infusions, scans, studies
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.studies import Site
from pharmacy.services import bag_facts, plans, scanning
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.bag_states import state_now
from pharmacy.services.site_words import about, bag_words, clock

_SHOWN = frozenset({BagState.RELEASED, BagState.RECEIVED, BagState.HELD})
_WHERE = {BagState.RELEASED: "On its way", BagState.RECEIVED: "Received"}


@dataclass(frozen=True)
class Standing:
    """What a scan would say: a name for it, its word on the page, the tone, and what to do.

    `name` is ready, later, waits, late, stop, running or mine.
    """

    name: str
    word: str
    tone: str = "neutral"
    note: str = ""


# The Stops that a bag of the day meets in its ordinary course; another says its sentence.
_USUAL = {
    Stop.PAST_LATEST_START: Standing(
        "late", "Too late to start", "stop", "Do not start it. Call the pharmacy."
    ),
    Stop.EARLIER_BAG_FIRST: Standing("waits", "After the bag before"),
}


@dataclass(frozen=True)
class TodayBag:
    """One bag of today. `where` says whether it is still on its way.

    `standing` is the name of what a scan would say; `bag_id` is given for mine only.
    """

    participant: str
    visit: str
    bag: str
    volume: str
    duration: str
    limit: str
    standing: str
    word: str
    tone: str
    note: str
    where: str
    order: tuple[bool, datetime, str, int]
    bag_id: str = ""


@dataclass(frozen=True)
class Today:
    """The nurse's landing: the date, the bags, Stops not left yet, and whom to call.

    `on_its_way` says that some bag was released and not received yet; `phones` are the pharmacies'
    of these bags, by site where there are several.
    """

    date: str
    bags: tuple[TodayBag, ...]
    on_its_way: bool
    open_stops: tuple[tuple[str, str], ...]
    phones: tuple[tuple[str, str], ...]


def today(act: Act) -> Today:
    """Bags that the nurse has or will have, what runs first, then by limit."""
    act.permit(Permission.SCAN)
    rows = [
        row for row in bags.bags_of_study(act.uow.session, act.in_study.id) if _is_shown(act, *row)
    ]
    sites = _sites(act, [course for _, _, course in rows])
    date = act.now.astimezone(ZoneInfo(sites[0].zone)).date()
    stops = scans.open_stops_of(act.uow.session, act.in_study.id, act.person.id)
    return Today(
        date=format_day(date),
        bags=tuple(sorted((_bag(act, *row) for row in rows), key=lambda bag: bag.order)),
        on_its_way=any(state_now(act, bag) is BagState.RELEASED for bag, _, _ in rows),
        open_stops=tuple(
            (scan.id, scanning.sentence_of(Stop(scan.stop))) for scan in stops if scan.stop
        ),
        phones=_phones(sites),
    )


def _sites(act: Act, shown: list[Course]) -> list[Site]:
    """The sites of the bags of today by code; all of the study's while there is no bag."""
    everywhere = studies.sites(act.uow.session, act.in_study.id)
    here = {participant_verbs.find(act, course.participant_id).site_id for course in shown}
    return [site for site in everywhere if site.id in here] or list(everywhere)


def _phones(sites: list[Site]) -> tuple[tuple[str, str], ...]:
    """Whom to call: the pharmacy, named by its site where there are several."""
    if len(sites) == 1:
        return (("Pharmacy, 24 hours", sites[0].pharmacy_phone),)
    return tuple((f"Pharmacy {site.code}, 24 hours", site.pharmacy_phone) for site in sites)


def _is_shown(act: Act, bag: Bag, day: InfusionDay, _course: Course) -> bool:
    state = state_now(act, bag)
    return state is BagState.STARTED or (state in _SHOWN and act.now < day.stop_by)


def _bag(act: Act, bag: Bag, day: InfusionDay, course: Course) -> TodayBag:
    participant = participant_verbs.find(act, course.participant_id)
    zone = ZoneInfo(participant_verbs.site_of(act, participant).zone)
    plan = plans.plan_of(course)
    visit = plans.protocol_of_course(act, course).find_visit(course.visit)
    latest = bag_facts.latest_start(act, bag, day, course)
    standing = _standing(act, bag, day, course, zone)
    state = state_now(act, bag)
    running = state is BagState.STARTED
    return TodayBag(
        participant=participant.code,
        visit=f"{visit.name if visit else course.visit}, day {day.day} of {len(plan.days)}",
        bag=bag_words(bag),
        volume=format_volume(bag.volume_ml),
        duration=f"whole day about {about(plan.days[day.day - 1].duration_min)}",
        limit=_limit(act, day.stop_by if running else latest, zone, running=running),
        standing=standing.name,
        word=standing.word,
        tone=standing.tone,
        note=standing.note,
        where=_WHERE.get(state, ""),
        order=(not running, day.latest_start, participant.code, bag.number),
        bag_id=bag.id if standing.name == "mine" else "",
    )


def _limit(act: Act, moment: datetime, zone: ZoneInfo, *, running: bool) -> str:
    """The time that counts next; with its date where it is not of today."""
    of_today = moment.astimezone(zone).date() == act.now.astimezone(zone).date()
    said = clock(moment, zone) if of_today else format_moment(moment, zone)
    return f"{'Stop and discard at' if running else 'Start by'} {said}"


def _standing(act: Act, bag: Bag, day: InfusionDay, course: Course, zone: ZoneInfo) -> Standing:
    """What a scan would say at this moment."""
    facts = bag_facts.bag_facts(act, bag, day, course, code_retired=False)
    stop = judge_bag(facts, act.now).stop
    if facts.state is BagState.STARTED:
        return _running(act, bag, stop, void=facts.plan_void)
    if stop is None:
        return Standing("ready", "Ready", "go")
    if stop is Stop.BEFORE_ITS_DAY:
        return Standing("later", _when(act, day.run_at, zone))
    return _USUAL.get(stop) or Standing("stop", "Stop", "stop", _bare(stop))


def _running(act: Act, bag: Bag, stop: Stop | None, *, void: bool) -> Standing:
    infusion = act.uow.session.get_one(Administration, bag.id)
    mine = infusion.started_by == act.person.id
    mine = mine or scans.resumed(act.uow.session, bag.id, act.person.id)
    name = "mine" if mine else "running"
    if stop is not None:
        return Standing(name, "Time limit reached", "stop", "Stop the pump. Call the pharmacy.")
    word = "Paused" if infusions.is_paused(act.uow.session, bag.id) else "Running"
    if void:
        return Standing(name, word, "stop", "Its plan no longer holds. Call the pharmacy.")
    if mine:
        return Standing(name, word, "wait" if word == "Paused" else "go")
    return Standing(name, word, "wait", "Another nurse has it. Scan bag and card to resume.")


def _when(act: Act, moment: datetime, zone: ZoneInfo) -> str:
    """`For 3 Mar 2026`, or `From 13:00 CST` when it is later today."""
    day = moment.astimezone(zone).date()
    if day == act.now.astimezone(zone).date():
        return f"From {clock(moment, zone)}"
    return f"For {format_day(day)}"


def _bare(stop: Stop) -> str:
    """The sentence of a Stop without its first word."""
    return scanning.sentence_of(stop).removeprefix("Stop. ")
