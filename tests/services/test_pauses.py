"""Pause, restart, and the limit that each pause moves. D7, D11, K9, K10."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from threading import Barrier, Thread

import pytest

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.scanning import Stop
from pharmacy.persistence import bags
from pharmacy.persistence import infusions as kept
from pharmacy.persistence.bags import Administration
from pharmacy.persistence.infusions import PAUSE_REASONS, InfusionPause
from pharmacy.persistence.participants import Participant
from pharmacy.services import bedside, infusions
from pharmacy.services.bedside import Bedside
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.scans import confirm, go, scan


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def running(trial: Trial) -> str:
    """59.6 kg, 600 mL; started at 10:00, stop and discard at 17:00."""
    return start(trial)


def start(trial: Trial) -> str:
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    return bag_id


def pause(
    trial: Trial, bag_id: str, ml: str = "124", why: str = "line", who: str = "nurse"
) -> None:
    trial.do(who, infusions.pause, bag_id, ml, why)


def page(trial: Trial, bag_id: str, who: str = "nurse") -> Bedside:
    with trial.look(who) as act:
        return bedside.bedside(act, bag_id)


def resume(trial: Trial, bag_id: str, who: str = "nurse2") -> None:
    confirm(trial, scan(trial, trial.code(bag_id), who), trial.card(), who=who)


def refused(trial: Trial, verb: Callable[..., object], *args: object, who: str = "nurse") -> str:
    with pytest.raises(Refusal) as refusal, trial.act(who) as act:
        verb(act, *args)
    return refusal.value.sentence


def entry(trial: Trial, event: str) -> dict[str, object]:
    (found,) = [row for row in trial.events() if row.event == event]
    return json.loads(found.body)


def test_the_words_are_of_the_schema_s_list() -> None:
    assert set(infusions.PAUSE_REASONS) == set(PAUSE_REASONS)


def test_the_start_writes_down_when_it_will_be_done(trial: Trial, running: str) -> None:
    """D7: recomputed at the start, from 10:00: 290 minutes, and the limit at 17:00."""
    said = entry(trial, "infusion_started")["new"]
    assert said["done_at"].startswith("2026-03-02T20:49:")
    assert said["stop_by"].startswith("2026-03-02T23:00:00")
    found = page(trial, running)
    assert (found.state, found.done_about) == ("running", "14:50 CST")
    assert found.stop_by == "2 Mar 2026 17:00 CST"


def test_a_pause_shows_how_to_go_on(trial: Trial, running: str) -> None:
    """K10: since when, how much, why; and the recomputed latest restart."""
    trial.clock.move(minutes=90)
    pause(trial, running)
    found = page(trial, running)
    assert (found.state, found.pause.since) == ("paused", "11:30 CST")
    assert found.pause.facts == (
        ("Volume in", "124 mL of 600 mL"),
        ("Why", "Trouble with the line or the pump"),
        ("Paused by", "Dana Whitfield"),
    )
    assert (found.pause.restart_rate, found.pause.afterwards) == ("143", "")
    # 476 mL from the first step take 238 minutes, and 30 are margin.
    assert found.pause.restart_by == "12:32 CST"
    assert found.pause.rate_note == "Later than 12:30 CST: from the first step, 35 mL/hour."
    assert found.steps[-1] == ("11:30 CST", "Paused", True)
    said = entry(trial, "infusion_paused")
    assert said["new"] == {
        "pause": 1,
        "infused_ml": "124",
        "latest_restart": "2026-03-02T18:32:00.000000Z",
    }
    assert (said["old"], said["reason"]) == ({"running_min": 90}, "line")
    trial.clock.move(minutes=61)
    assert page(trial, running).pause.rate_note.endswith("from the first step again.")


def test_a_restart_moves_the_end(trial: Trial, running: str) -> None:
    trial.clock.move(minutes=20)
    pause(trial, running, "11.6")
    trial.clock.move(minutes=10)
    trial.do("nurse", infusions.restart, running)
    trial.clock.move(minutes=1)
    found = page(trial, running)
    assert (found.state, found.rate_now, found.now_min) == ("running", "35", 21)
    assert found.steps == (
        ("10:00 CST", "35 mL/hour", False),
        ("10:20 CST", "Paused", False),
        ("10:30 CST", "35 mL/hour", True),
        ("10:40 CST", "71 mL/hour", False),
        ("11:10 CST", "143 mL/hour", False),
    )
    assert found.stops == (
        ("10:20 CST", "10:30 CST", "11.6 mL", "Trouble with the line or the pump"),
    )
    assert found.done_about == "15:00 CST"
    said = entry(trial, "infusion_restarted")
    assert (said["new"]["rate_ml_per_hour"], said["reason"]) == ("35", "line")
    assert said["old"]["infused_ml"] == "11.6"


def test_after_a_reaction_it_restarts_lower(trial: Trial, running: str) -> None:
    trial.clock.move(minutes=90)
    pause(trial, running, why="reaction")
    assert page(trial, running).pause.restart_rate == "71"
    assert page(trial, running).pause.afterwards == "Then 143 mL/hour after 30 minutes."
    trial.do("nurse", infusions.restart, running)
    assert page(trial, running).rate_now == "71"


@pytest.mark.parametrize("text", ["", "-1", "124 mL", "1e2", "124,0", "700", "600.1"])
def test_a_volume_that_cannot_be_is_refused(trial: Trial, running: str, text: str) -> None:
    with pytest.raises(BadForm) as wrong:
        pause(trial, running, text)
    assert set(wrong.value.errors) == {"shown_ml"}


@pytest.mark.parametrize("why", ["", "cloudy", "bag", "wish"])
def test_a_pause_has_a_reason_of_the_list(trial: Trial, running: str, why: str) -> None:
    """Nothing about the product's looks: free words would reach blinded readers."""
    with pytest.raises(BadForm) as wrong:
        pause(trial, running, "x", why)
    assert set(wrong.value.errors) == {"shown_ml", "why"}


