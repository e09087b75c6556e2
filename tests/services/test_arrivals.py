"""A delivery at the door: what is taken in, what stops, and that each scan is kept. K1, K7, K8."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.scanning import Answer, Stop
from pharmacy.persistence.bags import Bag, bag_with_day
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.scans import Scan
from pharmacy.services import arrivals, infusions, scanning, stops, verdicts
from pharmacy.services.kept_scans import Scanned
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.scans import confirm, go, scan


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def receive(trial: Trial, text: str, who: str = "nurse", method: str = "scanner") -> Scanned:
    """Scan a bag in at the door."""
    found: Scanned = trial.do(who, arrivals.receive, text, method, "")
    return found


def state_of(trial: Trial, bag_id: str) -> str:
    with trial.look("nurse") as act:
        return str(act.uow.session.get_one(Bag, bag_id).state)


def events(trial: Trial) -> list[str]:
    return [entry.event for entry in trial.events()]


def two_bags(trial: Trial) -> tuple[str, str]:
    """The two bags of a 120 kg day, both on their way."""
    first = trial.ready_bag(weight="120")
    with trial.look("nurse") as act:
        found = bag_with_day(act.uow.session, first)
        assert found is not None
        course_id = found[2].id
    second = trial.bags(course_id)[1].id
    trial.release(second)
    return first, second


def test_a_bag_that_came_is_received_and_the_trail_says_so(trial: Trial) -> None:
    """K1, K7: who received what and when, from which state to which."""
    bag_id = trial.ready_bag()
    found = receive(trial, trial.code(bag_id))
    assert found.verdict.answer is Answer.RECEIVED
    assert state_of(trial, bag_id) == "received"
    received, scanned = trial.events()[:2]
    assert [received.event, scanned.event] == ["bag_received", "bag_scanned"]
    body = json.loads(received.body)
    assert body["old"] == "released"
    assert body["new"] == {"state": "received", "scan": found.scan.id}
    assert body["person_id"] == trial.ids["nurse"]
    assert json.loads(scanned.body)["new"]["purpose"] == "receive"


def test_a_second_scan_says_received_again_and_changes_nothing(trial: Trial) -> None:
    """K9: every scan is kept, one change is written."""
    bag_id = trial.ready_bag()
    answers = {
        receive(trial, trial.code(bag_id), who).verdict.answer for who in ("nurse", "nurse2")
    }
    assert answers == {Answer.RECEIVED}
    assert events(trial).count("bag_received") == 1
    assert events(trial).count("bag_scanned") == 2


def test_two_nurses_at_once_are_both_told_received(trial: Trial) -> None:
    """K9: two threads at one database; one of them makes the change."""
    bag_id = trial.ready_bag()
    code, answers, gate = trial.code(bag_id), [], threading.Barrier(2)

    def at_the_door(who: str) -> None:
        gate.wait()
        answers.append(receive(trial, code, who).verdict.answer)

    nurses = [threading.Thread(target=at_the_door, args=(who,)) for who in ("nurse", "nurse2")]
    for nurse in nurses:
        nurse.start()
    for nurse in nurses:
        nurse.join()
    assert answers == [Answer.RECEIVED] * 2
    assert events(trial).count("bag_received") == 1


@pytest.mark.parametrize(
    ("meanwhile", "stop"),
    [
        (BagState.RECEIVED, None),
        (BagState.HELD, Stop.HELD),
        (BagState.STARTED, Stop.ALREADY_RUNNING),
    ],
)
def test_whoever_was_overtaken_asks_again(
    trial: Trial, meanwhile: BagState, stop: Stop | None
) -> None:
    """K9: the row changed after it was read; the database decides, and nothing is set back."""
    bag_id = trial.ready_bag()
    code = trial.code(bag_id)
    with trial.act("nurse") as act:
        read_before = act.uow.session.get_one(Bag, bag_id)
        act.uow.session.connection().execute(
            sa.text("UPDATE bag SET state = :state WHERE id = :id"),
            {"state": meanwhile.value, "id": bag_id},
        )
        assert read_before.state == "released"
        found = arrivals.receive(act, code, "scanner", "")
    assert found.verdict.stop is stop
    assert state_of(trial, bag_id) == meanwhile.value
    assert "bag_received" not in events(trial)


def test_before_its_day_it_is_received(trial: Trial) -> None:
    """K7: tomorrow's bag may come today; it may not run today."""
    bag = trial.bags(trial.planned())[1]
    trial.release(bag.id, at=trial.clock() - timedelta(minutes=1))
    assert receive(trial, trial.code(bag.id)).verdict.answer is Answer.RECEIVED
    assert scan(trial, trial.code(bag.id)).verdict.stop is Stop.BEFORE_ITS_DAY


