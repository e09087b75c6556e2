"""The first morning: an empty installation becomes a study with people, keys and a sealed list."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.cast import (
    ADMINISTRATOR,
    EVERYBODY,
    HOLDERS,
    PASSWORD,
    STATISTICIAN,
    Journey,
    Player,
)
from tests.journeys.visitor import Visitor

TABLE = Path(__file__).resolve().parents[1] / "data" / "redcap" / "might_open.csv"


def administrator_sets_up(journey: Journey, link: str) -> None:
    """The set-up link makes the first administrator, who makes the study and adds everybody."""
    page = journey.window(ADMINISTRATOR)
    page.open(link)
    me = ADMINISTRATOR
    page.type(Your_name=me.name, User_name=me.user_name, Initials=me.initials)
    page.type(New_password=PASSWORD)
    page.press("Set up")
    page.type(User_name=me.user_name, Password=PASSWORD)
    page.press("Sign in")
    assert page.heading == "People"
    _make_study(page)
    for player in EVERYBODY:
        journey.links[player] = _add_person(page, player)


def person_arrives(journey: Journey, player: Player) -> Visitor:
    """Somebody opens their one-time link, chooses the password and signs in with it."""
    page = journey.window(player)
    page.open(journey.links[player])
    assert player.user_name in page.words
    page.type(New_password=PASSWORD)
    page.press("Set the password")
    page.type(User_name=player.user_name, Password=PASSWORD)
    page.press("Sign in")
    return page


def makes_keys(journey: Journey, player: Player) -> None:
    """The passphrase is shown once, written on a card and typed back."""
    page = journey.window(player)
    page.follow("Your keys", page.page.get_by_role("navigation"))
    page.press("Make my keys")
    assert page.heading == "Your passphrase"
    words = page.texts(".words.big li")
    assert len(set(words)) == 6
    journey.passphrases[player] = " ".join(words)
    page.follow("I have it; go on")
    page.type(Passphrase=journey.passphrases[player])
    page.press("Confirm")
    assert "Your passphrase is confirmed." in page.words
    journey.six_words[player] = " ".join(page.texts(".words li"))


def statistician_founds(journey: Journey) -> None:
    """The study's keys, with four recovery sheets that are shown once, one at a time."""
    page = journey.window(STATISTICIAN)
    page.follow("Holders", page.page.get_by_role("navigation"))
    page.type(Your_passphrase=journey.passphrases[STATISTICIAN])
    page.press("Make the keys")
    assert page.heading == "Recovery sheets"
    assert len(page.texts(".recovery-sheet")) == 4
    page.follow("All four are printed; go on")


def statistician_enrols(journey: Journey, player: Player) -> None:
    """The six words are heard and typed; only then the keys are wrapped for that person."""
    page = journey.window(STATISTICIAN)
    page.follow("Enrol", page.page.get_by_role("row").filter(has_text=player.name))
    assert journey.six_words[player] not in page.words
    page.type(
        The_six_words_you_hear=journey.six_words[player],
        Your_passphrase=journey.passphrases[STATISTICIAN],
    )
    page.press("Enrol")
    assert "The person is enrolled" in page.words


def statistician_loads_the_list(journey: Journey) -> None:
    """The REDCap table goes in through the open room; a certificate comes out."""
    page = journey.window(STATISTICIAN)
    page.follow("List", page.page.get_by_role("navigation"))
    assert "The room is locked" in page.words
    page.follow("Open the room", page.page.get_by_role("main"))
    page.type(Passphrase=journey.passphrases[STATISTICIAN])
    page.press("Open the room")
    assert page.heading == "Load the list"
    page.field("Allocation table").set_input_files(TABLE)
    page.tick("This is a dummy list and will never be used for people.")
    page.type(Password=PASSWORD, Passphrase=journey.passphrases[STATISTICIAN])
    page.press("Load and seal the list")
    assert page.heading == "Load certificate"
    for text in ("12", *[holder.name for holder in HOLDERS]):
        assert text in page.words
    page.press("Lock now")


def _make_study(page: Visitor) -> None:
    page.follow("Studies", page.page.get_by_role("navigation"))
    page.follow("Make a study", page.page.locator(".page-head"))
    page.type(
        Site_code="UAB",
        Investigator="A. Rivera, MD",
        Runs="09:00, 13:00",
        Pharmacy_name="Magnolia Home Infusion Pharmacy",
        Pharmacy_address="1200 5th Ave S, Birmingham AL 35233",
    )
    page.field("Pharmacist, 24 hours").fill("205-555-0142")
    page.field("Emergency unblinding, 24 hours").fill("205-555-0199")
    page.press("Make the study")
    assert page.heading == "MIGHT"


def _add_person(page: Visitor, player: Player) -> str:
    """The one-time link of a new person with their role."""
    page.open("/people/add")
    page.type(Name=player.name, User_name=player.user_name, Initials=player.initials)
    page.press("Add the person")
    (link,) = page.texts(".one-time-link")
    page.follow("Give roles")
    page.follow("Change the roles in MIGHT (practice)")
    page.tick(player.role)
    page.press("Save the roles")
    assert "The roles were changed." in page.words
    return link
