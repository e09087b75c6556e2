"""What coordinator, investigator and nurse do, at their own browsers."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.journeys.at_the_bench import Printed
from tests.journeys.cast import PASSWORD
from tests.journeys.visitor import Visitor
from tests.support.fake_camera import Camera, film, label

KNOWN = "Bag known. Now the participant."


def coordinator_registers(page: Visitor, code: str) -> Printed:
    """A new participant by code alone; returns the printed card."""
    page.follow("Participants", page.page.get_by_role("navigation"))
    page.follow("Register a participant", page.page.locator(".page-head"))
    page.type(Participant_code=code, Day_of_consent="2026-02-27")
    page.press("Register")
    assert page.heading == f"Participant {code}"
    return Printed(page.get("Print the card (PDF)"))


def coordinator_weighs(page: Visitor, weight_kg: str) -> None:
    """A weighing of today, on the page of the participant."""
    page.follow("Add a weight")
    page.type(Weight=weight_kg, Measured_by="C. Lindqvist")
    page.press("Add the weight")
    assert f"{weight_kg} kg" in page.words


def investigator_signs_eligibility(page: Visitor, code: str) -> None:
    """The signature asks for a place."""
    page.follow(code)
    page.follow("Sign eligibility")
    page.type(Your_password=PASSWORD)
    page.press("Sign eligibility")
    assert "The request for a place waits at the pharmacy." in page.words


def investigator_signs_the_order(page: Visitor) -> None:
    """The order of the first course, from today on."""
    page.follow("Sign an order")
    page.tick("Week 0")
    page.type(Your_password=PASSWORD)
    page.press("Sign the order")
    assert "The order was signed." in page.words


def nurse_scans(page: Visitor, text: str) -> None:
    """The hand scanner at the scan page: nothing is tapped but the one large button."""
    page.open("/")
    page.follow("Scan the bag")
    page.scan(text)


def nurse_is_stopped(page: Visitor, text: str, sentence: str, act: str) -> None:
    """A scan that stops; the one way on is to say what was done."""
    nurse_scans(page, text)
    leaves_the_stop(page, sentence, act)


def leaves_the_stop(page: Visitor, sentence: str, act: str = "I have set it aside") -> None:
    """The stop screen says its own sentence and is left by the act alone."""
    assert page.heading == sentence
    assert page.page.locator("[data-verdict]").get_attribute("data-verdict") == "stop"
    assert page.page.get_by_role("link", name="Call: Pharmacy, 24 hours 205-555-0142").is_visible()
    page.press(act)
    assert "Noted. The pharmacy sees this Stop." in page.words


def nurse_shows(page: Visitor, camera: Camera, paper: Printed, link: str = "Scan the bag") -> None:
    """What was printed is held before the phone: one tap, and the camera does the rest."""
    camera.shows(film(label(paper.pdf)))
    page.open("/")
    page.follow(link, page.page.get_by_role("main"))
    expect(page.page.locator("[data-verdict]")).to_be_visible(timeout=15_000)


def nurse_receives(page: Visitor, camera: Camera, cover: Printed) -> None:
    """The box is opened at the door and its one bag shown to the phone."""
    nurse_shows(page, camera, cover, "Receive a delivery")
    assert page.heading == "Received. Bag 1 of 1."
    page.follow("All bags are here")
    assert "Received" in page.words


SPOKEN = "The person said name and birth date, and both are on the identity sheet"


def nurse_confirms(page: Visitor, card: str) -> None:
    """The neutral screen: name and birth date are spoken, the card is scanned by hand."""
    assert page.heading == KNOWN
    assert card not in page.page.content()
    page.tick(SPOKEN)
    page.scan(card)


def nurse_shows_the_card(page: Visitor, camera: Camera, card: Printed) -> None:
    """The same with the camera: the card waits for the tick, which sends it."""
    assert page.heading == KNOWN
    assert card.code not in page.page.content()
    camera.shows(film(label(card.pdf)))
    page.open(page.page.url)
    expect(page.page.get_by_role("status")).to_contain_text("Card read.", timeout=30_000)
    with page.page.expect_navigation(wait_until="domcontentloaded"):
        page.field(SPOKEN).click()


def nurse_pauses(page: Visitor, volume_ml: str, why: str) -> None:
    """A pause: volume as the pump shows it, and why."""
    page.page.locator("summary").get_by_text("Pause", exact=True).click()
    page.type(Volume_on_the_pump=volume_ml)
    page.tick(why)
    page.press("Record the pause")
    assert "The pause was recorded." in page.words


def nurse_ends(page: Visitor, volume_ml: str) -> None:
    """The end: volume as the pump shows it, signed."""
    page.page.locator("summary", has_text="End the infusion").click()
    page.type(Volume_infused=volume_ml, Your_password=PASSWORD)
    page.press("End and sign")
    assert "The infusion was ended and signed." in page.words