def test_a_later_bag_of_the_day_may_come_first(trial: Trial) -> None:
    _, second = two_bags(trial)
    assert receive(trial, trial.code(second)).verdict.answer is Answer.RECEIVED
    assert scan(trial, trial.code(second)).verdict.stop is Stop.EARLIER_BAG_FIRST


def test_what_is_not_to_come_stops_and_the_pharmacy_sees_it(trial: Trial) -> None:
    """K8: each with its own Stop, each kept, each before the pharmacy at once."""
    bag_id = trial.ready_bag()
    code = trial.code(bag_id)
    tomorrow = trial.bags(course_of(trial, bag_id))[1]
    cases = [
        (trial.code(bag_id, Piece.INNER_CONTAINER), Stop.INNER_LABEL),
        (trial.card(), Stop.CARD_NOT_BAG),
        (code[:-1] + ("A" if code[-1] != "A" else "B"), Stop.MISTYPED),
        (trial.code(tomorrow.id), Stop.NOT_RELEASED),
    ]
    for text, stop in cases:
        assert receive(trial, text).verdict.stop is stop
    with trial.look("pharmacist") as act:
        seen = stops.stops(act)
    assert seen.unseen == len(cases)
    assert state_of(trial, bag_id) == "released"


def course_of(trial: Trial, bag_id: str) -> str:
    with trial.look("nurse") as act:
        found = bag_with_day(act.uow.session, bag_id)
        assert found is not None
        return str(found[2].id)


def test_a_replaced_label_stops_at_the_door_too(trial: Trial) -> None:
    """K11."""
    bag_id = trial.ready_bag()
    old = trial.code(bag_id)
    trial.replace_code(bag_id)
    assert receive(trial, old).verdict.stop is Stop.RETIRED_CODE
    assert receive(trial, trial.code(bag_id)).verdict.answer is Answer.RECEIVED


def test_too_late_to_start_or_no_longer_on_treatment_stops(trial: Trial) -> None:
    """D7: what cannot be infused any more is not taken in as if it could."""
    bag_id = trial.ready_bag()
    trial.clock.move(minutes=101)
    assert receive(trial, trial.code(bag_id)).verdict.stop is Stop.PAST_LATEST_START
    trial.clock.move(minutes=-60)
    with trial.act("coordinator") as act:
        found = bag_with_day(act.uow.session, bag_id)
        assert found is not None
        act.uow.session.get_one(Participant, found[2].participant_id).state = "withdrawn"
        act.record("withdrawn", "participant:M-002")
    assert receive(trial, trial.code(bag_id)).verdict.stop is Stop.NOT_ON_TREATMENT
    assert state_of(trial, bag_id) == "released"


def test_typing_needs_its_reason_and_the_camera_is_recorded(trial: Trial) -> None:
    """E17."""
    bag_id = trial.ready_bag()
    with pytest.raises(BadForm) as wrong, trial.act("nurse") as act:
        arrivals.receive(act, trial.code(bag_id), "typed", "")
    assert "typed_reason" in wrong.value.errors
    found = receive(trial, trial.code(bag_id), method="camera")
    with trial.look("nurse") as act:
        row = act.uow.session.get_one(Scan, found.scan.id)
        assert (row.purpose, row.method, row.answer) == ("receive", "camera", "received")


