"""Participants brought to every step, so that each person finds work waiting.

Three of them are weeks into the study: one in Week 4, two in Week 8. The rest is of yesterday
and of the last hour. Everything lies in the past when the pages open, so that each bag may be
handled at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from pharmacy.demo import way
from pharmacy.demo.founding import found_study
from pharmacy.demo.past import give_past_courses
from pharmacy.demo.practice import Practice

BEFORE_EVERYTHING = timedelta(days=60)
_RUNS_EVERY_MIN = 5
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
    """A participant's cover label and card, as the nurse types them and as paper.

    `start_by` is the bag's start limit in the words of its label.
    """

    participant: str
    cover: str
    card: str
    start_by: str
    cover_pdf: bytes
    card_pdf: bytes


SCENES = (
    Scene("M-001", "Weeks 0 and 4 given, Week 8 ordered", "pharmacist plans the course"),
    Scene("M-002", "registered", "coordinator enters a weight"),
    Scene("M-003", "weighed", "investigator signs eligibility"),
    Scene("M-004", "eligible, request waits", "pharmacist serves the request"),
    Scene("M-005", "allocated, Week 0 ordered", "pharmacist plans the course"),
    Scene("M-006", "Week 0 planned for today", "pharmacist prepares the first bag"),
    Scene("M-007", "Week 0, first bag prepared", "checker checks it"),
    Scene("M-008", "Week 0 given, Week 4 on its way", "nurse receives and starts it"),
    Scene("M-009", "Weeks 0 and 4 given, Week 8 runs", "nurse pauses, resumes and ends it"),
)


def play(practice: Practice, now: datetime) -> tuple[ToScan, ...]:
    """Make the study and bring every participant of `SCENES` to their step, in order of time.

    `now` is the moment the pages open; the run just begun is the newest one before it. The
    clock of `practice` stands `BEFORE_EVERYTHING` earlier.
    """
    minute = now.minute - now.minute % _RUNS_EVERY_MIN
    run_at = now.replace(minute=minute, second=0, microsecond=0)
    found_study(practice)
    ids = give_past_courses(practice, now)
    practice.at(now - timedelta(days=1))
    _yesterday(practice, ids)
    running = _running(practice, ids["M-009"], run_at - _RUNNING_SINCE)
    released = _in_the_pharmacy(practice, ids, run_at)
    practice.at(now)
    way.plan(practice, ids["M-006"], "W0", run_at)
    way.order(practice, ids["M-005"], "W0", run_at)
    way.order(practice, ids["M-001"], "W8", run_at)
    practice.leave_rooms()
    return released, running


def _yesterday(practice: Practice, ids: dict[str, str]) -> None:
    """Registrations, and the weights of those who come again; the last request still waits."""
    for code, weight in {"M-001": "67.9", "M-008": "63", "M-009": "55.4"}.items():
        way.weigh(practice, ids[code], weight)
    for code, weight in {"M-005": "74", "M-006": "59.6", "M-007": "81.3"}.items():
        ids[code] = way.enrol(practice, code, weight)
    way.register(practice, "M-002")
    way.weigh(practice, way.register(practice, "M-003"), "70.5")
    waiting = way.register(practice, "M-004")
    way.weigh(practice, waiting, "88")
    way.sign_eligible(practice, waiting)


def _running(practice: Practice, participant_id: str, run_at: datetime) -> ToScan:
    """A bag of an earlier run, started by the nurse half an hour after its release."""
    practice.at(run_at)
    bag = way.plan(practice, participant_id, "W8", run_at)[0]
    way.through_the_pharmacy(practice, bag.id, "S-601")
    practice.at(run_at + _RUN + _TRAVEL)
    way.receive(practice, bag.id)
    way.start(practice, participant_id, bag.id)
    return _to_scan(practice, "M-009", participant_id, bag.id)


def _in_the_pharmacy(practice: Practice, ids: dict[str, str], run_at: datetime) -> ToScan:
    """In the run before the one just begun: a bag that waits for its check, and one released."""
    before = run_at - _RUN
    practice.at(before)
    bag = way.plan(practice, ids["M-007"], "W0", before)[0]
    way.prepare(practice, bag.id)
    bag = way.plan(practice, ids["M-008"], "W4", before)[0]
    way.through_the_pharmacy(practice, bag.id, "S-701")
    return _to_scan(practice, "M-008", ids["M-008"], bag.id)


def _to_scan(practice: Practice, code: str, participant_id: str, bag_id: str) -> ToScan:
    return ToScan(
        participant=code,
        cover=way.cover_code(practice, bag_id),
        card=way.card_code(practice, participant_id),
        start_by=way.start_by(practice, bag_id),
        cover_pdf=way.cover_pdf(practice, bag_id),
        card_pdf=way.card_pdf(practice, participant_id),
    )
