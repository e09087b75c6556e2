"""Roll-over at week 12: everybody gets IVIG, and nobody's past arm is opened by it (A2, B13)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.quantities import plain
from pharmacy.domain.scanning import Answer
from pharmacy.services import assessments, bag_labels, infusions, scanning
from pharmacy.unblinded import bench, bench_page, overview, releasing
from pharmacy.unblinded.at_bench import find
from tests.support.builders import PASSWORD, ZONE
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.bench_acts import ALL_MASKED, STAGES, AtBench, in_the_clear

BLINDED = ("W0", "W4", "W8")


def _morning(day: date) -> datetime:
    """Before the first run of a day."""
    return datetime.combine(day, time(8, 0), ZONE).astimezone(UTC)


def _given(study: LitStudy, participant_id: str, visit: str, day: date) -> AtBench:
    """One course from its order to the end of its first bag."""
    study.trial.clock.at = _morning(day)
    study.trial.weigh(participant_id)
    course_id = study.plan(study.trial.order(participant_id, visit))
    for bag in study.bags(course_id):
        at = AtBench(study, bag.id)
        at.covered()
        at.release()
        _infuse(study, at)
    return AtBench(study, study.bags(course_id)[0].id)


def _infuse(study: LitStudy, at: AtBench) -> None:
    trial = study.trial
    trial.clock.at = at.run_at + timedelta(minutes=60)
    scanned = trial.do("nurse", scanning.scan_bag, trial.code(at.bag_id), "scanner", "")
    go = trial.do("nurse", scanning.confirm_person, scanned.scan.id, trial.card(), True)
    assert go.verdict.answer is Answer.GO
    trial.do("nurse", infusions.start, go.scan.id)
    trial.clock.at = at.run_at + timedelta(hours=6)
    trial.do("nurse", infusions.end, at.bag_id, _whole_volume(study, at), "", PASSWORD)


def _whole_volume(study: LitStudy, at: AtBench) -> str:
    with study.trial.look("pharmacist") as act:
        return plain(find(act, at.bag_id).bag.volume_ml)


@pytest.mark.parametrize("arms", ["1221" * 3, "2112" * 3])
def test_the_whole_way_from_the_place_to_open_label(sqlite_url: str, arms: str) -> None:
    """Three blinded courses, the assessor's signature, week 12 drawn, released, given and ended.

    The envelope of the place is opened for the blinded bags alone.
    """
    study = open_study(sqlite_url, arms=arms)
    participant_id, begun = study.enrolled(), study.trial.today()
    for at, visit in enumerate(BLINDED):
        _given(study, participant_id, visit, begun + timedelta(days=28 * at))
    day = begun + timedelta(days=84)
    study.trial.clock.at = _morning(day)
    said = (participant_id, "W12", day, PASSWORD)
    study.trial.do("assessor", assessments.sign_complete, *said)
    week_12 = _given(study, participant_id, "W12", day)

    assert week_12.arm() == "ivig"
    assert [entry["event"] for entry in week_12.trail()] == STAGES
    with study.trial.look("pharmacist") as act:
        bag = find(act, week_12.bag_id).bag
        label = bag_labels.cover_label(act, week_12.bag_id, "TL/RO")
    assert bag.state == BagState.ENDED
    assert label.product_note == "Open-label study product"


def test_nothing_leaves_before_the_signature(sqlite_url: str) -> None:
    """The page says who signs; the verb refuses; after the signature the same press releases."""
    study = open_study(sqlite_url)
    at = AtBench(study, study.bags(study.planned(visit="W12"))[0].id)
    at.covered()
    at.wait_for_the_run()
    with pytest.raises(Refusal, match="outcome assessor or the investigator"):
        at.do("pharmacist", releasing.release, PASSWORD)
    assert _page(study, at).assessments_open
    with study.trial.look("pharmacist") as act:
        participant_id = find(act, at.bag_id).participant.id
    said = (participant_id, "W12", study.trial.today(), PASSWORD)
    study.trial.do("assessor", assessments.sign_complete, *said)
    assert not _page(study, at).assessments_open
    at.release()
    with study.trial.look("pharmacist") as act:
        assert find(act, at.bag_id).bag.state == BagState.RELEASED


def test_the_board_says_whose_assessments_are_open(sqlite_url: str) -> None:
    """So that nobody wonders why a bag cannot leave; other visits are not held up by it."""
    study = open_study(sqlite_url)
    participant_id = study.enrolled("M-001")
    study.plan(study.trial.order(participant_id, "W12"))
    study.planned("M-002")
    assert _tags(study) == {"M-001": "assessments not signed", "M-002": "run 09:00"}
    assert _tags(study, locked=True)["M-001"] == "assessments not signed"
    said = (participant_id, "W12", study.trial.today(), PASSWORD)
    study.trial.do("assessor", assessments.sign_complete, *said)
    assert set(_tags(study).values()) == {"run 09:00"}


def _tags(study: LitStudy, *, locked: bool = False) -> dict[str, str]:
    """The tag of each participant's first bag that has not left."""
    room = None if locked else study.room("pharmacist")
    with study.trial.look("pharmacist") as act:
        lanes = dict(overview.board(act, room).lanes)
    cards = lanes[overview.Lane.PLANNED if locked else overview.Lane.TO_PREPARE]
    return {card.participant: card.tag for card in reversed(cards)}


def _page(study: LitStudy, at: AtBench) -> bench_page.BenchPage:
    room = study.room("pharmacist")
    with study.trial.look("pharmacist") as act:
        return bench_page.bench_page(act, room, at.bag_id)


def test_the_cover_stays_and_no_lot_is_in_the_clear(sqlite_url: str) -> None:
    """Open label is no reason to take the cover off, and brand and lot stay hidden until lock."""
    study = open_study(sqlite_url)
    at = AtBench(study, study.bags(study.planned(visit="W12"))[0].id)
    at.checked()
    at.do(at.first, bench.print_cover)
    both = at.code(Piece.INNER_CONTAINER), at.code(Piece.OUTER_COVER)
    with pytest.raises(BadForm, match="masking"):
        at.do(at.first, bench.put_cover_on, *both, "S-1", frozenset())
    at.do(at.first, bench.put_cover_on, *both, "S-1", ALL_MASKED)
    clear = repr(in_the_clear(study))
    assert "K230A7711" not in clear
    assert "00368982850052" not in clear