def test_what_is_in_never_falls(trial: Trial, running: str) -> None:
    """A later pause and the end have at least what the pump showed before."""
    pause(trial, running, "124")
    trial.do("nurse", infusions.restart, running)
    with pytest.raises(BadForm) as wrong:
        pause(trial, running, "123.9")
    assert wrong.value.errors == {
        "shown_ml": "At the pause before 124 mL were in. Read the pump again, or correct the "
        "volume of the pause."
    }
    with pytest.raises(BadForm) as wrong:
        trial.do("nurse", infusions.end, running, "123", "reaction", PASSWORD)
    assert set(wrong.value.errors) == {"infused_ml"}
    trial.do("nurse", infusions.end, running, "124", "reaction", PASSWORD)


def test_a_mistyped_pause_is_corrected(trial: Trial, running: str) -> None:
    """E3, D7: the old figure stays in the trail, and the limits follow from the right one."""
    trial.clock.move(minutes=90)
    pause(trial, running, "420")
    too_late = page(trial, running).pause.restart_by
    with pytest.raises(BadForm):
        trial.do("nurse", infusions.end, running, "240", "reaction", PASSWORD)
    for wrong in ("420", "601", "many"):
        with pytest.raises(BadForm) as said:
            trial.do("nurse", infusions.correct_pause, running, wrong)
        assert set(said.value.errors) == {"right_ml"}
    trial.do("nurse", infusions.correct_pause, running, "240")
    assert page(trial, running).pause.restart_by < too_late
    kept_entry = entry(trial, "pause_corrected")
    assert (kept_entry["old"]["infused_ml"], kept_entry["new"]["infused_ml"]) == ("420", "240")
    trial.do("nurse", infusions.end, running, "240", "reaction", PASSWORD)


def test_nothing_is_corrected_without_a_pause_or_after_the_end(
    trial: Trial, running: str
) -> None:
    assert "was not paused" in refused(trial, infusions.correct_pause, running, "1")
    pause(trial, running)
    trial.do("nurse", infusions.end, running, "124", "reaction", PASSWORD)
    said = refused(trial, infusions.correct_pause, running, "100")
    assert said == "This infusion was already ended."


def test_a_correction_keeps_the_order_of_pauses(trial: Trial, running: str) -> None:
    pause(trial, running, "100")
    trial.do("nurse", infusions.restart, running)
    pause(trial, running, "200")
    with pytest.raises(BadForm):
        trial.do("nurse", infusions.correct_pause, running, "99")
    trial.do("nurse", infusions.correct_pause, running, "100")


