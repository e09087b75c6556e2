"""A walk past the pages that are met once: set-up, keys, recovery sheets, holders, the list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pharmacy.domain.roles import Role
from tests.journeys.visitor import Visitor
from tests.journeys.walks import Stops
from tests.support.builders import PASSWORD, Trial, add_person
from tests.support.lit_builders import LitStudy


@dataclass
class NewHouse:
    """A study whose people are there and whose keys are not, served, and an empty house beside."""

    trial: Trial
    address: str
    empty_address: str
    set_up_link: str
    visit: Callable[..., Visitor]

    def joins(self, who: str, full_name: str, role: Role) -> None:
        """One more person of the study."""
        self.trial.ids[who] = add_person(self.trial, who, full_name, role)


def first_morning(house: NewHouse) -> Stops:
    """The administrator's link, then the statistician on the way to the load."""
    page = house.visit(house.empty_address)
    page.open(house.set_up_link)
    yield "set-up", page
    house.joins("statistician", "Sam Statham", Role.STATISTICIAN)
    page = house.visit(house.address)
    page.sign_in("statistician.test", PASSWORD)
    yield "list-not-yet", page
    page.follow("Your keys")
    yield "keys-none", page
    page.press("Make my keys")
    yield "passphrase", page
    passphrase = " ".join(page.texts(".words.big li"))
    page.follow("I have it; go on")
    yield "passphrase-back", page
    page.type(Passphrase=passphrase)
    page.press("Confirm")
    yield "six-words", page
    yield from _holders_and_list(house, page, passphrase)


def _holders_and_list(house: NewHouse, page: Visitor, passphrase: str) -> Stops:
    study = LitStudy(house.trial)
    study.make_keys("pharmacist")
    house.joins("pharmacist2", "Petra Novak", Role.PHARMACIST)
    study.make_keys("pharmacist2")
    page.open(page.page.url)
    page.follow("Holders", page.page.get_by_role("navigation"))
    yield "make-study-keys", page
    page.type(Your_passphrase=passphrase)
    page.press("Make the keys")
    yield "recovery-sheets", page
    page.follow("Show sheet A1")
    yield "recovery-sheet", page
    page.follow("All four are printed; go on")
    yield "holders-waiting", page
    for name, who in (("Tom Lang", "pharmacist"), ("Petra Novak", "pharmacist2")):
        page.follow("Enrol", page.page.get_by_role("row").filter(has_text=name))
        yield f"enrol-{who}", page
        page.type(The_six_words_you_hear=study.six_words(who), Your_passphrase=passphrase)
        page.press("Enrol")
    page.follow("List")
    page.follow("Open the room", page.page.get_by_role("main"))
    page.type(Passphrase=passphrase)
    page.press("Open the room")
    yield "load-list", page
    page.press("Load and seal the list")
    page.faults.clear()  # a form that is refused answers 400
    yield "load-list-refused", page
    page.follow("Make a list here")
    yield "make-list", page
    page.tick("This is a dummy list and will never be used for people.")
    page.type(Password=PASSWORD, Passphrase=passphrase)
    page.press("Make and seal the list")
    yield "made-certificate", page
    page.follow("Derive the list again and compare")
    yield "derive-list", page
    page.type(Passphrase=passphrase)
    page.press("Derive the list again and compare")
    yield "derived-list", page
