"""The board: what waits where, blinded while the room is locked, and every Stop at once."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.domain.bag_code import BagCode, Piece
from pharmacy.domain.lifecycle import BagState
from pharmacy.services import scanning
from pharmacy.services.act import Act
from pharmacy.unblinded import allocation, bag_record, overview
from pharmacy.unblinded.bag_record import Record, Stage
from pharmacy.unblinded.overview import Board, Lane
from pharmacy.unblinded.room import OpenRoom
from tests.support.lit_builders import Browser, LitStudy, open_study
from tests.support.world import build_app


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with its list loaded."""
    return open_study(sqlite_url)


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """The product on the study's database."""
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def _board(study: LitStudy, who: str = "pharmacist", *, room_open: bool = True) -> Board:
    room = study.room(who) if room_open else None
    with study.trial.look(who) as act:
        return overview.board(act, room)


def _in_lanes(board: Board) -> dict[str, list[str]]:
    return {lane.value: [card.bag_and_volume for card in cards] for lane, cards in board.lanes}


def _put(study: LitStudy, bag_id: str, stage: Stage) -> None:
    """Bring a bag's sealed record to a stage."""

    def put(act: Act, room: OpenRoom) -> None:
        def step(record: Record) -> Record:
            return bag_record.noted(act, replace(record, stage=stage), "put")

        said = {"stage": stage.value}
        bag_record.change(act, room, bag_id, f"put it to {stage.value}", said, step)

    study.do("pharmacist", put)


def test_every_stage_has_its_lane(study: LitStudy) -> None:
    """From the sealed records, bag by bag."""
    bags = study.bags(study.planned("M-002", "95.5"))
    lanes = {
        Stage.PLANNED: "To prepare",
        Stage.OPENED: "To prepare",
        Stage.PREPARED: "To check",
        Stage.CHECKED: "To release",
        Stage.PRINTED: "To release",
        Stage.COVERED: "To release",
        Stage.RELEASED: "On the way",
    }
    assert set(lanes) == set(Stage)
    for stage, lane in lanes.items():
        _put(study, bags[0].id, stage)
        shown = {
            name: [text for text in cards if text.startswith("Bag 1 of 2, 500 mL")]
            for name, cards in _in_lanes(_board(study)).items()
        }
        expected = 2 if lane == "To prepare" else 1
        assert len(shown[lane]) == expected, (stage, shown)


def test_a_card_says_what_is_needed(study: LitStudy) -> None:
    """Participant, visit, day x of y, bag n of N, volume, run time."""
    study.planned("M-002", "95.5")
    cards = dict(_board(study).lanes)[Lane.TO_PREPARE]
    assert [card.visit_and_day for card in cards] == ["Week 0, day 1 of 2"] * 2 + [
        "Week 0, day 2 of 2"
    ] * 2
    assert [card.bag_and_volume for card in cards[:2]] == [
        "Bag 1 of 2, 500 mL",
        "Bag 2 of 2, 450 mL",
    ]
    assert [card.tag for card in cards] == ["run 09:00"] * 2 + ["run Tue 09:00"] * 2
    assert {card.participant for card in cards} == {"M-002"}


def test_locked_it_knows_no_stage(study: LitStudy, app: Flask) -> None:
    """The very same bytes whatever was done in the room: only blinded states (B10, B16)."""
    bags = study.bags(study.planned("M-002", "95.5"))
    browser = study.browser(app, "pharmacist")
    seen = set()
    for stage in Stage:
        _put(study, bags[0].id, stage)
        page = browser.get(browser.lit("board")).text
        seen.add(re.sub(r'name="operation_id" value="[0-9a-f]+"', "", page))
    assert len(seen) == 1
    (page,) = seen
    assert "Planned" in page
    assert "To check" not in page
    assert "Open the room" in page


def test_a_bag_released_ahead_stays_planned_outside(study: LitStudy) -> None:
    """Until its scheduled moment nobody blinded can see that it is ready (B10)."""
    bag = study.bags(study.planned())[0]
    _put(study, bag.id, Stage.RELEASED)
    study.trial.release(bag.id, at=study.trial.clock() + timedelta(hours=1))
    inside, outside = _board(study), _board(study, room_open=False)
    (card,) = dict(inside.lanes)[Lane.ON_THE_WAY]
    assert card.tag == "leaves 09:30"
    assert len(dict(outside.lanes)[Lane.PLANNED]) == 2
    assert not dict(outside.lanes)[Lane.ON_THE_WAY]
    study.trial.clock.move(hours=1)
    assert len(dict(_board(study, room_open=False).lanes)[Lane.ON_THE_WAY]) == 1


