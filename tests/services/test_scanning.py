"""Every scan of the list: its own Stop, its own sentence, and its entry in the trail. K8, E17."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from pharmacy.domain.bag_code import Piece, make_code, with_piece
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.roles import Role
from pharmacy.domain.scanning import SENTENCES, Answer, Stop
from pharmacy.persistence.bags import bag_with_day
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.scans import Scan
from pharmacy.services import infusions, scanning
from pharmacy.services import people as people_verbs
from pharmacy.services.act import Act
from tests.domain.protocols import SECOND_FILE
from tests.support.builders import PASSWORD, Trial, add_study, make_live, make_trial
from tests.support.scans import confirm, go, scan


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def said(trial: Trial) -> dict[str, object]:
    """The newest entry of the trail."""
    found: dict[str, object] = json.loads(trial.events()[0].body)
    return found


def stops(trial: Trial, scanned: Any, stop: Stop) -> None:
    """The answer is this Stop, kept in the scan, and the newest entry of the trail says so."""
    assert scanned.verdict.stop is stop
    assert scanned.verdict.sentences == SENTENCES[stop]
    with trial.look("nurse") as act:
        row = act.uow.session.get_one(Scan, scanned.scan.id)
        assert (row.answer, row.stop) == ("stop", stop.value)
    new = said(trial)["new"]
    assert isinstance(new, dict)
    assert (new["answer"], new["stop"], new["scan"]) == ("stop", stop.value, scanned.scan.id)
    assert said(trial)["person_id"] in trial.ids.values()


def test_the_right_bag_and_the_right_person_go(trial: Trial) -> None:
    """K8, A11: first the bag, neutral; then both identifiers; then Go; then it runs."""
    bag_id = trial.ready_bag()
    first = scan(trial, trial.code(bag_id))
    assert first.verdict.answer is Answer.CONTINUE
    second = confirm(trial, first, trial.card())
    assert second.verdict.answer is Answer.GO
    trial.do("nurse", infusions.start, second.scan.id)
    assert trial.bags(second.course.id)[0].state == "started"
    events = [entry.event for entry in trial.events()][:3]
    assert events == ["infusion_started", "person_judged", "bag_scanned"]


def test_a_used_bag_stops(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    trial.do("nurse", infusions.end, bag_id, "600", "", PASSWORD)
    stops(trial, scan(trial, trial.code(bag_id)), Stop.USED)


def test_the_wrong_participant_stops(trial: Trial) -> None:
    other = trial.register("M-007")
    bag_id = trial.ready_bag()
    assert other
    stops(
        trial, confirm(trial, scan(trial, trial.code(bag_id)), trial.card("M-007")),
        Stop.WRONG_PARTICIPANT,
    )  # fmt: skip


def test_a_bag_that_is_not_released_stops(trial: Trial) -> None:
    bag = trial.bags(trial.planned())[0]
    stops(trial, scan(trial, trial.code(bag.id)), Stop.NOT_RELEASED)


def test_a_release_in_the_future_is_not_released(trial: Trial) -> None:
    """B10: one minute before its scheduled moment and at it."""
    bag_id = trial.ready_bag()
    trial.clock.move(minutes=-16)
    stops(trial, scan(trial, trial.code(bag_id)), Stop.NOT_RELEASED)
    trial.clock.move(minutes=1)
    assert scan(trial, trial.code(bag_id)).verdict.answer is Answer.CONTINUE


def test_past_its_latest_start_it_stops(trial: Trial) -> None:
    """D7: 9:00 and 8 hours, less 290 minutes and 30."""
    bag_id = trial.ready_bag()
    trial.clock.move(minutes=100)
    assert scan(trial, trial.code(bag_id)).verdict.answer is Answer.CONTINUE
    trial.clock.move(seconds=1)
    stops(trial, scan(trial, trial.code(bag_id)), Stop.PAST_LATEST_START)


def test_a_bag_of_another_study_stops(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    code, home = trial.code(bag_id), trial.study_id
    trial.study_id = add_study(trial, SECOND_FILE.read_text())
    with trial.act("administrator") as act:
        people_verbs.give_roles(act, trial.ids["nurse"], trial.study_id, frozenset({Role.NURSE}))
    scanned = scan(trial, code)
    stops(trial, scanned, Stop.OTHER_STUDY)
    inner = scan(trial, with_piece(code, Piece.INNER_CONTAINER))
    assert inner.verdict.stop is Stop.OTHER_STUDY
    assert home != trial.study_id


def test_a_practice_code_in_a_live_study_stops_and_the_other_way(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    practice = trial.code(bag_id)
    live = make_code(b"0123456789", practice=False, piece=Piece.OUTER_COVER)
    stops(trial, scan(trial, live), Stop.OTHER_MODE)
    make_live(trial)
    stops(trial, scan(trial, practice), Stop.OTHER_MODE)


def test_an_inner_label_stops(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    stops(trial, scan(trial, trial.code(bag_id, Piece.INNER_CONTAINER)), Stop.INNER_LABEL)


def test_a_retired_code_stops_and_the_newer_one_goes_on(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    old = trial.code(bag_id)
    trial.replace_code(bag_id)
    stops(trial, scan(trial, old), Stop.RETIRED_CODE)
    assert scan(trial, trial.code(bag_id)).verdict.answer is Answer.CONTINUE


def test_a_code_that_was_never_given_stops(trial: Trial) -> None:
    """A forged code has right check characters; nobody can guess eighty bits."""
    trial.ready_bag()
    forged = make_code(b"forgedcode", practice=True, piece=Piece.OUTER_COVER)
    stops(trial, scan(trial, forged), Stop.FORGED)


@pytest.mark.parametrize("wrong", ["last", "swapped", "short", "nonsense", "url"])
def test_a_mistyped_code_stops(trial: Trial, wrong: str) -> None:
    code = trial.code(trial.ready_bag())
    other = "B" if code[-1] == "A" else "A"
    swap = next(n for n in range(2, 17) if code[n] != code[n + 1])
    texts = {
        "last": code[:-1] + other,
        "swapped": code[:swap] + code[swap + 1] + code[swap] + code[swap + 2 :],
        "short": code[:-1],
        "nonsense": "'; DROP TABLE bag --",
        "url": "https://example.org/" + code,
    }
    typed = {"method": "typed", "typed_reason": "smeared"}
    stops(trial, scan(trial, texts[wrong], **typed), Stop.MISTYPED)


def test_a_card_in_place_of_a_bag_stops(trial: Trial) -> None:
    trial.ready_bag()
    stops(trial, scan(trial, trial.card()), Stop.CARD_NOT_BAG)


@pytest.mark.parametrize(
    ("state", "stop"),
    [
        (BagState.HELD, Stop.HELD),
        (BagState.RETIRED, Stop.RETIRED_BAG),
        (BagState.RETURNED, Stop.RETURNED),
        (BagState.DESTROYED, Stop.RETURNED),
        (BagState.LOST, Stop.LOST),
    ],
)
def test_other_states_stop(trial: Trial, state: BagState, stop: Stop) -> None:
    bag_id = trial.ready_bag()
    trial.set_state(bag_id, state)
    stops(trial, scan(trial, trial.code(bag_id)), stop)


def test_a_participant_who_withdrew_stops(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    with trial.act("coordinator") as act:
        participant_id = scan_course(act, bag_id).participant_id
        act.uow.session.get_one(Participant, participant_id).state = "withdrawn"
        act.record("withdrawn", "participant:M-002")
    stops(trial, scan(trial, trial.code(bag_id)), Stop.NOT_ON_TREATMENT)


def scan_course(act: Act, bag_id: str) -> Any:
    return bag_with_day(act.uow.session, bag_id)[2]


def test_a_bag_released_before_its_run_stops(trial: Trial) -> None:
    """Cannot come about by a release; the verdict holds by itself."""
    bag = trial.bags(trial.planned())[0]
    trial.release(bag.id, at=trial.clock() - timedelta(hours=1))
    stops(trial, scan(trial, trial.code(bag.id)), Stop.BEFORE_ITS_DAY)


def two_bags(trial: Trial) -> tuple[str, str]:
    """The two bags of a 120 kg day, the first one ready."""
    first = trial.ready_bag(weight="120")
    with trial.look("nurse") as act:
        course_id = scan_course(act, first).id
    second = trial.bags(course_id)[1].id
    trial.release(second)
    return first, second


def test_bags_of_a_day_run_in_their_order(trial: Trial) -> None:
    """A13, A14: the second bag's rates go on from the first."""
    first, second = two_bags(trial)
    stops(trial, scan(trial, trial.code(second)), Stop.EARLIER_BAG_FIRST)
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    stops(trial, scan(trial, trial.code(second)), Stop.EARLIER_BAG_FIRST)
    trial.clock.move(minutes=163)
    trial.do("nurse", infusions.end, first, "600", "", PASSWORD)
    assert scan(trial, trial.code(second)).verdict.answer is Answer.CONTINUE


