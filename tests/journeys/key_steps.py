"""What becomes of keys, one stop each: renewed, taken back, under other words, and given up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pharmacy.demo.cast import PASSWORD
from tests.journeys.breaking_steps import to_the_break
from tests.journeys.practice import NOW, USER_NAMES, Practice
from tests.journeys.visitor import PHONE, Visitor

Stops = Iterator[tuple[str, Visitor]]


def keys_renewed(practice: Practice) -> Stops:
    """The room locks; its keys are renewed, and taken back from one person."""
    page = practice.window("pharmacist")
    page.follow("Holders")
    page.follow("Open the room")
    practice.opens_the_room(page, "pharmacist")
    yield from _the_lock(practice, page)
    practice.opens_the_room(page, "pharmacist")
    page.follow("Renew the keys")
    yield "renew-keys", page
    page.press("Sign and renew the keys")
    page.faults.clear()  # a form that is refused answers 400
    yield "renew-keys-refused", page
    _signs(practice, page, "A regular renewal", "Sign and renew the keys")
    yield "keys-renewed", page
    practice.opens_the_room(page, "pharmacist")
    page.follow("Holders")
    row = page.page.get_by_role("row").filter(has_text="Petra Novak")
    page.follow("Take the keys back", row)
    yield "take-keys-back", page
    _signs(practice, page, "Somebody who held keys has left", "Sign and revoke Petra Novak")
    yield "keys-taken-back", page
    theirs = practice.window("second_pharmacist")
    theirs.follow("Your keys")
    yield "keys-taken-from-me", theirs


def other_words(practice: Practice) -> Stops:
    """A passphrase is changed, and one is forgotten: a holder's, then an investigator's."""
    holder = practice.window("statistician")
    holder.follow("Your keys")
    yield from _changes(practice, holder, "statistician", "passphrase")
    yield from _forgets(holder, "passphrase")
    investigator = practice.window("investigator", PHONE, 2)
    to_the_break(investigator)
    investigator.follow("Your keys for breaking a code")
    yield from _changes(practice, investigator, "investigator", "break-passphrase")
    yield from _forgets(investigator, "break-passphrase")
    to_the_break(investigator)
    yield "break-without-keys", investigator


def _the_lock(practice: Practice, page: Visitor) -> Stops:
    """Nobody works; the page says that it is nearly over, and then goes by itself."""
    page.context.clock.set_fixed_time(NOW + timedelta(minutes=13, seconds=30))
    page.page.locator(".countdown.soon").wait_for()
    yield "locks-soon", page
    practice.wait(minutes=15)
    with page.page.expect_navigation(wait_until="domcontentloaded"):
        page.context.clock.set_fixed_time(NOW + timedelta(minutes=15))
    yield "locked", page


def _signs(practice: Practice, page: Visitor, why: str, button: str) -> None:
    page.tick(why)
    page.type(Your_passphrase=practice.said(USER_NAMES["pharmacist"]), Your_password=PASSWORD)
    page.press(button)


def _changes(practice: Practice, page: Visitor, who: str, stop: str) -> Stops:
    page.follow("Change it")
    yield f"{stop}-change", page
    page.type(Your_passphrase_as_it_is_now=practice.said(USER_NAMES[who]))
    page.press("Show me a new passphrase")
    yield f"{stop}-new", page
    words = " ".join(page.texts(".words.big li"))
    page.follow("I have it; go on")
    page.type(Your_new_passphrase="not these words at all")
    page.press("Confirm")
    page.faults.clear()  # a form that is refused answers 403
    yield f"{stop}-typed-back", page
    page.type(Your_new_passphrase=words)
    page.press("Confirm")
    yield f"{stop}-changed", page


def _forgets(page: Visitor, stop: str) -> Stops:
    page.follow("I have forgotten it")
    yield f"{stop}-forgotten", page
    page.press("Give up my old keys")
    page.faults.clear()  # a form that is refused answers 400
    yield f"{stop}-forgotten-refused", page
    page.tick("I cannot find my passphrase, and I have read what happens")
    page.type(Your_password=PASSWORD)
    page.press("Give up my old keys")
    yield f"{stop}-given-up", page
