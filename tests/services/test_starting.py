"""Pressing Start: judged again, once, by whoever has both identifiers. K8, K9."""

from __future__ import annotations

from collections.abc import Callable
from threading import Barrier, Thread

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.scanning import SENTENCES, Answer, Stop
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.services import infusions, verdicts
from tests.support.builders import Trial, make_trial
from tests.support.scans import confirm, go, scan


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def test_nothing_starts_before_both_identifiers(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    waiting = scan(trial, trial.code(bag_id))
    stopped = confirm(trial, scan(trial, trial.code(bag_id)), trial.card(), spoken=False)
    for scanned in (waiting, stopped):
        with pytest.raises(Refusal) as refusal, trial.act("nurse") as act:
            infusions.start(act, scanned.scan.id)
        assert "no Go" in refusal.value.sentence
    with trial.look("nurse") as act:
        assert act.uow.session.get_one(Bag, bag_id).state == "released"


def hold(trial: Trial, bag_id: str) -> None:
    trial.set_state(bag_id, BagState.HELD)


def too_late(trial: Trial, _bag_id: str) -> None:
    trial.clock.move(hours=3)


@pytest.mark.parametrize(
    ("meanwhile", "stop"),
    [
        (hold, Stop.HELD),
        (too_late, Stop.PAST_LATEST_START),
        (Trial.replace_code, Stop.RETIRED_CODE),
    ],
)
def test_it_is_judged_again_at_start(
    trial: Trial, meanwhile: Callable[[Trial, str], None], stop: Stop
) -> None:
    """A Go is worth nothing when the facts have changed since."""
    bag_id = trial.ready_bag()
    found = go(trial, bag_id)
    meanwhile(trial, bag_id)
    again = trial.do("nurse", infusions.start, found.scan.id)
    assert again.verdict.sentences == SENTENCES[stop]
    newest = trial.events()[0]
    assert newest.event == "judged_at_start"
    assert f'"stop":"{stop.value}"'.encode() in newest.body
    with trial.look("nurse") as act:
        assert act.uow.session.get(Administration, bag_id) is None
        assert act.uow.session.get_one(Bag, bag_id).state != "started"


@pytest.mark.parametrize("meanwhile", [hold, too_late, Trial.replace_code])
def test_a_go_that_is_over_is_not_shown_again(
    trial: Trial, meanwhile: Callable[[Trial, str], None]
) -> None:
    """K8: by the back button or much later the page says no Go."""
    bag_id = trial.ready_bag()
    found = go(trial, bag_id)
    meanwhile(trial, bag_id)
    with pytest.raises(Refusal) as refusal, trial.look("nurse") as act:
        verdicts.screen(act, found.scan.id)
    assert refusal.value.sentence.startswith("This answer no longer holds.")


def test_a_resume_is_not_shown_past_the_time_limit(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    found = confirm(trial, scan(trial, trial.code(bag_id)), trial.card())
    trial.clock.move(hours=8)
    with pytest.raises(Refusal), trial.look("nurse") as act:
        verdicts.screen(act, found.scan.id)


def test_a_second_nurse_meets_resume_with_both_identifiers(trial: Trial) -> None:
    """Never "already used", never a silent restart."""
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    trial.clock.move(hours=2)
    with pytest.raises(Refusal) as refusal, trial.look("nurse2") as act:
        infusions.running(act, bag_id)
    assert refusal.value.status == 403
    found = confirm(trial, scan(trial, trial.code(bag_id), "nurse2"), trial.card(), who="nurse2")
    assert found.verdict.answer is Answer.RESUME
    with trial.look("nurse2") as act:
        _, infusion = infusions.running(act, bag_id)
        assert infusion.started_by == trial.ids["nurse"]


def test_at_the_time_limit_a_running_bag_stops(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    trial.clock.move(hours=7)
    found = scan(trial, trial.code(bag_id))
    assert found.verdict.stop is Stop.PAST_STOP_TIME


def test_the_later_of_two_gos_does_not_start_it_again(trial: Trial) -> None:
    """K9: two nurses, two Gos, one start."""
    bag_id = trial.ready_bag()
    one, two = go(trial, bag_id), go(trial, bag_id, "nurse2")
    trial.do("nurse", infusions.start, one.scan.id)
    with pytest.raises(Refusal) as refusal, trial.act("nurse2") as act:
        infusions.start(act, two.scan.id)
    assert refusal.value.sentence.startswith("This bag was started since you scanned it.")


def test_of_two_starts_at_the_same_moment_one_wins(database_url: str) -> None:
    """K9: on both databases, both having read before either writes."""
    trial = make_trial(database_url)
    bag_id = trial.ready_bag()
    found = {who: go(trial, bag_id, who).scan.id for who in ("nurse", "nurse2")}
    gate, results = Barrier(2), []

    def press(who: str) -> None:
        gate.wait()
        try:
            with trial.act(who) as act:
                infusions.start(act, found[who])
            results.append("started")
        except Refusal as refusal:
            results.append(str(refusal.status))

    nurses = [Thread(target=press, args=(who,)) for who in found]
    for nurse in nurses:
        nurse.start()
    for nurse in nurses:
        nurse.join()
    events = [entry.event for entry in trial.events()]
    trial.engine.dispose()
    assert sorted(results) == ["409", "started"]
    assert events.count("infusion_started") == 1
