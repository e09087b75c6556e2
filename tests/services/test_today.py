"""The nurse's day: what stands beside a bag is what its scan would say at that moment. K8, D7."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.scanning import SENTENCES, Answer, Stop
from pharmacy.persistence.bags import bag_with_day
from pharmacy.persistence.participants import Participant
from pharmacy.services import arrivals, infusions, today
from pharmacy.services.today import TodayBag
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.scans import go, scan

# Beside which words a scan would go on; every other word is a Stop.
GOES_ON = {"ready", "running", "mine"}


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def shown(trial: Trial, who: str = "nurse") -> list[TodayBag]:
    """Today's bags as somebody sees them."""
    with trial.look(who) as act:
        return list(today.today(act).bags)


def as_scanned(trial: Trial, bag_id: str) -> list[TodayBag]:
    """Today's bags; the one with this id stands as its scan answers, or the test fails."""
    found = shown(trial)
    course = trial.bags(course_of(trial, bag_id))
    bag = next(row for row in course if row.id == bag_id)
    code = trial.code(bag_id)
    (line,) = [row for row in found if row.bag == f"bag {bag.number} of {bag.of}"]
    answer = scan(trial, code).verdict
    assert (answer.answer is Answer.CONTINUE) == (line.standing in GOES_ON), line
    return found


def course_of(trial: Trial, bag_id: str) -> str:
    with trial.look("nurse") as act:
        found = bag_with_day(act.uow.session, bag_id)
        assert found is not None
        return str(found[2].id)


def two_bags(trial: Trial) -> tuple[str, str]:
    """The two bags of a 120 kg day, both released."""
    first = trial.ready_bag(weight="120")
    second = trial.bags(course_of(trial, first))[1].id
    trial.release(second)
    return first, second


def test_ready_is_said_until_its_latest_start_and_not_a_second_longer(trial: Trial) -> None:
    """D7: the page and the scan turn at the same moment."""
    bag_id = trial.ready_bag()
    trial.clock.move(minutes=100)
    (line,) = as_scanned(trial, bag_id)
    assert (line.word, line.tone, line.limit) == ("Ready", "go", "Start by 11:40 CST")
    trial.clock.move(seconds=1)
    (line,) = as_scanned(trial, bag_id)
    assert (line.word, line.tone) == ("Too late to start", "stop")
    assert line.note == "Do not start it. Call the pharmacy."


def test_tomorrow_s_bag_says_for_when_it_is(trial: Trial) -> None:
    """K8: a bag that came a day early is not ready, and its limit carries its date."""
    course = trial.planned()
    tomorrow = trial.bags(course)[1]
    trial.release(tomorrow.id, at=trial.clock() - timedelta(minutes=1))
    trial.do("nurse", arrivals.receive, trial.code(tomorrow.id), "scanner", "")
    (line,) = as_scanned(trial, tomorrow.id)
    assert (line.standing, line.word, line.where) == ("later", "For 3 Mar 2026", "Received")
    assert line.limit == "Start by 3 Mar 2026 11:40 CST"


def test_a_bag_of_a_later_run_of_today_says_from_when(trial: Trial) -> None:
    bag = trial.bags(trial.planned())[0]
    trial.release(bag.id, at=trial.clock() - timedelta(minutes=1))
    (line,) = as_scanned(trial, bag.id)
    assert (line.standing, line.word) == ("later", "From 09:00 CST")


def test_a_later_bag_waits_and_one_without_the_bag_before_it_stops(trial: Trial) -> None:
    """A13, A14."""
    first, second = two_bags(trial)
    lines = as_scanned(trial, second)
    assert [line.word for line in lines] == ["Ready", "After the bag before"]
    trial.set_state(first, BagState.LOST)
    (line,) = as_scanned(trial, second)
    assert (line.standing, line.word, line.tone) == ("stop", "Stop", "stop")
    assert f"Stop. {line.note}" == SENTENCES[Stop.EARLIER_BAG_MISSING][0]


def test_after_too_little_of_a_bag_the_next_one_is_not_ready(trial: Trial) -> None:
    """A14: ended is not enough; the volume given counts here as it does in the scan."""
    first, second = two_bags(trial)
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    trial.do("nurse", infusions.end, first, "50", "line", PASSWORD)
    (line,) = as_scanned(trial, second)
    assert line.standing == "stop"


def test_a_held_bag_stays_in_sight_and_says_so(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    trial.set_state(bag_id, BagState.HELD)
    (line,) = as_scanned(trial, bag_id)
    assert (line.word, line.note) == ("Stop", "The pharmacy holds this bag.")


def test_a_participant_who_withdrew_has_no_ready_bag(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    with trial.act("coordinator") as act:
        found = bag_with_day(act.uow.session, bag_id)
        assert found is not None
        act.uow.session.get_one(Participant, found[2].participant_id).state = "withdrawn"
        act.record("withdrawn", "participant:M-002")
    (line,) = as_scanned(trial, bag_id)
    assert (line.standing, line.note) == ("stop", "This participant has left the treatment.")


def test_a_running_bag_past_its_time_limit_does_not_say_running(trial: Trial) -> None:
    """D11: neither to the nurse who started it nor to another."""
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    assert [line.word for line in as_scanned(trial, bag_id)] == ["Running"]
    trial.clock.move(hours=7)
    for who in ("nurse", "nurse2"):
        (line,) = shown(trial, who)
        assert (line.word, line.tone) == ("Time limit reached", "stop")
    assert scan(trial, trial.code(bag_id)).verdict.stop is Stop.PAST_STOP_TIME


def test_on_its_way_until_it_was_received(trial: Trial) -> None:
    """K7: and a way to receive is offered only while something is on its way."""

    def where() -> tuple[bool, list[str]]:
        with trial.look("nurse") as act:
            found = today.today(act)
            return found.on_its_way, [line.where for line in found.bags]

    first, second = two_bags(trial)
    assert where() == (True, ["On its way", "On its way"])
    trial.do("nurse", arrivals.receive, trial.code(first), "scanner", "")
    assert where() == (True, ["Received", "On its way"])
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    trial.do("nurse", arrivals.receive, trial.code(second), "scanner", "")
    assert where() == (False, ["", "Received"])
