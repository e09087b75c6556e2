"""The weeks before: courses wholly given, each at its visit and in the hours of its day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from pharmacy.demo import way
from pharmacy.demo.practice import ZONE, Practice
from pharmacy.persistence.bags import Bag

_RUN_AT = time(9, 0)
_COUNTED_DAYS_AGO = 2
_BEFORE_THE_RUN = timedelta(hours=1)
_TRAVEL_MIN, _SET_UP_MIN = 40, 20
# Into the infusion, what the pump showed, and for how long it stood.
_PAUSE_AFTER_MIN, _PAUSED_AT_ML, _PAUSED_MIN = 45, "40", 12


@dataclass(frozen=True)
class PastCourse:
    """A course given so many days before the pages open, on the weight of its first day."""

    participant: str
    visit: str
    days_ago: int
    weight_kg: str
    nurse: str
    card_lost: bool = False
    paused: bool = False


# In order of time. Nobody is at two homes on one day; visits lie four weeks apart.
PAST = (
    PastCourse("M-001", "W0", 58, "68.2", "nurse"),
    PastCourse("M-009", "W0", 56, "56.1", "second_nurse"),
    PastCourse("M-001", "W4", 30, "68", "nurse", card_lost=True, paused=True),
    PastCourse("M-009", "W4", 28, "55.8", "second_nurse"),
    PastCourse("M-008", "W0", 26, "62.4", "nurse"),
)


def give_past_courses(practice: Practice, now: datetime) -> dict[str, str]:
    """Enrol the participants of `PAST` and give their courses; their ids by code."""
    ids: dict[str, str] = {}
    for number, past in enumerate(PAST, start=1):
        run_at = _run_at(now, past.days_ago)
        practice.at(run_at - _BEFORE_THE_RUN)
        if past.participant in ids:
            way.weigh(practice, ids[past.participant], past.weight_kg)
        else:
            ids[past.participant] = way.enrol(practice, past.participant, past.weight_kg)
        if past.card_lost:
            way.replace_card(practice, ids[past.participant])
        _give(practice, past, ids[past.participant], run_at, number)
    practice.at(_run_at(now, _COUNTED_DAYS_AGO))
    way.count_seals(practice)
    return ids


def _give(
    practice: Practice, past: PastCourse, participant_id: str, run_at: datetime, number: int
) -> None:
    """One course, each bag as its day's run allowed."""
    bags = way.plan(practice, participant_id, past.visit, run_at)
    for day, bag in enumerate(bags, start=1):
        practice.at(way.run_of(practice, bag.id))
        way.through_the_pharmacy(practice, bag.id, f"S-{number}0{day}")
        practice.wait(minutes=_TRAVEL_MIN)
        way.receive(practice, bag.id, past.nurse)
        practice.wait(minutes=_SET_UP_MIN)
        way.start(practice, participant_id, bag.id, past.nurse)
        _run(practice, bag, past.nurse, paused=past.paused and day == 1)


def _run(practice: Practice, bag: Bag, nurse: str, *, paused: bool) -> None:
    """From the start to the signed end, with a pause on the way or without."""
    done_at = practice.clock.at + way.duration(practice, bag.id)
    if paused:
        practice.wait(minutes=_PAUSE_AFTER_MIN)
        way.pause(practice, bag.id, _PAUSED_AT_ML, _PAUSED_MIN, nurse)
        done_at += timedelta(minutes=_PAUSED_MIN)
    practice.at(done_at)
    way.end(practice, bag, nurse)


def _run_at(now: datetime, days_ago: int) -> datetime:
    """The run of a past day, at the site's hour."""
    day = now.astimezone(ZONE).date() - timedelta(days=days_ago)
    return datetime.combine(day, _RUN_AT, ZONE).astimezone(now.tzinfo)
