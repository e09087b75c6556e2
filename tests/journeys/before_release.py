"""What stands before the first bag leaves: an investigator's keys, the drill, two sealed cards."""

from __future__ import annotations

from pathlib import Path

from tests.journeys.cast import INVESTIGATOR, PHARMACIST, Journey
from tests.journeys.visitor import Visitor

SETS = {"pharmacy": "pharmacy", "physician": "on-call physician"}


def investigator_makes_keys(journey: Journey) -> None:
    """Six words shown once, typed back; then the other six, to be read aloud."""
    page = journey.window(INVESTIGATOR)
    page.follow("Break the code", page.page.get_by_role("navigation"))
    page.follow("Your keys for breaking a code")
    page.press("Make my keys")
    journey.passphrases[INVESTIGATOR] = " ".join(page.texts(".words.big li"))
    page.follow("I have it; go on")
    page.type(Passphrase=journey.passphrases[INVESTIGATOR])
    page.press("Confirm")
    journey.six_words[INVESTIGATOR] = " ".join(page.texts(".words li"))


def pharmacist_enrols(journey: Journey) -> None:
    """The pharmacist types what is heard; the drill is made with it."""
    page = journey.window(PHARMACIST)
    page.follow("Investigators", page.page.get_by_role("navigation"))
    page.follow("Enrol", page.page.get_by_role("row").filter(has_text=INVESTIGATOR.name))
    page.type(
        The_six_words_you_hear=journey.six_words[INVESTIGATOR],
        Your_passphrase=journey.passphrases[PHARMACIST],
    )
    page.press("Enrol")
    assert "Not passed yet" in page.words


def investigator_drills(journey: Journey) -> None:
    """The way of a break, to an envelope of nobody."""
    page = journey.window(INVESTIGATOR)
    page.follow("Break the code", page.page.get_by_role("navigation"))
    page.follow("Go to the drill")
    tell_the_drill(page, journey.passphrases[INVESTIGATOR])
    page.press("Drill")
    assert page.heading == "This is the drill: no participant."


def tell_the_drill(page: Visitor, passphrase: str) -> None:
    """Where the investigator stands, why, and the six words."""
    page.tick("Outside the pharmacy, over a network that is not the pharmacy's")
    page.tick("Treatment of an emergency depends on it")
    page.type(Your_six_words_for_breaking_a_code=passphrase)


def pharmacist_makes_cards(journey: Journey, code: str) -> list[bytes]:
    """Both cards of a participant, printed, sealed and in their places; their papers."""
    page = journey.window(PHARMACIST)
    papers = []
    for card_set, named in SETS.items():
        page.follow("Code-break cards", page.page.get_by_role("navigation"))
        page.follow(f"Print {code}, {named}")
        number = f"TE-{code}-{card_set}"
        papers.append(prints(page, number))
        page.open(page.page.url)
        seals(page, number)
    return papers


def prints(page: Visitor, number: str) -> bytes:
    """The form of a card, and the paper that its button gives."""
    page.type(Seal_number_of_the_envelope=number, Custodian="T. Lang", Place="Safe")
    with page.page.expect_download() as begun:
        page.page.get_by_role("button", name="Open and print (PDF)").click()
    return Path(begun.value.path()).read_bytes()


def seals(page: Visitor, number: str) -> None:
    """The number is read from the closed envelope."""
    page.type(Seal_number_on_the_closed_envelope=number)
    page.press("It is sealed and in its place")
    assert "The card is sealed and in its place." in page.words
