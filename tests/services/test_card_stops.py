"""What a card does at the bedside, and what one that ended does. A11, K9."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pharmacy.domain.bag_code import Piece, make_code
from pharmacy.domain.scanning import Answer, Stop
from pharmacy.persistence.scans import Scan
from pharmacy.services import infusions
from pharmacy.services.kept_scans import Scanned
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.cards import replace_card, revoke_card
from tests.support.scans import confirm, go, scan


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


def stops(trial: Trial, scanned: Scanned, stop: Stop) -> None:
    """The answer is this Stop, and the scan keeps it."""
    assert scanned.verdict.stop is stop
    with trial.look("nurse") as act:
        row = act.uow.session.get_one(Scan, scanned.scan.id)
        assert (row.answer, row.stop) == ("stop", stop.value)


def test_what_is_no_card_stops(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    live_card = make_code(b"0123456789", practice=False, piece=Piece.CARD)
    for text in ("M-002", trial.code(bag_id), live_card):
        found = confirm(trial, scan(trial, trial.code(bag_id)), text)
        stops(trial, found, Stop.NOT_THE_CARD)


def test_a_replaced_card_stops_and_the_new_one_goes(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    old = trial.card()
    replace_card(trial)
    stops(trial, confirm(trial, scan(trial, trial.code(bag_id)), old), Stop.CARD_REPLACED)
    assert confirm(trial, scan(trial, trial.code(bag_id)), trial.card()).verdict.answer is Answer.GO


def test_a_revoked_card_stops_until_there_is_a_new_one(trial: Trial) -> None:
    """A11: the card of another participant says so first, revoked or not."""
    trial.register("M-007")
    bag_id = trial.ready_bag()
    old, others = trial.card(), trial.card("M-007")
    revoke_card(trial)
    revoke_card(trial, "M-007")
    stops(trial, confirm(trial, scan(trial, trial.code(bag_id)), old), Stop.CARD_REVOKED)
    stops(trial, confirm(trial, scan(trial, trial.code(bag_id)), others), Stop.WRONG_PARTICIPANT)
    replace_card(trial, reason="")
    stops(trial, confirm(trial, scan(trial, trial.code(bag_id)), old), Stop.CARD_REVOKED)
    assert confirm(trial, scan(trial, trial.code(bag_id)), trial.card()).verdict.answer is Answer.GO


@pytest.mark.parametrize(
    ("end", "stop"), [(revoke_card, Stop.CARD_REVOKED), (replace_card, Stop.CARD_REPLACED)]
)
def test_a_go_holds_only_while_its_card_counts(
    trial: Trial, end: Callable[[Trial], None], stop: Stop
) -> None:
    """A11, K9: the card ends between the Go and *Start*; the next Go with the new card starts."""
    bag_id = trial.ready_bag()
    trial.clock.move(minutes=1)
    said_go = go(trial, bag_id)
    trial.clock.move(minutes=1)
    end(trial)
    stops(trial, trial.do("nurse", infusions.start, said_go.scan.id), stop)
    if stop is Stop.CARD_REVOKED:
        replace_card(trial, reason="")
    started = trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    assert started.verdict.answer is Answer.GO


def test_an_infusion_goes_on_whatever_becomes_of_the_card(trial: Trial) -> None:
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    revoke_card(trial)
    trial.clock.move(hours=1)
    ended = trial.do("nurse", infusions.end, bag_id, "600", "", PASSWORD)
    assert ended.ended_at == trial.clock()
