"""The verdict as a decision table: every state, every identifier, every time. K8, K9, A11."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from pharmacy.domain.lifecycle import BagState, state_at
from pharmacy.domain.scanning import (
    ACTS,
    SENTENCES,
    Answer,
    BagFacts,
    CardFacts,
    Stop,
    Verdict,
    judge_arrival,
    judge_bag,
    judge_person,
)

NOW = datetime(2026, 3, 2, 16, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
READY = BagFacts(
    state=BagState.RELEASED,
    same_study=True,
    code_retired=False,
    on_treatment=True,
    plan_void=False,
    assessments_open=False,
    earlier_bag_waits=False,
    earlier_bag_missing=False,
    not_before=NOW - timedelta(hours=1),
    latest_start=NOW + timedelta(hours=1),
    stop_by=NOW + timedelta(hours=7),
)
RIGHT_CARD = CardFacts(known=True, replaced=False, revoked=False, same_participant=True)

BY_STATE = {
    BagState.PLANNED: Stop.NOT_RELEASED,
    BagState.RELEASED: None,
    BagState.RECEIVED: None,
    BagState.STARTED: None,
    BagState.ENDED: Stop.USED,
    BagState.HELD: Stop.HELD,
    BagState.RETIRED: Stop.RETIRED_BAG,
    BagState.RETURNED: Stop.RETURNED,
    BagState.DESTROYED: Stop.RETURNED,
    BagState.LOST: Stop.LOST,
}
BAG_CASES = [
    ({"same_study": False}, Stop.OTHER_STUDY),
    ({"code_retired": True}, Stop.RETIRED_CODE),
    # Before the release a replaced label would tell how far the bench is.
    ({"code_retired": True, "state": BagState.PLANNED}, Stop.NOT_RELEASED),
    ({"on_treatment": False}, Stop.NOT_ON_TREATMENT),
    ({"plan_void": True}, Stop.PLAN_VOID),
    ({"plan_void": True, "state": BagState.RECEIVED}, Stop.PLAN_VOID),
    # What never left because of it says so; what runs goes on, what was used is used.
    ({"plan_void": True, "state": BagState.RETIRED}, Stop.PLAN_VOID),
    ({"plan_void": True, "state": BagState.PLANNED}, Stop.NOT_RELEASED),
    ({"plan_void": True, "state": BagState.ENDED}, Stop.USED),
    ({"plan_void": True, "state": BagState.STARTED}, None),
    ({"not_before": NOW + MINUTE}, Stop.BEFORE_ITS_DAY),
    ({"assessments_open": True}, Stop.ASSESSMENTS_FIRST),
    ({"not_before": NOW}, None),
    ({"latest_start": NOW}, None),
    ({"latest_start": NOW - timedelta(seconds=1)}, Stop.PAST_LATEST_START),
    ({"earlier_bag_waits": True}, Stop.EARLIER_BAG_FIRST),
    ({"earlier_bag_missing": True}, Stop.EARLIER_BAG_MISSING),
    ({"earlier_bag_missing": True, "earlier_bag_waits": True}, Stop.EARLIER_BAG_MISSING),
]


def test_the_state_table_is_whole() -> None:
    assert set(BY_STATE) == set(BagState)


@pytest.mark.parametrize(("state", "stop"), BY_STATE.items())
def test_each_state(state: BagState, stop: Stop | None) -> None:
    verdict = judge_bag(replace(READY, state=state), NOW)
    assert verdict == (Verdict(Answer.STOP, stop) if stop else Verdict(Answer.CONTINUE))


@pytest.mark.parametrize(("change", "stop"), BAG_CASES)
def test_each_fact_of_the_bag(change: dict[str, object], stop: Stop | None) -> None:
    verdict = judge_bag(replace(READY, **change), NOW)  # type: ignore[arg-type]
    assert verdict.stop is stop
    assert verdict.answer is (Answer.STOP if stop else Answer.CONTINUE)


def test_a_running_bag_is_resumed_until_its_time_limit_and_never_restarted() -> None:
    """A running bag is past its latest start as a rule; that is no reason to stop it."""
    running = replace(READY, state=BagState.STARTED, latest_start=NOW - timedelta(hours=2))
    assert judge_person(running, RIGHT_CARD, True, NOW) == Verdict(Answer.RESUME)
    assert judge_person(running, RIGHT_CARD, True, running.stop_by - MINUTE).stop is None
    assert judge_person(running, RIGHT_CARD, True, running.stop_by).stop is Stop.PAST_STOP_TIME


def test_the_bag_alone_is_never_a_go() -> None:
    """Over every combination of facts: no Go and no Resume before both identifiers."""
    flags = ("same_study", "code_retired", "on_treatment", "plan_void", "earlier_bag_waits",
             "earlier_bag_missing")  # fmt: skip
    for state in BagState:
        for values in product((True, False), repeat=len(flags)):
            facts = replace(READY, state=state, **dict(zip(flags, values, strict=True)))
            assert judge_bag(facts, NOW).answer in (Answer.CONTINUE, Answer.STOP)


OLD_CARD = replace(RIGHT_CARD, replaced=True)
PERSON_CASES = [
    (replace(RIGHT_CARD, known=False, same_participant=False), True, Stop.NOT_THE_CARD),
    (replace(RIGHT_CARD, same_participant=False), True, Stop.WRONG_PARTICIPANT),
    (replace(OLD_CARD, same_participant=False), True, Stop.WRONG_PARTICIPANT),
    (OLD_CARD, True, Stop.CARD_REPLACED),
    (replace(RIGHT_CARD, revoked=True), True, Stop.CARD_REVOKED),
    (RIGHT_CARD, False, Stop.NOT_AS_SPOKEN),
    (None, False, Stop.NOT_AS_SPOKEN),
    (None, True, Stop.NOT_AS_SPOKEN),
    (RIGHT_CARD, True, None),
]


@pytest.mark.parametrize("state", [BagState.RELEASED, BagState.RECEIVED, BagState.STARTED])
@pytest.mark.parametrize(("card", "spoken", "stop"), PERSON_CASES)
def test_each_identifier(
    state: BagState, card: CardFacts | None, spoken: bool, stop: Stop | None
) -> None:
    """A11: a Go, and a Resume, only with the participant's own card and the spoken words."""
    verdict = judge_person(replace(READY, state=state), card, spoken, NOW)
    assert verdict.stop is stop
    if stop is None:
        resumed = state is BagState.STARTED
        assert verdict.answer is (Answer.RESUME if resumed else Answer.GO)


