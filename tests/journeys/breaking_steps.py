"""The code break's pages, one stop each: the investigator's at a phone, then the pharmacy's."""

from __future__ import annotations

from collections.abc import Iterator

from tests.journeys.before_release import tell_the_drill
from tests.journeys.practice import USER_NAMES, Practice
from tests.journeys.visitor import PHONE, Visitor

Stops = Iterator[tuple[str, Visitor]]
WHO = "investigator"


def code_break(practice: Practice) -> Stops:
    """From the menu to the answer, and what the pharmacy sees of it."""
    page = practice.window(WHO, PHONE, 2)
    to_the_break(page)
    yield "break-whose", page
    page.follow("Your keys for breaking a code")
    yield "break-keys", page
    page.follow("Break the code", page.page.get_by_role("main"))
    page.follow("Go to the drill")
    yield "drill", page
    page.press("Drill")
    page.faults.clear()  # a form that is refused answers 400
    yield "drill-refused", page
    tell_the_drill(page, practice.said(USER_NAMES[WHO]))
    page.press("Drill")
    yield "drilled", page
    page.open(page.page.url)
    to_the_break(page)
    page.follow("M-008")
    yield "break-form", page
    page.press("Break the code of M-008")
    page.faults.clear()  # a form that is refused answers 400
    yield "break-refused", page
    tell(practice, page)
    page.press("Break the code of M-008")
    yield "break-answer", page
    pharmacist = practice.window("pharmacist")
    pharmacist.follow("Notices")
    yield "notices", pharmacist
    pharmacist.follow("Code breaks")
    practice.opens_the_room(pharmacist, "pharmacist")
    yield "code-breaks", pharmacist
    pharmacist.follow("Investigators")
    yield "investigators", pharmacist


def to_the_break(page: Visitor) -> None:
    """From wherever the menu is."""
    page.page.get_by_role("button", name="Menu", exact=True).click()
    page.follow("Break the code", page.page.get_by_role("navigation"))


def tell(practice: Practice, page: Visitor) -> None:
    """Why, and the six words that the terminal said."""
    page.tick("Treatment of an emergency depends on it")
    page.type(Your_six_words_for_breaking_a_code=practice.said(USER_NAMES[WHO]))
