"""Participants brought to every step, so that each person finds work waiting.

One course was given four weeks ago; the rest is of yesterday and of the last hour. Everything
lies in the past when the pages open, so that each bag may be handled at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pharmacy.demo import way
from pharmacy.demo.founding import found_study
from pharmacy.demo.practice import Practice

BEFORE_EVERYTHING = timedelta(days=30)
_RUNS_EVERY_MIN = 5
_FIRST_COURSE = timedelta(days=28)
_RUN = timedelta(minutes=_RUNS_EVERY_MIN)
_RUNNING_SINCE = timedelta(minutes=60)
_TRAVEL = timedelta(minutes=30)


@dataclass(frozen=True)
class Scene:
    """What the terminal says of one participant: where they stand and who is asked for."""

    code: str
    standing: str
    next_step: str


@dataclass(frozen=True)
class ToScan:
    """A participant's cover label and card as the nurse types them, and the bag's start limit."""

    participant: str
    cover: str
    card: str
    start_by: str


SCENES = (
    Scene("M-001", "Week 0 given, Week 4 ordered", "pharmacist plans the course"),
    Scene("M-002", "registered", "coordinator enters a weight"),
    Scene("M-003", "weighed", "investigator signs eligibility"),
    Scene("M-004", "eligible, request waits", "pharmacist serves the request"),
    Scene("M-005", "allocated, Week 0 ordered", "pharmacist plans the course"),
    Scene("M-006", "planned for today", "pharmacist prepares the first bag"),
    Scene("M-007", "first bag prepared", "checker checks it"),
    Scene("M-008", "first bag released", "nurse scans it"),
    Scene("M-009", "first bag running", "nurse resumes and ends it"),
)


def play(practice: Practice, now: datetime) -> tuple[ToScan, ...]:
    """Make the study and bring every participant of `SCENES` to their step, in order of time.

    `now` is the moment the pages open; the run just begun is the newest one before it. The
    clock of `practice` stands `BEFORE_EVERYTHING` earlier.
    """
    minute = now.minute - now.minute % _RUNS_EVERY_MIN
    run_at = now.replace(minute=minute, second=0, microsecond=0)
    found_study(practice)
    given = _given_course(practice, run_at - _FIRST_COURSE)
    practice.at(now - timedelta(days=1))
    ids = _enrolments(practice, given)
    running = _running(practice, ids["M-009"], run_at - _RUNNING_SINCE)
    released = _in_the_pharmacy(practice, ids, run_at)
    practice.at(now)
    way.plan(practice, ids["M-006"], "W0", run_at)
    way.order(practice, ids["M-005"], "W0", run_at)
    way.order(practice, given, "W4", run_at)
    practice.leave_rooms()
    return released, running


def _given_course(practice: Practice, run_at: datetime) -> str:
    """A participant whose whole first course was infused, each bag as its day's run allowed."""
    practice.at(run_at - timedelta(hours=3))
    participant_id = way.enrol(practice, "M-001", "68.2")
    practice.at(run_at)
    for number, bag in enumerate(way.plan(practice, participant_id, "W0", run_at), start=1):
        practice.at(way.run_of(practice, bag.id))
        _through_the_pharmacy(practice, bag.id, f"S-10{number}")
        practice.wait(minutes=60)
        way.start(practice, participant_id, bag.id)
        practice.at(practice.clock.at + way.duration(practice, bag.id))
        way.end(practice, bag)
    return participant_id


def _enrolments(practice: Practice, given: str) -> dict[str, str]:
    """Yesterday's registrations; the last request of all still waits."""
    way.weigh(practice, given, "67.9")
    weights = {"M-005": "74", "M-006": "59.6", "M-007": "81.3", "M-008": "63", "M-009": "55.4"}
    ids = {code: way.enrol(practice, code, weight) for code, weight in weights.items()}
    way.register(practice, "M-002")
    way.weigh(practice, way.register(practice, "M-003"), "70.5")
    waiting = way.register(practice, "M-004")
    way.weigh(practice, waiting, "88")
    way.sign_eligible(practice, waiting)
    return ids


def _running(practice: Practice, participant_id: str, run_at: datetime) -> ToScan:
    """A bag of an earlier run, started by the nurse half an hour after its release."""
    practice.at(run_at)
    bag = way.plan(practice, participant_id, "W0", run_at)[0]
    _through_the_pharmacy(practice, bag.id, "S-104")
    practice.at(run_at + _RUN + _TRAVEL)
    way.start(practice, participant_id, bag.id)
    return _to_scan(practice, "M-009", participant_id, bag.id)


def _in_the_pharmacy(practice: Practice, ids: dict[str, str], run_at: datetime) -> ToScan:
    """In the run before the one just begun: a bag that waits for its check, and one released."""
    before = run_at - _RUN
    practice.at(before)
    bag = way.plan(practice, ids["M-007"], "W0", before)[0]
    way.prepare(practice, bag.id)
    bag = way.plan(practice, ids["M-008"], "W0", before)[0]
    _through_the_pharmacy(practice, bag.id, "S-105")
    return _to_scan(practice, "M-008", ids["M-008"], bag.id)


def _to_scan(practice: Practice, code: str, participant_id: str, bag_id: str) -> ToScan:
    cover, card = way.cover_code(practice, bag_id), way.card_code(practice, participant_id)
    return ToScan(code, cover, card, way.start_by(practice, bag_id))


def _through_the_pharmacy(practice: Practice, bag_id: str, seal_number: str) -> None:
    """Prepared, checked and covered within the run, released at its end."""
    practice.wait(minutes=2)
    way.prepare(practice, bag_id)
    practice.wait(minutes=1)
    way.check(practice, bag_id)
    way.send(practice, bag_id, seal_number)
