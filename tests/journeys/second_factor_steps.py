"""The second factor's pages, one stop each: a lost phone at the door, and the way to the break."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pharmacy.demo.cast import PASSWORD
from pharmacy.web.house import House
from tests.journeys.practice import USER_NAMES, Practice
from tests.journeys.visitor import PHONE, Visitor
from tests.support.authenticator import Phone

Stops = Iterator[tuple[str, Visitor]]
WHO = "investigator"


def without_a_code(practice: Practice) -> Stops:
    """An investigator whose phone is lost comes to the code break with the password alone."""
    page = practice.window(WHO, PHONE, 2)
    sets_up(practice, page)
    yield "recovery-codes", page
    page.press("I have kept them; go on")
    page.open("/account")
    leaves(page)
    page.type(User_name=USER_NAMES[WHO], Password=PASSWORD)
    page.press("I have no code")
    yield "second-step", page
    page.press("Sign in")
    page.faults.clear()  # a form that is refused answers 400
    yield "second-step-refused", page
    page.follow("Use a recovery code")
    yield "second-step-recovery", page
    page.press("I have no code. Break a code")
    assert page.heading == "Break the code"
    page.open("/account")
    assert "breaking a code is open to you" in page.words
    yield "second-step-limited", page
    admin = practice.window("administrator")
    admin.follow("Ana Rivera")
    yield "came-without", admin


def making_a_passkey(practice: Practice) -> Stops:
    """The page where passkeys are made and listed."""
    page = practice.window("pharmacist")
    page.open("/account")
    page.follow("Your passkeys")
    yield "passkeys", page


def sets_up(practice: Practice, page: Visitor) -> Phone:
    """Type the key of the page into a phone, and a code of it into the page."""
    house: House = practice.app.extensions["twinbag"]
    page.open("/account/authenticator")
    key = re.sub(r"\s", "", page.texts("code.code")[0])
    phone = Phone(key, house.surroundings.now)
    page.field("Code the app shows now").fill(phone.code())
    page.press("Set it up")
    practice.wait(minutes=1)
    return phone


def leaves(page: Visitor) -> None:
    """Sign out, from the menu where that is folded."""
    menu = page.page.get_by_role("button", name="Menu", exact=True)
    if menu.is_visible():
        menu.click()
    page.press("Sign out")
