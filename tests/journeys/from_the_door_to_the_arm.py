"""The whole way of a code break on a phone, counted and timed: from the empty sign-in form."""

from __future__ import annotations

from tests.journeys.visitor import Visitor
from tests.support.way import Way


def walk(page: Visitor, user_name: str, password: str, passphrase: str, code: str) -> Way:
    """From the empty form to the page that says the arm; ends on it."""
    way = Way()
    way.wait(lambda: page.open("/sign-in"))
    page.type(User_name=way.type(user_name), Password=way.type(password))
    way.tap(lambda: page.press("Sign in"))
    way.tap(page.page.get_by_role("button", name="Menu", exact=True).click)
    way.tap(lambda: page.follow("Break the code", page.page.get_by_role("navigation")))
    way.tap(lambda: page.follow(code))
    way.tap(lambda: page.tick("Treatment of an emergency depends on it"))
    page.type(Your_six_words_for_breaking_a_code=way.type(passphrase))
    way.tap(lambda: page.press(f"Break the code of {code}"))
    return way
