"""The room locks when it is left: at signing out at once, and a minute after its last page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.unblinded.room import LEFT_LIMIT
from pharmacy.unblinded.tables import LitSession
from tests.support.lit_builders import Browser, LitStudy, open_study
from tests.support.world import build_app

_MARK = re.compile(r'data-leave-mark="([^"]+)"')


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with its list loaded."""
    return open_study(sqlite_url)


@pytest.fixture
def browser(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Browser:
    """The pharmacist at the workstation with the room open."""
    app: Flask = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    return study.lit_browser(app, "pharmacist")


def _page(browser: Browser) -> str:
    """Open the board; the mark it would say when it is left."""
    found = _MARK.search(browser.get(browser.lit("board")).text)
    return found[1] if found else ""


def _leave(browser: Browser, mark: str) -> None:
    assert browser.post(browser.lit("leaving"), left=mark).status_code == 204


def _later(study: LitStudy, seconds: float) -> None:
    study.trial.clock.move(seconds=seconds)


def _rows(study: LitStudy) -> int:
    with study.trial.engine.connect() as connection:
        who = LitSession.person_id == study.trial.ids["pharmacist"]
        return int(connection.scalar(sa.select(sa.func.count()).where(who)) or 0)


def test_signing_out_locks_at_once(study: LitStudy, browser: Browser) -> None:
    """K10: the sealed half is deleted with the sign-in."""
    before = _rows(study)
    assert browser.post("/sign-out").status_code == 303
    assert _rows(study) == before - 1


def test_it_locks_a_minute_after_its_last_page_was_left(study: LitStudy, browser: Browser) -> None:
    _leave(browser, _page(browser))
    _later(study, LEFT_LIMIT.total_seconds())
    assert not _page(browser)


def test_whoever_comes_back_within_the_minute_finds_it_open(
    study: LitStudy, browser: Browser
) -> None:
    """A look at *Deliveries*: the next page of the room takes the leaving back."""
    _leave(browser, _page(browser))
    _later(study, 59)
    assert _page(browser)
    _later(study, 120)
    assert _page(browser)


@pytest.mark.parametrize("page_first", [True, False])
def test_from_page_to_page_nothing_is_left(
    study: LitStudy, browser: Browser, page_first: bool
) -> None:
    """The old page's word and the request for the new one race; either order leaves it open."""
    mark = _page(browser)
    for step in (_page, _leave) if page_first else (_leave, _page):
        step(browser, *((mark,) if step is _leave else ()))
    _later(study, 120)
    assert _page(browser)


def test_another_open_page_answers_for_it(study: LitStudy, browser: Browser) -> None:
    """Two tabs: the one that stays says so, and the idle clock does not move by that."""
    _leave(browser, _page(browser))
    _later(study, 2)
    _leave(browser, "")
    _later(study, 120)
    assert _page(browser)
    for _ in range(20):
        _later(study, 60)
        browser.post(browser.lit("leaving"), left="")
    assert not _page(browser), "20 minutes without work"


def test_leaving_writes_nothing_that_can_be_read(study: LitStudy, browser: Browser) -> None:
    """One row, one length, no clock in the clear (B10, B16)."""
    query = sa.select(LitSession.session_id, LitSession.keys)

    def kept() -> list[tuple[str, int]]:
        with study.trial.engine.connect() as connection:
            return [(row[0], len(row[1])) for row in connection.execute(query)]

    mark = _page(browser)
    before = kept()
    _leave(browser, mark)
    assert kept() == before


def test_a_locked_room_is_left_without_a_word(study: LitStudy, browser: Browser) -> None:
    mark = _page(browser)
    browser.post(browser.lit("lock"))
    _leave(browser, mark)
    _leave(browser, "")
    assert not _page(browser)
