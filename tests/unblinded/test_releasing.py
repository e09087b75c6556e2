"""Release in a run, the next run, and the reprint: what the blinded books learn of each."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.domain.lifecycle import BagState
from pharmacy.persistence import bags
from pharmacy.unblinded import bench, releasing
from pharmacy.unblinded.at_bench import find
from pharmacy.unblinded.bag_record import Stage
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.bench_acts import AtBench, a_bag, in_the_clear, new_operation

RUN, SCHEDULED = "2026-03-02T15:00:00+00:00", "2026-03-02T15:45:00+00:00"


@pytest.fixture
def study(sqlite_url) -> LitStudy:
    return open_study(sqlite_url)


@pytest.fixture
def at(study) -> AtBench:
    return a_bag(study)


def _refusal(at: AtBench, who: str, verb, *args) -> Refusal:
    with pytest.raises(Refusal) as refused:
        at.do(who, verb, *args)
    return refused.value


def _row(at: AtBench) -> bags.Bag:
    with at.study.trial.look("pharmacist") as act:
        return find(act, at.bag_id).bag


def _move(at: AtBench, run_at, reason: str = "not_ready", operation: str = ""):
    with at.study.trial.look("pharmacist") as act:
        day_id = find(act, at.bag_id).day.id
    said = operation or new_operation()
    return at.study.do("pharmacist", releasing.take_next_run, day_id, said, run_at, reason)


def _later(at: AtBench) -> list[str]:
    with at.study.trial.look("pharmacist") as act:
        return [run.isoformat() for run in releasing.later_runs(act, find(act, at.bag_id))]


def test_a_bag_goes_the_whole_way(database_url):
    """On both databases: inner label, envelope, draw, check, print, cover, release."""
    at = a_bag(open_study(database_url))
    at.covered()
    moment, stage = at.release(), at.record().stage
    at.study.trial.engine.dispose()

    assert moment.isoformat() == SCHEDULED
    assert stage is Stage.RELEASED


def test_a_release_counts_from_the_scheduled_moment(at, study):
    """B10: row and entry carry the run's moment, whenever the pharmacist really signed."""
    at.covered()
    study.trial.clock.move(minutes=11, seconds=7)
    moment = at.release()
    entry = next(event for event in study.trial.events() if event.event == "bag_released")

    assert moment.isoformat() == SCHEDULED
    assert (_row(at).state, _row(at).released_at) == (BagState.RELEASED, moment)
    assert entry.at == moment
    assert at.record().stage is Stage.RELEASED


def test_no_bag_is_released_before_its_scheduled_moment(at, study):
    """B10: an entry written when the bag was ready would tell that moment by its number."""
    at.covered()
    refused = _refusal(at, "pharmacist", releasing.release, PASSWORD)

    assert "opens at 2 Mar 2026 09:45 CST" in refused.sentence
    assert "bag_released" not in [event.event for event in study.trial.events()]


def test_no_trace_of_the_real_moment_is_readable(at, study):
    study.trial.clock.move(minutes=11, seconds=7)
    ready = study.trial.clock()
    at.covered()
    at.release()

    assert ready not in _times(study)
    assert at.run_at in _times(study)


def _times(study: LitStudy) -> set[datetime]:
    rows = [row for rows in in_the_clear(study).values() for row in rows]
    return {value for row in rows for value in row.values() if isinstance(value, datetime)}


def test_released_twice_is_released_once(at, study):
    at.covered()
    at.wait_for_the_run()
    operation = new_operation()
    moments = [
        at.do("pharmacist", releasing.release, PASSWORD, operation=operation) for _ in range(2)
    ]
    again = _refusal(at, "pharmacist", releasing.release, PASSWORD)

    assert moments[0] == moments[1]
    assert [event.event for event in study.trial.events()].count("bag_released") == 1
    assert "no longer at the bench" in again.sentence


def test_only_a_covered_bag_is_released(at):
    """A18, E15: released is unreachable without check, label, cover and seal."""
    at.checked()

    assert "Cover and seal" in _refusal(at, "pharmacist", releasing.release, PASSWORD).sentence


def test_a_release_needs_the_password_and_the_role(at):
    at.covered()
    at.wait_for_the_run()
    with pytest.raises(WrongPassword):
        at.do("pharmacist", releasing.release, "not the password")

    assert _refusal(at, "checker", releasing.release, PASSWORD).status == 403
    assert _row(at).state == BagState.PLANNED


def test_a_missed_run_is_refused(at, study):
    at.checked()
    at.do("pharmacist", bench.print_cover)
    study.trial.clock.at = at.run_at + timedelta(minutes=46)
    at.cover()

    assert "missed its run" in _refusal(at, "pharmacist", releasing.release, PASSWORD).sentence


def test_in_practice_a_bag_that_nobody_could_start_any_more_is_missed(sqlite_url):
    """Runs every few minutes never end; the limits that count from the bag's own run do."""
    study = open_study(sqlite_url, runs="every 5 minutes")
    at = a_bag(study)
    at.covered()
    study.trial.clock.move(hours=2)
    with study.trial.look("pharmacist") as act:
        in_time = releasing.release_moment(act, find(act, at.bag_id), at.record())
    study.trial.clock.move(hours=2)
    refused = _refusal(at, "pharmacist", releasing.release, PASSWORD)

    assert in_time is not None
    assert "missed its run" in refused.sentence


def test_a_visit_whose_assessments_come_first_is_not_released(sqlite_url):
    at = a_bag(open_study(sqlite_url), visit="W12")
    at.covered()

    assert "assessments" in _refusal(at, "pharmacist", releasing.release, PASSWORD).sentence