def test_a_second_bag_may_start_after_the_day_s_first_latest_start(trial: Trial) -> None:
    """D7: what is still to be infused counts: 125 minutes and 30 before 17:00."""
    first, second = two_bags(trial)
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    trial.clock.move(minutes=265)
    trial.do("nurse", infusions.end, first, "600", "", PASSWORD)
    assert scan(trial, trial.code(second)).verdict.answer is Answer.CONTINUE
    trial.clock.move(seconds=1)
    stops(trial, scan(trial, trial.code(second)), Stop.PAST_LATEST_START)


@pytest.mark.parametrize("state", [BagState.PLANNED, BagState.HELD, BagState.LOST])
def test_without_the_bag_before_it_a_later_bag_stops(trial: Trial, state: BagState) -> None:
    first, second = two_bags(trial)
    trial.set_state(first, state)
    stops(trial, scan(trial, trial.code(second)), Stop.EARLIER_BAG_MISSING)


@pytest.mark.parametrize(
    ("infused_ml", "stop"),
    [("0", Stop.EARLIER_BAG_MISSING), ("50", Stop.EARLIER_BAG_MISSING), ("590", None)],
)
def test_after_too_little_of_a_bag_the_next_one_stops(
    trial: Trial, infused_ml: str, stop: Stop | None
) -> None:
    """A13, A14: the second bag begins at the rate that the first one would have led to."""
    first, second = two_bags(trial)
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    trial.do("nurse", infusions.end, first, infused_ml, "line", PASSWORD)
    assert scan(trial, trial.code(second)).verdict.stop is stop


