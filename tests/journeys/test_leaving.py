"""Leaving the open room in a real browser: by another page, by closing the tab, and not at all.

What a page says when it goes is a beacon, which is on its way while the next page is asked for.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import Page

from pharmacy.unblinded.room import LEFT_LIMIT
from tests.journeys.practice import Practice
from tests.journeys.visitor import Visitor

_BEACON_MS, _ANSWER_MS = 800, 3000


@pytest.fixture
def page(practice: Practice) -> Visitor:
    """The pharmacist at the open board."""
    found = practice.window("pharmacist")
    found.follow("Open the room", found.page.get_by_role("main"))
    practice.opens_the_room(found, "pharmacist")
    assert _is_open(found.page)
    return found


def _is_open(page: Page) -> bool:
    return page.get_by_role("timer").count() == 1


def _a_minute_later(practice: Practice, page: Page, wait_ms: int = _BEACON_MS) -> None:
    """Let the page's word arrive; then the minute is over."""
    page.wait_for_timeout(wait_ms)
    practice.wait(seconds=LEFT_LIMIT.total_seconds() + 1)


def test_from_page_to_page_the_room_stays_open(practice: Practice, page: Visitor) -> None:
    board = page.page.url
    page.follow("Your keys")
    page.follow("Board", page.page.get_by_role("navigation"))
    page.page.reload(wait_until="domcontentloaded")
    _a_minute_later(practice, page.page)
    page.open(board)
    assert _is_open(page.page)


def test_a_look_elsewhere_and_back_leaves_it_open(practice: Practice, page: Visitor) -> None:
    board = page.page.url
    page.follow("Deliveries")
    page.page.wait_for_timeout(_BEACON_MS)
    page.open(board)
    _a_minute_later(practice, page.page)
    page.open(board)
    assert _is_open(page.page)


def test_gone_elsewhere_it_locks(practice: Practice, page: Visitor) -> None:
    board = page.page.url
    page.follow("Deliveries")
    _a_minute_later(practice, page.page)
    page.open(board)
    assert not _is_open(page.page)


def test_a_closed_tab_locks_it(practice: Practice, page: Visitor) -> None:
    board, other = page.page.url, page.context.new_page()
    page.page.close()
    _a_minute_later(practice, other)
    other.goto(board)
    assert not _is_open(other)


def test_another_tab_of_the_room_keeps_it_open(practice: Practice, page: Visitor) -> None:
    """The tab that stays answers for the one that was closed."""
    other = page.context.new_page()
    other.goto(page.page.url)
    assert _is_open(other)
    other.close()
    _a_minute_later(practice, page.page, _ANSWER_MS)
    page.page.reload(wait_until="domcontentloaded")
    assert _is_open(page.page)