def test_only_nurses_receive(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    for who in ("coordinator", "pharmacist", "checker", "investigator", "monitor"):
        with pytest.raises(Refusal) as refusal:
            receive(trial, trial.code(bag_id), who)
        assert refusal.value.status == 403
    assert state_of(trial, bag_id) == "released"


def test_a_scan_at_the_door_opens_no_way_to_the_person(trial: Trial) -> None:
    """A11, K8: a Received is no first half of a Go: no card, no denial and no start on it."""
    found = receive(trial, trial.code(trial.ready_bag()))
    with pytest.raises(Refusal):
        confirm(trial, found, trial.card())
    for verb in (scanning.deny_person, infusions.start, scanning.set_aside):
        with pytest.raises(Refusal):
            trial.do("nurse", verb, found.scan.id)


def test_a_received_bag_runs_and_so_does_one_that_nobody_scanned_in(trial: Trial) -> None:
    """K8: the bedside's own verdict decides, with or without the scan at the door."""
    first, second = two_bags(trial)
    receive(trial, trial.code(first))
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    trial.clock.move(minutes=163)
    trial.do("nurse", infusions.end, first, "600", "", PASSWORD)
    trial.do("nurse", infusions.start, go(trial, second).scan.id)
    assert state_of(trial, second) == "started"


def screen(trial: Trial, found: Scanned, who: str = "nurse") -> Any:
    with trial.look(who) as act:
        return verdicts.arrival_screen(act, found.scan.id)


def test_the_screen_counts_what_is_missing(trial: Trial) -> None:
    """K1: which bag this is and how many of the delivery are still to come; no card, no name."""
    first, second = two_bags(trial)
    shown = screen(trial, receive(trial, trial.code(second)))
    assert (shown.kind, shown.sentence) == ("received", "Received. Bag 2 of 2.")
    assert shown.next_step == ("1 of 2 bags of this delivery received. Still missing: bag 1 of 2.")
    assert shown.missing == 1
    assert dict(shown.facts) == {
        "Participant": "M-002",
        "Visit": "Week 0, day 1 of 2",
        "Start by": "2 Mar 2026 14:25 CST",
        "Until then": "Store at 20 to 25 °C",
    }
    shown = screen(trial, receive(trial, trial.code(first)))
    assert shown.next_step == "2 of 2 bags of this delivery received. None is missing."
    assert shown.missing == 0


def test_a_bag_that_never_left_is_not_missed(trial: Trial) -> None:
    """B10: only what everybody may know counts; a bag that is still planned is no delivery."""
    shown = screen(trial, receive(trial, trial.code(trial.ready_bag(weight="120"))))
    assert shown.next_step == "1 of 1 bag of this delivery received. None is missing."


def test_the_screen_of_an_arrival_is_the_nurse_s_own_and_no_other_scan_s(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    found = receive(trial, trial.code(bag_id))
    for scanned, who in ((found, "nurse2"), (scan(trial, trial.code(bag_id)), "nurse")):
        with pytest.raises(Refusal) as refusal:
            screen(trial, scanned, who)
        assert refusal.value.status == 404


def test_a_received_that_was_overtaken_is_not_shown_again(trial: Trial) -> None:
    """K8: opened again when the bag is held, the page does not say that all is well."""
    bag_id = trial.ready_bag()
    found = receive(trial, trial.code(bag_id))
    assert screen(trial, found).kind == "received"
    trial.set_state(bag_id, BagState.HELD)
    with pytest.raises(Refusal):
        screen(trial, found)


def test_a_stop_at_the_door_is_left_like_any_other(trial: Trial) -> None:
    """K8: the same screen, the same act."""
    trial.ready_bag()
    stopped = receive(trial, trial.card())
    shown = screen(trial, stopped)
    assert (shown.kind, shown.sentence) == ("stop", "Stop. This is a participant's card.")
    trial.do("nurse", scanning.set_aside, stopped.scan.id)
    assert screen(trial, stopped).left
