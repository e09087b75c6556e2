"""A weight corrected after planning voids the plan: nothing of it is opened or released."""

from __future__ import annotations

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded import bench, releasing
from pharmacy.unblinded.bag_record import Stage
from tests.support.builders import PASSWORD
from tests.support.lit_builders import open_study
from tests.unblinded.bench_acts import AtBench, a_bag


@pytest.fixture
def at(sqlite_url) -> AtBench:
    return a_bag(open_study(sqlite_url), weight="95.6")


def _weigh(at: AtBench, weight: str, days_ago: int = 0) -> None:
    trial = at.study.trial
    trial.clock.move(minutes=1)
    with trial.look("pharmacist") as act:
        participant_id = bench.find(act, at.bag_id).participant.id
    trial.weigh(participant_id, weight, days_ago)


def test_a_corrected_weight_stops_the_opening(at):
    """D2: 95.6 typed for 59.6; the old dose must not be drawn."""
    at.apply_inner()
    _weigh(at, "59.6")
    with pytest.raises(Refusal) as refused:
        at.do("pharmacist", bench.open_bag)

    assert "corrected from 95.6 kg to 59.6 kg" in refused.value.sentence
    assert at.record().arm is None


def test_a_weight_corrected_late_stops_the_release(at):
    at.covered()
    at.wait_for_the_run()
    _weigh(at, "95.5")
    with pytest.raises(Refusal) as refused:
        at.do("pharmacist", releasing.release, PASSWORD)

    assert "call the investigator" in refused.value.sentence
    assert at.record().stage is Stage.COVERED


@pytest.mark.parametrize(("weight", "opens"), [("87.0", True), ("86.0", False)])
def test_a_later_weighing_stops_from_the_protocols_limit_on(at, weight, opens):
    at.apply_inner()
    at.study.trial.clock.move(days=1)
    _weigh(at, weight)
    if opens:
        at.do("pharmacist", bench.open_bag)
    else:
        with pytest.raises(Refusal, match="10% or more"):
            at.do("pharmacist", bench.open_bag)

    assert (at.record().arm is not None) is opens
