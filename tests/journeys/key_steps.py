"""What becomes of a person's keys, one stop each: under other words, and given up."""

from __future__ import annotations

from collections.abc import Iterator

from pharmacy.demo.cast import PASSWORD
from tests.journeys.breaking_steps import to_the_break
from tests.journeys.practice import USER_NAMES, Practice
from tests.journeys.visitor import PHONE, Visitor

Stops = Iterator[tuple[str, Visitor]]


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
