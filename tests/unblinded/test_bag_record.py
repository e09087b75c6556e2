"""The bag's sealed record: one size, one effect for each form, everything kept (E15, B10)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import Refusal
from pharmacy.unblinded import bag_record, bench
from pharmacy.unblinded.bench import Source
from pharmacy.unblinded.tables import BAG_RECORD_SIZE
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.bench_acts import (
    IVIG_10G,
    SALINE,
    AtBench,
    a_bag,
    in_the_clear,
    new_operation,
    scan,
)

WRONG = Source(scanned=scan("00850012345671"))


@pytest.fixture
def study(sqlite_url) -> LitStudy:
    return open_study(sqlite_url)


@pytest.fixture
def at(study) -> AtBench:
    return a_bag(study)


def _refused(at: AtBench, source: Source, operation: str = "") -> str:
    with pytest.raises(Refusal) as refused:
        at.do(at.first, bench.add_source, source, operation=operation)
    return refused.value.sentence


def test_one_length_for_none_to_many_scans(at):
    lengths = {len(at.sealed())}
    at.open()
    lengths.add(len(at.sealed()))
    for _ in range(5):
        _refused(at, WRONG)
        lengths.add(len(at.sealed()))
    at.draw("pharmacist")
    lengths.add(len(at.sealed()))

    assert lengths == {1 + 32 + 32 + BAG_RECORD_SIZE + 16}


def test_every_rewriting_draws_its_own_salt(at):
    before = at.sealed()
    at.apply_inner()

    assert at.sealed()[1:33] != before[1:33]


def test_so_many_refusals_that_they_are_counted_and_the_bag_still_leaves(at):
    at.open()
    for number in range(140):
        _refused(at, Source(scanned=scan("00850012345671", str(number))))
    counted = [line for line in at.record().history if line["what"] == "source refused"]
    at.draw("pharmacist")
    at.do("pharmacist", bench.sign_prepared, True, "lantern orchard violet stream")

    assert sum(line.get("times", 1) for line in counted) == 140
    assert len(counted) < 140
    assert len(at.sealed()) == 1 + 32 + 32 + BAG_RECORD_SIZE + 16


def test_a_form_sent_twice_has_one_effect(at):
    at.open()
    operation, source = new_operation(), Source(scanned=at.scans()[0])
    for _ in range(2):
        at.do("pharmacist", bench.add_source, source, operation=operation)

    assert len(at.record().first.lines) == 1
    assert [line["what"] for line in at.record().history].count("source entered") == 1


def test_a_refused_form_sent_twice_has_one_answer(at):
    at.open()
    operation = new_operation()
    said = [_refused(at, WRONG, operation) for _ in range(2)]

    assert said[0] == said[1]
    assert [line["what"] for line in at.record().history].count("source refused") == 1


def test_the_same_form_with_other_contents_is_refused(at):
    at.open()
    operation = new_operation()
    at.do("pharmacist", bench.add_source, Source(scanned=at.scans()[0]), operation=operation)

    assert "other contents" in _refused(at, WRONG, operation)


def test_the_same_form_from_another_person_is_refused(at):
    operation = new_operation()
    code = at.code(Piece.INNER_CONTAINER)
    at.do("pharmacist", bench.apply_inner, code, operation=operation)

    with pytest.raises(Refusal, match="other contents"):
        at.do("pharmacist2", bench.apply_inner, code, operation=operation)


def test_refused_scans_move_nothing_that_can_be_read(at, study):
    """B10: neither rows nor plaintext times follow what happens at the bench."""
    at.open()
    study.room("pharmacist")
    before = in_the_clear(study)
    for minute in range(6):
        study.trial.clock.move(minutes=minute / 10)
        _refused(at, WRONG)
    at.draw("pharmacist")
    at.do("pharmacist", bench.remove_source, 0)

    assert in_the_clear(study) == before


def test_the_reader_of_the_clear_part_sees_a_planted_clock(at, study):
    before = in_the_clear(study)
    with study.trial.act("pharmacist") as act:
        bench.find(act, at.bag_id).bag.released_at = act.now
        act.record("planted", f"bag:{at.bag_id}")

    assert in_the_clear(study) != before


def test_another_bags_record_does_not_open_here(study):
    one, other = (a_bag(study, code) for code in ("M-002", "M-003"))
    with study.trial.act("pharmacist") as act:
        row = act.uow.session.get_one(bag_record.BagRecord, one.bag_id)
        row.record = other.sealed()

    with pytest.raises(Exception, match="cannot be opened"):
        one.record()


def test_a_record_of_another_study_or_none_is_not_found(study):
    with pytest.raises(Refusal) as refused:
        AtBench(study, "0" * 32).record()

    assert refused.value.status == 404


def test_a_record_shows_nothing_by_accident(at):
    at.open()

    assert repr(at.record()) == "<bag record>"
    assert at.arm() not in repr(replace(at.record(), seal_number="x"))


def test_history_keeps_who_when_and_what_was_scanned(at):
    """D5: people, times and what was refused stay in the record."""
    at.open()
    _refused(at, Source(scanned=scan(IVIG_10G if at.arm() == "saline" else SALINE)))
    last = at.record().history[-1]

    assert (last["who"], last["what"]) == ("Tom Lang", "source refused")
    assert last["at"] == "2026-03-02T15:05:00+00:00"
    assert "Wrong product" in last["refused"]
    assert last["scanned"].startswith("(01)")


def test_a_released_record_changes_no_more(at):
    """An act that lost the race against the release leaves the bag and its codes as they are."""

    def to(stage: bag_record.Stage):
        return lambda record: replace(record, stage=stage, history=({"what": "moved"},))

    at.do(at.first, bag_record.change, {}, to(bag_record.Stage.RELEASED))
    with pytest.raises(Refusal) as refused:
        at.do(at.first, bag_record.change, {}, to(bag_record.Stage.OPENED))
    assert "is released" in refused.value.sentence
    assert at.record().stage is bag_record.Stage.RELEASED