@pytest.mark.parametrize(("change", "stop"), BAG_CASES)
def test_a_bag_that_stops_stops_with_the_right_person_too(
    change: dict[str, object], stop: Stop | None
) -> None:
    facts = replace(READY, **change)  # type: ignore[arg-type]
    assert judge_person(facts, RIGHT_CARD, True, NOW).stop is stop


ARRIVAL_BY_STATE = {
    **BY_STATE,
    BagState.STARTED: Stop.ALREADY_RUNNING,
}
ARRIVAL_CASES = [
    ({"same_study": False}, Stop.OTHER_STUDY),
    ({"code_retired": True}, Stop.RETIRED_CODE),
    ({"code_retired": True, "state": BagState.PLANNED}, Stop.NOT_RELEASED),
    ({"on_treatment": False}, Stop.NOT_ON_TREATMENT),
    ({"plan_void": True}, Stop.PLAN_VOID),
    ({"assessments_open": True}, None),
    ({"latest_start": NOW - timedelta(seconds=1)}, Stop.PAST_LATEST_START),
    ({"latest_start": NOW}, None),
    ({"not_before": NOW + timedelta(days=1)}, None),
    ({"earlier_bag_waits": True}, None),
    ({"earlier_bag_missing": True}, None),
    ({"same_study": False, "code_retired": True, "on_treatment": False}, Stop.OTHER_STUDY),
]


@pytest.mark.parametrize(("state", "stop"), ARRIVAL_BY_STATE.items())
def test_each_state_at_the_door(state: BagState, stop: Stop | None) -> None:
    """K1, K7: only what is on its way, or came already, is received."""
    verdict = judge_arrival(replace(READY, state=state), NOW)
    assert verdict == (Verdict(Answer.STOP, stop) if stop else Verdict(Answer.RECEIVED))


@pytest.mark.parametrize("state", [BagState.RELEASED, BagState.RECEIVED])
@pytest.mark.parametrize(("change", "stop"), ARRIVAL_CASES)
def test_each_fact_at_the_door(
    state: BagState, change: dict[str, object], stop: Stop | None
) -> None:
    """K7: before its day and before the bag it follows it may come; past its start it may not."""
    facts = replace(READY, **{"state": state, **change})  # type: ignore[arg-type]
    assert judge_arrival(facts, NOW).stop is stop


def test_an_arrival_is_never_a_go() -> None:
    """A11, over every combination of facts: Received or Stop, and nothing may start on either."""
    flags = ("same_study", "code_retired", "on_treatment", "plan_void", "earlier_bag_waits",
             "earlier_bag_missing")  # fmt: skip
    for state in BagState:
        for values in product((True, False), repeat=len(flags)):
            facts = replace(READY, state=state, **dict(zip(flags, values, strict=True)))
            assert judge_arrival(facts, NOW).answer in (Answer.RECEIVED, Answer.STOP)


def test_every_stop_has_its_own_sentence_that_begins_with_the_act() -> None:
    assert set(SENTENCES) == set(Stop)
    first = [sentence for sentence, _ in SENTENCES.values()]
    assert len(set(first)) == len(first)
    for sentence, what_to_do in SENTENCES.values():
        assert sentence.startswith("Stop. ")
        assert sentence.endswith(".")
        assert len(sentence) <= 60
        assert what_to_do.endswith(".")
    assert set(ACTS) <= set(Stop)


def test_a_stop_never_steers_to_a_bag_that_may_not_be_given() -> None:
    """Only where the earlier bag is known, released or running is it named as the next step."""
    steering = {stop for stop, (_, text) in SENTENCES.items() if "lower number" in text}
    assert steering == {Stop.EARLIER_BAG_FIRST}


@pytest.mark.parametrize(
    ("released_at", "state"),
    [
        (NOW - MINUTE, BagState.RELEASED),
        (NOW, BagState.RELEASED),
        (NOW + timedelta(microseconds=1), BagState.PLANNED),
        (None, BagState.PLANNED),
    ],
)
def test_a_release_counts_from_its_scheduled_moment(
    released_at: datetime | None, state: BagState
) -> None:
    """B10: when somebody really finished is told to nobody."""
    assert state_at(BagState.RELEASED, released_at, NOW) is state
    assert state_at(BagState.STARTED, released_at, NOW) is BagState.STARTED