def test_it_is_paused_and_restarted_once(trial: Trial, running: str) -> None:
    assert refused(trial, infusions.restart, running).startswith("This infusion is not paused")
    pause(trial, running)
    said = refused(trial, infusions.pause, running, "124", "line")
    assert said == "This infusion is paused already, since 10:00 CST."
    trial.do("nurse", infusions.restart, running)
    assert refused(trial, infusions.restart, running).startswith("This infusion is not paused")


def test_an_ended_infusion_is_neither_paused_nor_restarted(trial: Trial, running: str) -> None:
    pause(trial, running)
    trial.clock.move(minutes=25)
    trial.do("nurse", infusions.end, running, "124", "reaction", PASSWORD)
    for verb, args in ((infusions.pause, ("124", "line")), (infusions.restart, ())):
        assert refused(trial, verb, running, *args) == "This infusion was already ended."
    found = page(trial, running)
    assert found.state == "ended"
    assert found.stops == (("10:00 CST", "", "124 mL", "Trouble with the line or the pump"),)
    assert ("The pump ran", "0 min") in found.ended


def test_too_late_to_restart(trial: Trial, running: str) -> None:
    """D7: 12:32 is the last minute; the infusion can only be ended then."""
    trial.clock.move(minutes=90)
    pause(trial, running)
    trial.clock.move(minutes=62, seconds=1)
    said = refused(trial, infusions.restart, running)
    assert said == (
        "It is too late to restart: the rest could not be in before 17:00 CST. Record the "
        "volume, end the infusion and call the pharmacy."
    )
    found = page(trial, running)
    assert (found.pause.refusal, found.mark) == (said, "paused 1 too late")
    trial.do("nurse", infusions.end, running, "124", "time_limit", PASSWORD)


def test_at_the_latest_minute_it_restarts(trial: Trial, running: str) -> None:
    trial.clock.move(minutes=90)
    pause(trial, running)
    trial.clock.move(minutes=62)
    trial.do("nurse", infusions.restart, running)
    found = page(trial, running)
    assert (found.rate_now, found.late) == ("35", "")
    # 16:30 by the clock: half an hour before the limit.
    assert found.done_about == "16:30 CST"


def test_a_long_way_behind_is_told_in_neutral_words(trial: Trial, running: str) -> None:
    """D11: the pump showed far less than the ladder gave."""
    trial.clock.move(minutes=170)
    with trial.act("nurse") as act:
        act.uow.session.add(
            InfusionPause(
                id=act.new_id("infusion pause"),
                bag_id=running,
                number=1,
                paused_at=act.now,
                paused_by=act.person.id,
                infused_ml=Decimal(1),
                reason="line",
                restarted_at=act.now,
                restarted_by=act.person.id,
            )
        )
        act.record("planted", f"bag:{running}")
    assert page(trial, running).late.startswith("At these rates it would not be done before 17:00")


def test_at_the_limit_there_is_only_the_end(trial: Trial, running: str) -> None:
    """D11."""
    trial.clock.move(hours=7)
    assert refused(trial, infusions.pause, running, "124", "line") == infusions.OVER
    assert page(trial, running).state == "over"
    trial.do("nurse", infusions.end, running, "599", "time_limit", PASSWORD)


def test_who_left_treatment_is_not_restarted(trial: Trial, running: str) -> None:
    pause(trial, running)
    with trial.act("coordinator") as act:
        found = bags.bag_with_day(act.uow.session, running)
        act.uow.session.get_one(Participant, found[2].participant_id).state = "withdrawn"
        act.record("withdrawn_by_test", f"bag:{running}")
    said = refused(trial, infusions.restart, running)
    assert said.startswith("This participant is not to be infused any more.")
    assert page(trial, running).pause.refusal == said


def test_a_second_nurse_takes_over_a_pause(trial: Trial, running: str) -> None:
    """K8: both identifiers again, then she may restart, pause and end."""
    pause(trial, running)
    for verb, args in (
        (infusions.restart, ()),
        (infusions.pause, ("124", "line")),
        (infusions.end, ("124", "wish", PASSWORD)),
    ):
        assert refused(trial, verb, running, *args, who="nurse2").startswith("Another nurse")
    resume(trial, running)
    trial.do("nurse2", infusions.restart, running)
    pause(trial, running, "130", who="nurse2")
    trial.do("nurse2", infusions.end, running, "130", "wish", PASSWORD)
    with trial.look("nurse") as act:
        assert act.uow.session.get_one(Administration, running).ended_by == trial.ids["nurse2"]
        rows = kept.pauses(act.uow.session, running)
    assert [(row.number, row.paused_by, row.restarted_by) for row in rows] == [
        (1, trial.ids["nurse"], trial.ids["nurse2"]),
        (2, trial.ids["nurse2"], None),
    ]


