"""A live study from its first page to the day it is live, one stop at each page on the way.

The lit room's share (keys, list, drill, recovery sheets) is done through the services: its pages
are met on other walks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from pharmacy.domain.going_live import Gate
from pharmacy.web.house import House
from tests.journeys.visitor import Visitor, Windows
from tests.support.builders import PASSWORD
from tests.support.live_study import BACKUP, BothStudies, make_lit_room, plant_mail_and_factors

Stops = Iterator[tuple[str, Visitor]]


@dataclass
class LiveHouse:
    """A live study in which nothing is done, beside its practice study, served."""

    both: BothStudies
    house: House
    address: str
    visit: Windows
    people: dict[str, Visitor] = field(default_factory=dict)

    def window(self, who: str, page: str = "going-live") -> Visitor:
        """Somebody's own window, at a page of the live study."""
        if who not in self.people:
            self.people[who] = self.visit(self.address)
            self.people[who].sign_in(f"{who}.test", PASSWORD)
        self.people[who].open(f"/study/{self.both.live.study_id}/{page}")
        return self.people[who]

    def demands_second_factors(self) -> None:
        """The installation demands one, and everybody has set one up."""
        plant_mail_and_factors(self.both.live.trial)
        self.house.surroundings = replace(self.house.surroundings, demands_second_factor=True)


def going_live(house: LiveHouse) -> Stops:
    """No gate is open but one, then most, then all; both sides sign, and somebody is registered."""
    page = house.window("coordinator", "participants")
    yield "preparing", page
    page = house.window("investigator")
    assert page.words.count("Closed") > len(Gate) / 2
    yield "going-live-none", page
    yield from _protocol(house)
    make_lit_room(house.both)
    yield from _papers(house)
    house.demands_second_factors()
    yield from _signatures(house)
    yield from _live(house)


def _protocol(house: LiveHouse) -> Stops:
    """Read, approved by both sides, and its marked defaults confirmed."""
    page = house.window("investigator", "protocol")
    yield "protocol", page
    page.follow("Read and approve")
    yield "approve-protocol", page
    page.press("Sign the approval")
    page.faults.clear()  # a form that is refused answers 400
    yield "approve-refused", page
    page.type(Password=PASSWORD)
    page.press("Sign the approval")
    page = house.window("pharmacist", "protocol/approve")
    page.type(Password=PASSWORD)
    page.press("Sign the approval")
    assert "Your approval of the protocol was signed." in page.words
    yield "protocol-approved", page
    page.follow("Confirm marked defaults")
    yield "defaults", page
    for box in page.page.get_by_role("checkbox").all():
        box.check()
    page.type(Password=PASSWORD)
    page.press("Sign what is ticked")
    page = house.window("pharmacist", "protocol/defaults")
    assert page.words.count("Every marked default is confirmed") == 1
    yield "defaults-confirmed", page


def _papers(house: LiveHouse) -> Stops:
    """Where the cards are kept, a restore that was drilled, a notice that was mailed."""
    page = house.window("pharmacist", "going-live/cards")
    page.press("Sign the statement")
    page.faults.clear()  # a form that is refused answers 400
    yield "card-keeping-refused", page
    page.type(
        Place_in_the_pharmacy="Narcotics safe, top shelf",
        **{"On-call physician": "Dr. Ames", "Their telephone, 24 hours": "205-555-0177"},
        Password=PASSWORD,
    )
    page.press("Sign the statement")
    page = house.window("admin", "going-live/restore-drill")
    yield "restore-drill", page
    page.field("Day of the drill").fill("2026-03-01")
    page.type(**{"SHA-256 of the backup": BACKUP}, Password=PASSWORD)
    page.press("Sign the drill")
    page.follow("Go there for: A test notice was mailed")
    yield "test-notice", page
    page.press("Mail a test notice")
    yield "going-live", page


def _signatures(house: LiveHouse) -> Stops:
    """Refused as long as one gate is closed; then each side signs."""
    page = house.window("investigator")
    assert page.words.count("Closed") == 0
    yield "going-live-all", page
    house.house.surroundings = replace(house.house.surroundings, demands_second_factor=False)
    page.type(Password=PASSWORD)
    page.press("Sign to go live")
    assert "The study cannot go live yet: A second factor for everybody." in page.words
    page.faults.clear()  # a form that is refused answers 409
    yield "going-live-refused", page
    house.house.surroundings = replace(house.house.surroundings, demands_second_factor=True)
    page.type(Password=PASSWORD)
    page.press("Sign to go live")
    yield "going-live-one-signed", page
    page = house.window("pharmacist")
    page.type(Password=PASSWORD)
    page.press("Sign to go live")
    assert "The study is live." in page.words
    yield "gone-live", page


def _live(house: LiveHouse) -> Stops:
    """The band is gone from every page, and the first participant is registered."""
    page = house.window("coordinator", "participants")
    assert page.page.locator("aside.preparing").count() == 0
    yield "live-participants", page
    page.follow("Register a participant", page.page.locator(".page-head"))
    page.type(Participant_code="L-001", Day_of_consent="2026-03-02")
    page.press("Register")
    assert "L-001" in page.words
    yield "live-registered", page
    page.open("/")
    yield "your-studies", page
    page = house.window("pharmacist")
    page.open(f"/lit/{house.both.live.study_id}/board")
    yield "live-board", page
