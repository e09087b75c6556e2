"""The menu is one row on a desk, whoever signs in, and its groups unfold at the keyboard."""

from __future__ import annotations

import pytest

from tests.journeys.practice import USER_NAMES, Practice
from tests.journeys.visitor import DESK, PHONE

ONE_ROW_PX = 64


@pytest.mark.parametrize("who", USER_NAMES)
def test_the_top_bar_is_one_row_at_a_desk(practice: Practice, who: str) -> None:
    page = practice.window(who, DESK)
    height = page.page.locator("header.top").evaluate("(bar) => bar.clientHeight")
    assert height <= ONE_ROW_PX, page.texts(".menu nav > ul > li")


def test_a_group_unfolds_and_folds_at_the_keyboard(practice: Practice) -> None:
    """Enter unfolds it, Tab enters it, Escape folds it and stays at its word."""
    page = practice.window("pharmacist").page
    keys = page.locator("summary", has_text="Keys")
    link = page.get_by_role("link", name="Your keys")
    assert not link.is_visible()
    keys.focus()
    page.keyboard.press("Enter")
    assert link.is_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert not link.is_visible()
    assert keys.evaluate("(word) => word === document.activeElement")


def test_a_group_folds_when_another_thing_is_pressed(practice: Practice) -> None:
    page = practice.window("pharmacist").page
    page.locator("summary", has_text="Keys").click()
    page.locator("summary", has_text="Study").click()
    assert not page.get_by_role("link", name="Your keys").is_visible()
    page.locator("h1").click()
    assert not page.get_by_role("link", name="Protocol").is_visible()


def test_a_phone_shows_the_groups_within_the_menu(practice: Practice) -> None:
    page = practice.window("pharmacist", PHONE).page
    page.get_by_role("button", name="Menu").click()
    page.locator("summary", has_text="Keys").click()
    page.get_by_role("link", name="Your keys").click()
    page.wait_for_url("**/keys")


def test_a_walk_finds_a_word_in_its_group(practice: Practice) -> None:
    page = practice.window("pharmacist")
    page.follow("Protocol", page.page.get_by_role("navigation"))
    assert page.heading == "Protocol"
    page.follow("Your keys")
    assert page.page.url.endswith("/keys")