def test_the_next_run_brings_new_limits_and_a_fresh_preparation(at, study):
    at.checked()
    run_at = at.run_at + timedelta(hours=4)
    day = _move(at, run_at)
    record = at.record()

    assert (day.run_at, day.stop_by) == (run_at, run_at + timedelta(hours=8))
    assert (record.stage, record.first.lines, record.inner_applied) == (Stage.OPENED, (), False)
    assert [entry["event"] for entry in at.trail()] == ["opened", "prepared", "checked"]


def test_the_blinded_books_learn_the_runs_and_a_closed_reason(at, study):
    at.checked()
    study.trial.clock.move(minutes=2, seconds=3)
    _move(at, at.run_at + timedelta(hours=4))
    entry = next(event for event in study.trial.events() if event.event == "run_changed")

    assert entry.at.isoformat() == RUN
    assert study.trial.clock() not in _times(study)


def test_a_day_moved_twice_by_one_form_moved_once(at, study):
    run_at, operation = at.run_at + timedelta(hours=4), new_operation()
    for _ in range(2):
        _move(at, run_at, operation=operation)

    assert len(in_the_clear(study)["late_run"]) == 1


def test_a_day_moves_to_a_later_run_before_the_next_day_only(at):
    """Day 2 is tomorrow at nine, so that day 1 can only take this afternoon's run."""
    assert _later(at) == ["2026-03-02T19:00:00+00:00"]
    for run_at in (at.run_at, at.run_at + timedelta(days=1), at.run_at + timedelta(hours=1)):
        with pytest.raises(BadForm) as wrong:
            _move(at, run_at)
        assert set(wrong.value.errors) == {"run_at"}


def test_the_last_day_moves_while_the_weight_is_fresh_for_the_first(study):
    second = AtBench(study, study.bags(study.planned("M-005"))[1].id)

    assert _later(second)[0] == "2026-03-03T19:00:00+00:00"
    assert len(_later(second)) == 5


def test_an_unknown_reason_is_refused(at):
    with pytest.raises(BadForm) as wrong:
        _move(at, at.run_at + timedelta(hours=4), "too many vials")

    assert set(wrong.value.errors) == {"reason"}


def test_a_day_with_a_released_bag_stays(at):
    at.covered()
    at.release()

    with pytest.raises(Refusal, match="has left the pharmacy"):
        _move(at, at.run_at + timedelta(hours=4))


def _replace(at: AtBench, operation: str = "", **changed: str) -> None:
    said = {"reason": "smeared", "who": "checker.test", "by": PASSWORD, "own": PASSWORD, **changed}
    args = (said["reason"], said["who"], said["by"], said["own"])
    at.do("pharmacist", releasing.replace_labels, *args, operation=operation)


def test_a_reprint_retires_the_code_of_both_labels(at, study):
    at.covered()
    old = at.code(Piece.OUTER_COVER)
    study.trial.clock.move(minutes=2, seconds=3)
    _replace(at)
    new = at.code(Piece.OUTER_COVER)
    with study.trial.look("pharmacist") as act:
        retired = bags.code(act.uow.session, old[2:18])

    assert old != new
    assert (retired.retired_at, retired.reason) == (at.run_at, "smeared")
    assert study.trial.clock() not in _times(study)


def test_after_a_reprint_both_labels_go_on_again(at):
    at.covered()
    _replace(at)
    early = _refusal(at, "pharmacist", bench.print_cover)
    at.apply_inner()
    at.do("pharmacist", bench.print_cover)
    at.cover()
    at.release()

    assert "inner label" in early.sentence
    assert [entry["event"] for entry in at.trail()].count("printed") == 1


def test_the_blinded_trail_learns_of_a_reprint_with_the_release(at, study):
    """B10, E1: reason from the list, at the scheduled moment; not when the label was printed."""

    def told() -> list[tuple[str, datetime]]:
        events = study.trial.events()
        return [(event.event, event.at) for event in events if event.event == "labels_replaced"]

    at.covered()
    _replace(at)
    before = told()
    at.apply_inner()
    at.do("pharmacist", bench.print_cover)
    at.cover()
    moment = at.release()

    assert before == []
    assert told() == [("labels_replaced", moment)]


def test_a_reprint_sent_twice_makes_one_new_code(at, study):
    at.covered()
    operation = new_operation()
    _replace(at, operation)
    first = at.code(Piece.OUTER_COVER)
    _replace(at, operation)

    assert at.code(Piece.OUTER_COVER) == first


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"reason": "because"}, "reason"),
        ({"who": "pharmacist.test"}, "second_user_name"),
        ({"who": "nurse.test"}, "second_user_name"),
        ({"who": "nobody.test"}, "second_password"),
        ({"by": "not it"}, "second_password"),
    ],
)
def test_a_reprint_needs_a_reason_of_the_list_and_a_second_person(at, changed, field):
    at.covered()
    code = at.code(Piece.OUTER_COVER)
    with pytest.raises(BadForm) as wrong:
        _replace(at, **changed)

    assert set(wrong.value.errors) == {field}
    assert at.code(Piece.OUTER_COVER) == code


def test_guessing_a_second_persons_password_is_slowed(at):
    at.covered()
    for _ in range(5):
        with pytest.raises(BadForm):
            _replace(at, by="not it")

    with pytest.raises(Refusal, match="Too many tries"):
        _replace(at)


def test_no_reprint_after_release(at):
    at.covered()
    at.release()

    with pytest.raises(Refusal, match="no longer at the bench"):
        _replace(at)