def test_the_idle_limit_rests_for_whoever_resumed_last(trial: Trial, running: str) -> None:
    """G8: the nurse who started, and the one who took over, until the end."""

    def rests(who: str) -> bool:
        with trial.look(who) as act:
            return bags.runs_an_infusion(act.uow.session, trial.ids[who])

    assert [rests(who) for who in ("nurse", "nurse2")] == [True, False]
    resume(trial, running)
    assert [rests(who) for who in ("nurse", "nurse2")] == [True, True]
    trial.clock.move(minutes=1)
    resume(trial, running, "nurse")
    assert [rests(who) for who in ("nurse", "nurse2")] == [True, False]
    trial.do("nurse", infusions.end, running, "600", "", PASSWORD)
    assert [rests(who) for who in ("nurse", "nurse2")] == [False, False]


def two_bags(trial: Trial) -> tuple[str, str]:
    first = trial.ready_bag(weight="120")
    with trial.look("nurse") as act:
        second = bags.bags_of_day(act.uow.session, bags.bag(act.uow.session, first).day_id)[1].id
    trial.release(second)
    trial.do("nurse", infusions.start, go(trial, first).scan.id)
    return first, second


def test_a_later_bag_after_a_long_break_begins_with_the_first_step(trial: Trial) -> None:
    """A14: what its label says: from the first step again if stopped longer than 60 minutes."""
    first, second = two_bags(trial)
    trial.clock.move(minutes=163)
    trial.do("nurse", infusions.end, first, "600", "", PASSWORD)
    trial.clock.move(minutes=61)
    trial.do("nurse", infusions.start, go(trial, second).scan.id)
    found = page(trial, second)
    assert (found.rate_now, found.now_min) == ("72", 0)


def test_a_later_bag_that_could_not_be_in_any_more_stops(trial: Trial) -> None:
    """D7: from the first step it takes 163 minutes; as it goes on, 125."""
    first, second = two_bags(trial)
    trial.clock.move(minutes=163)
    trial.do("nurse", infusions.end, first, "600", "", PASSWORD)
    trial.clock.move(minutes=80)
    found = trial.do("nurse", infusions.start, go(trial, second).scan.id)
    assert found.verdict.stop is Stop.PAST_LATEST_START


ACTS: dict[str, tuple[Callable[..., object], tuple[str, ...]]] = {
    "pause": (infusions.pause, ("124", "line")),
    "restart": (infusions.restart, ()),
    "end": (infusions.end, ("600", "", PASSWORD)),
}
ONE_OF_TWO = {"409", "done"}


@pytest.mark.parametrize(
    ("one", "other"), [("pause", "pause"), ("restart", "restart"), ("end", "end"), ("pause", "end")]
)
def test_of_two_nurses_at_the_same_moment_one_wins(database_url: str, one: str, other: str) -> None:
    """K9: on both databases. A pause that comes first is ended, one that comes second refused."""
    trial = make_trial(database_url)
    bag_id = start(trial)
    resume(trial, bag_id)
    if one == "restart":
        pause(trial, bag_id)
    trial.clock.move(minutes=5)
    gate, results = Barrier(2), []

    def press(who: str, name: str) -> None:
        verb, args = ACTS[name]
        gate.wait()
        try:
            trial.do(who, verb, bag_id, *args)
            results.append((name, "done"))
        except Refusal as refusal:
            results.append((name, str(refusal.status)))

    nurses = [Thread(target=press, args=pair) for pair in (("nurse", one), ("nurse2", other))]
    for nurse in nurses:
        nurse.start()
    for nurse in nurses:
        nurse.join()
    events = [row.event for row in trial.events()]
    with trial.look("nurse") as act:
        pauses = len(kept.pauses(act.uow.session, bag_id))
    trial.engine.dispose()
    if one == other:
        assert {answer for _, answer in results} == ONE_OF_TWO
        verb = {"pause": "infusion_paused", "restart": "infusion_restarted"}
        assert events.count(verb.get(one, "infusion_ended")) == 1
    else:
        assert ("end", "done") in results
        assert pauses == [answer for name, answer in results if name == "pause"].count("done")