@pytest.mark.parametrize(
    ("reason", "stop"),
    [
        ("reaction", Stop.EARLIER_BAG_MISSING),
        ("ordered", Stop.EARLIER_BAG_MISSING),
        ("wish", Stop.EARLIER_BAG_MISSING),
        ("line", None),
        ("bag", None),
        ("time_limit", None),
    ],
)
def test_after_a_reaction_the_day_does_not_go_on_by_itself(
    trial: Trial, reason: str, stop: Stop | None
) -> None:
    """A13, K9: nearly all was given, so that the volume alone would let the next bag run."""
    first, second = two_bags(trial)
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    trial.do("nurse", infusions.end, first, "590", reason, PASSWORD)
    assert scan(trial, trial.code(second)).verdict.stop is stop


def test_the_card_alone_is_never_a_go(trial: Trial) -> None:
    """A11: both identifiers, whichever is missing."""
    bag_id = trial.ready_bag()
    found = confirm(trial, scan(trial, trial.code(bag_id)), trial.card(), spoken=False)
    stops(trial, found, Stop.NOT_AS_SPOKEN)
    waiting = scan(trial, trial.code(bag_id))
    stops(trial, trial.do("nurse", scanning.deny_person, waiting.scan.id), Stop.NOT_AS_SPOKEN)


def test_a_scan_is_answered_once(trial: Trial) -> None:
    """A Stop cannot be talked round with another card; a Go is not asked twice."""
    bag_id = trial.ready_bag()
    stopped = confirm(trial, scan(trial, trial.code(bag_id)), trial.card(), spoken=False)
    for scanned in (stopped, go(trial, bag_id)):
        with pytest.raises(Refusal), trial.act("nurse") as act:
            scanning.confirm_person(act, scanned.scan.id, trial.card(), True)


def test_typing_needs_its_reason_and_is_recorded(trial: Trial) -> None:
    """E17."""
    code = trial.code(trial.ready_bag())
    for reason in ("", "because"):
        with pytest.raises(BadForm) as wrong, trial.act("nurse") as act:
            scanning.scan_bag(act, code, "typed", reason)
        assert "typed_reason" in wrong.value.errors
    typed = code.lower()[:4] + "-" + code.lower()[4:]
    found = scan(trial, typed, method="typed", typed_reason="dark")
    assert found.verdict.answer is Answer.CONTINUE
    new = said(trial)["new"]
    assert isinstance(new, dict)
    assert (new["method"], new["typed_reason"]) == ("typed", "dark")


def test_an_empty_scan_is_no_scan(trial: Trial) -> None:
    with pytest.raises(BadForm), trial.act("nurse") as act:
        scanning.scan_bag(act, "  ", "scanner", "")


def test_the_trail_never_holds_the_text_of_a_bad_scan(trial: Trial) -> None:
    """H10: what was scanned by mistake may be anything, a name too."""
    scan(trial, "JANE DOE 1980-01-01")
    assert b"JANE" not in trial.events()[0].body


def test_only_its_nurse_answers_a_scan_and_only_nurses_scan(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    waiting = scan(trial, trial.code(bag_id))
    with pytest.raises(Refusal) as refusal:
        confirm(trial, waiting, trial.card(), who="nurse2")
    assert refusal.value.status == 404
    for who in ("coordinator", "investigator", "pharmacist", "monitor"):
        with pytest.raises(Refusal) as refusal:
            scan(trial, trial.code(bag_id), who)
        assert refusal.value.status == 403


def test_a_stop_is_set_aside_once_and_seen_once(trial: Trial) -> None:
    trial.ready_bag()
    stopped = scan(trial, "nonsense")
    for _ in range(2):
        trial.do("nurse", scanning.set_aside, stopped.scan.id)
        trial.do("pharmacist", scanning.acknowledge, stopped.scan.id)
    events = [entry.event for entry in trial.events()]
    assert events.count("bag_set_aside") == 1
    assert events.count("stop_seen") == 1
    with trial.look("nurse") as act:
        assert act.uow.session.get_one(Scan, stopped.scan.id).seen_by == trial.ids["pharmacist"]


def test_only_a_stop_is_set_aside(trial: Trial) -> None:
    waiting = scan(trial, trial.code(trial.ready_bag()))
    with pytest.raises(Refusal), trial.act("nurse") as act:
        scanning.set_aside(act, waiting.scan.id)
    with pytest.raises(Refusal), trial.act("pharmacist") as act:
        scanning.acknowledge(act, waiting.scan.id)