@pytest.mark.parametrize(
    ("state", "lane", "tag"),
    [
        (BagState.RELEASED, Lane.ON_THE_WAY, "start by"),
        (BagState.RECEIVED, Lane.ON_THE_WAY, "start by"),
        (BagState.HELD, Lane.ON_THE_WAY, "held"),
        (BagState.STARTED, Lane.ON_THE_WAY, "infusing"),
        (BagState.ENDED, Lane.DONE, "ended"),
        (BagState.RETURNED, Lane.DONE, "returned"),
        (BagState.LOST, Lane.DONE, "lost"),
    ],
)
def test_after_release_the_blinded_state_counts(
    study: LitStudy, state: BagState, lane: Lane, tag: str
) -> None:
    """The same with the room open and locked."""
    bag = study.bags(study.planned())[0]
    study.trial.release(bag.id, at=study.trial.clock())
    study.trial.set_state(bag.id, state)
    for room_open in (True, False):
        (card,) = dict(_board(study, room_open=room_open).lanes)[lane]
        assert card.tag.startswith(tag)


def test_too_late_is_said(study: LitStudy) -> None:
    """A bag that left and can no longer be started."""
    bag = study.bags(study.planned())[0]
    study.trial.release(bag.id, at=study.trial.clock())
    study.trial.clock.move(hours=30)
    (card,) = dict(_board(study, room_open=False).lanes)[Lane.ON_THE_WAY]
    assert (card.tag, card.tone) == ("too late to start", "stop")


def test_only_the_oldest_request_is_named(study: LitStudy, app: Flask) -> None:
    """A count and the oldest one's code; nothing of who comes after (C2)."""
    for code in ("M-011", "M-012", "M-013"):
        study.eligible(code)
        study.trial.clock.move(minutes=1)
    browser = study.lit_browser(app, "pharmacist")
    page = browser.get(browser.lit("board")).text
    assert "M-011" in page
    assert "Serve the oldest request" in page
    assert "M-012" not in page
    assert "M-013" not in page
    assert _board(study).waiting.count == 3
    locked = study.browser(app, "pharmacist2")
    assert "Serve the oldest request" not in locked.get(locked.lit("board")).text


def test_orders_wait_for_their_plan(study: LitStudy) -> None:
    """With their first day, and what is missing."""
    participant_id = study.eligible("M-002")
    order_id = study.trial.order(participant_id)
    assert _board(study).orders[0].note == "Waits for a slot"
    study.do("pharmacist", allocation.serve_oldest)
    study.trial.weigh(participant_id, days_ago=0)
    (card,) = _board(study).orders
    assert (card.participant, card.visit, card.first_day, card.note) == (
        "M-002",
        "Week 0",
        "from 2 Mar 2026",
        "Weighed today",
    )
    study.trial.clock.move(days=2)
    assert _board(study).orders[0].note == "Weight is 2 days old"
    study.trial.clock.move(days=-2)
    study.plan(order_id)
    assert not _board(study).orders


def test_empty_lanes_say_what_comes(study: LitStudy, app: Flask) -> None:
    """An empty page always says what to do next."""
    browser = study.lit_browser(app, "pharmacist")
    page = unescape(browser.get(browser.lit("board")).text)
    for sentence in (*[overview.EMPTY[lane] for lane in Lane if lane is not Lane.PLANNED],):
        assert sentence in page
    assert "Signed orders appear here." in page


def _stop(study: LitStudy) -> None:
    """A nurse scans a code that is nobody's."""
    code = BagCode(True, Piece.OUTER_COVER, "0123456789ABCDEF").text
    study.trial.do("nurse", scanning.scan_bag, code, "scanner", "")


def test_a_stop_stands_on_top_at_once(study: LitStudy, app: Flask) -> None:
    """With the room open or locked; the open board asks for it by itself."""
    browser = study.browser(app, "pharmacist")
    assert browser.get(browser.lit("board/stops")).json == {"unseen": 0}
    quiet = browser.get(browser.lit("board")).text
    assert re.search(r"data-stops=[^>]* hidden>", quiet)
    _stop(study)
    assert browser.get(browser.lit("board/stops")).json == {"unseen": 1}
    for who in (browser, study.lit_browser(app, "checker")):
        page = who.get(who.lit("board")).text
        assert not re.search(r"data-stops=[^>]* hidden>", page)
        assert f"/study/{study.study_id}/stops" in page


def test_the_checker_sees_the_board_and_no_acts_of_the_pharmacist(
    study: LitStudy, app: Flask
) -> None:
    """No plan link, nothing to serve."""
    participant_id = study.enrolled("M-002")
    order_id = study.trial.order(participant_id)
    study.eligible("M-003")
    checker = study.lit_browser(app, "checker")
    page = checker.get(checker.lit("board")).text
    assert "M-002" in page
    assert order_id not in page
    assert "Serve the oldest request" not in page


def test_they_arrive_here(study: LitStudy, app: Flask) -> None:
    """Each role lands on its work; the statistician, who meets no participant, on the list."""
    for who, page in (("pharmacist", "board"), ("checker", "board"), ("statistician", "list")):
        browser = Browser(app.test_client(), study, who)
        assert browser.get("/").location == browser.lit(page)
    statistician = study.lit_browser(app, "statistician")
    assert statistician.get(statistician.lit("board")).status_code == 403
