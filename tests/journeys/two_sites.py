"""A walk past the pages that only a study with several sites and baseline factors has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.journeys.visitor import Visitor
from tests.journeys.walks import Stops
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy
from tests.support.strata_builders import SLOTS, eligible_in, register_at


@dataclass
class TwoSites:
    """A study with two sites, one factor and a list in four strata, served."""

    study: LitStudy
    address: str
    visit: Callable[..., Visitor]

    def window(self, who: str) -> Visitor:
        """Somebody signed in."""
        page = self.visit(self.address)
        page.sign_in(f"{who}.test", PASSWORD)
        return page


def two_sites(house: TwoSites) -> Stops:
    """Two sites, registration by site, factors, what is signed, a full stratum on the board."""
    page = house.window("admin")
    page.open(f"/study/{house.study.study_id}")
    yield "sites", page
    yield from _coordinator(house)
    page = house.window("investigator")
    page.follow("M-001")
    page.follow("Sign eligibility")
    yield "eligibility-factors", page
    yield from _board(house)


def _coordinator(house: TwoSites) -> Stops:
    register_at(house.study.trial, "M-001", "VUMC")
    page = house.window("coordinator")
    page.follow("Register a participant")
    yield "register-at-a-site", page
    page.follow("Back to the list")
    page.follow("M-001")
    page.follow("Enter the baseline factors")
    yield "factors", page
    page.press("Enter the factors")
    page.faults.clear()  # a form that is refused answers 400
    yield "factors-refused", page
    page.tick("Under 65 years")
    page.press("Enter the factors")
    yield "factors-entered", page
    page.follow("Correct the baseline factors")
    yield "factors-correct", page


def _board(house: TwoSites) -> Stops:
    study = house.study
    for at in range(SLOTS + 1):
        eligible_in(study, f"F-{at:03d}", "101/1")
    eligible_in(study, "M-900", "102/2")
    room = house.window("pharmacist")
    room.follow("Open the room", room.page.get_by_role("main"))
    room.type(
        Passphrase=study.passphrases["pharmacist"],
        Their_six_words=study.six_words("statistician"),
    )
    room.press("Open the room")
    for _ in range(SLOTS):
        room.press("Serve the oldest request")
    yield "board-full-stratum", room
    coordinator = house.window("coordinator")
    coordinator.follow("F-000")
    coordinator.follow("Correct the baseline factors")
    yield "factors-late", coordinator
    coordinator.tick("65 years or more", "It was entered wrongly")
    coordinator.press("Correct the factors")
    yield "factors-deviation", coordinator
