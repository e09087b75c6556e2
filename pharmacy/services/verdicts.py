"""A scan as the screen that answers it: what it says, and what may stand beside it.

Before both identifiers nothing of participant, visit or bag is shown: there is no answer to copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import Refusal
from pharmacy.domain.quantities import format_rate, format_volume
from pharmacy.domain.scanning import ACTS, SET_ASIDE, Answer, Stop
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import studies
from pharmacy.persistence.bags import Administration
from pharmacy.persistence.studies import Site
from pharmacy.services import arrivals, bag_facts, kept_scans, packing, plans, scanning
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.infusion_runs import if_started_now, infusion_run
from pharmacy.services.kept_scans import Scanned
from pharmacy.services.site_words import bag_words, clock

_KINDS = {
    Answer.CONTINUE: "neutral",
    Answer.GO: "go",
    Answer.RESUME: "resume",
    Answer.STOP: "stop",
    Answer.RECEIVED: "received",
}


@dataclass(frozen=True)
class VerdictScreen:
    """One answer, ready to draw. `kind` is neutral, go, resume, stop or received.

    `missing` is how many bags of a delivery are still on their way.
    """

    scan_id: str
    kind: str
    sentence: str
    next_step: str
    facts: tuple[tuple[str, str], ...]
    phone: str
    leave_act: str
    left: bool
    bag_id: str = ""
    missing: int = 0


def screen(act: Act, scan_id: str) -> VerdictScreen:
    """The screen of the acting nurse's own scan; a Go that is over is refused (409)."""
    scanned = kept_scans.reopen(act, scan_id)
    if scanned.verdict.answer is Answer.RECEIVED:
        return _received(act, scanned)
    scanning.need_still_so(act, scanned)
    sentence, next_step = scanned.verdict.sentences
    kind = _KINDS[scanned.verdict.answer]
    beside = {
        "neutral": lambda: (next_step, ()),
        "go": lambda: _go(act, scanned, next_step),
        "resume": lambda: _resume(act, scanned, next_step),
        "stop": lambda: (_stop_words(act, scanned, next_step), ()),
    }[kind]()
    stop = scanned.verdict.stop
    return VerdictScreen(
        scan_id=scan_id,
        kind=kind,
        sentence=sentence,
        next_step=beside[0],
        facts=beside[1],
        phone=_site(act, scanned).pharmacy_phone,
        leave_act=ACTS.get(stop, SET_ASIDE) if stop else "",
        left=scanned.scan.set_aside_at is not None,
        bag_id=scanned.bag.id if scanned.bag and kind in ("go", "resume") else "",
    )


def arrival_screen(act: Act, scan_id: str) -> VerdictScreen:
    """The screen of the nurse's own scan at the door; one for an infusion is refused (404)."""
    if kept_scans.own_scan(act, scan_id).purpose != "receive":
        raise Refusal("There is no such arrival. Scan the bag again.", status=404)
    return screen(act, scan_id)


def _received(act: Act, scanned: Scanned) -> VerdictScreen:
    """A bag that came: which it is, and what of its delivery is still missing.

    The participant's code stands on it, as it does on the packing list; never a card's code.
    """
    arrivals.need_still_here(act, scanned)
    bag, day, course = scanned.found
    site, delivery = _site(act, scanned), packing.delivery_of(act, day.id)
    protocol = plans.protocol_of_course(act, course)
    zone = ZoneInfo(site.zone)
    latest = bag_facts.latest_start(act, bag, day, course)
    missing = ", ".join(bag_words(row) for row in delivery.on_their_way)
    rest = f"Still missing: {missing}" if missing else "None is missing"
    return VerdictScreen(
        scan_id=scanned.scan.id,
        kind="received",
        sentence=f"{scanned.verdict.sentences[0]} {bag_words(bag).capitalize()}.",
        next_step=f"{_so_far(delivery)} {rest}.",
        facts=(
            ("Participant", participant_verbs.find(act, course.participant_id).code),
            ("Visit", packing.visit_and_day(act, day, course)),
            ("Start by", format_moment(latest, zone)),
            ("Until then", protocol.storage.text.rstrip(".")),
        ),
        phone=site.pharmacy_phone,
        leave_act="",
        left=False,
        missing=len(delivery.on_their_way),
    )


def _so_far(delivery: packing.Delivery) -> str:
    """`1 of 2 bags of this delivery received.`"""
    bags = "bag" if delivery.sent == 1 else "bags"
    return f"{len(delivery.arrived)} of {delivery.sent} {bags} of this delivery received."


def _go(act: Act, scanned: Scanned, words: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    bag, day, course = scanned.found
    zone = ZoneInfo(_site(act, scanned).zone)
    latest = bag_facts.latest_start(act, bag, day, course)
    first_rate = if_started_now(act, bag, day, course).rate_ml_per_hour
    return f"{words} {_place(act, scanned)}.", (
        ("Volume", format_volume(bag.volume_ml)),
        ("First rate", format_rate(first_rate)),
        ("Start by", clock(latest, zone)),
    )


def _resume(act: Act, scanned: Scanned, words: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    bag, day, _ = scanned.found
    held = infusion_run(act, bag.id)
    zone = ZoneInfo(_site(act, scanned).zone)
    standing = "The next page says how to go on."
    if held.pause is not None:
        standing = f"It is paused since {clock(held.pause.paused_at, zone)}. {standing}"
    return f"{words} {_place(act, scanned)}. {standing}", (
        ("Volume", format_volume(bag.volume_ml)),
        ("Started", clock(held.infusion.started_at, zone)),
        ("Stop and discard at", clock(day.stop_by, zone)),
    )


def _place(act: Act, scanned: Scanned) -> str:
    bag, day, course = scanned.found
    visit = plans.protocol_of_course(act, course).find_visit(course.visit)
    name = visit.name if visit else course.visit
    return f"{name}, day {day.day} of {len(plans.plan_of(course).days)}, {bag_words(bag)}"


def _stop_words(act: Act, scanned: Scanned, words: str) -> str:
    """A used bag says when: the nurse may remember it."""
    if scanned.verdict.stop is not Stop.USED or scanned.bag is None:
        return words
    infusion = act.uow.session.get(Administration, scanned.bag.id)
    if infusion is None:
        return words
    started = format_moment(infusion.started_at, ZoneInfo(_site(act, scanned).zone))
    return f"It was started on {started} and ended. {words}"


def _site(act: Act, scanned: Scanned) -> Site:
    """The bag's site where the bag is of this study, else the study's first."""
    if scanned.course is not None and scanned.course.study_id == act.in_study.id:
        participant = participant_verbs.find(act, scanned.course.participant_id)
        return participant_verbs.site_of(act, participant)
    return studies.sites(act.uow.session, act.in_study.id)[0]
