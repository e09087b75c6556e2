"""What a nurse lays before her phone's camera, and what the page says to it."""

from __future__ import annotations

from dataclasses import replace

from playwright.sync_api import expect

from labels.codes import Symbol
from labels.pdf import outer_label_pdf, participant_card_pdf
from pharmacy.persistence import scans
from tests.journeys.visitor import Visitor
from tests.labels.samples import BAG, CARD
from tests.support.builders import Trial
from tests.support.fake_camera import Paper, label

SPOKEN = "The person said name and birth date, and both are on the identity sheet"
KNOWN = "Bag known. Now the participant."
GO = "Go. Right bag, right person."


def cover(code: str, smeared: tuple[Symbol, ...] = ()) -> Paper:
    """A bag's cover label."""
    return label(outer_label_pdf(replace(BAG, code=code)), smeared)


def card(code: str) -> Paper:
    """A participant's card."""
    return label(participant_card_pdf(replace(CARD, code=code)))


def opens_the_scan(trial: Trial, page: Visitor) -> None:
    page.open(f"/study/{trial.study_id}/scan")


def is_led_to(page: Visitor, heading: str) -> None:
    """Nothing is pressed: the camera does it."""
    expect(page.page.locator("h1")).to_have_text(heading, timeout=15_000)


def hears(page: Visitor, sentence: str) -> None:
    """The line under the picture says it."""
    expect(page.page.get_by_role("status")).to_have_text(sentence, timeout=15_000)


def scan_rows(trial: Trial) -> list[scans.Scan]:
    with trial.units.reading() as uow:
        return uow.session.query(scans.Scan).order_by(scans.Scan.scanned_at).all()


def leaves_and_returns(page: Visitor) -> None:
    """The phone is put away and taken up again; Chromium without a window never hides one."""
    for hidden in ("true", "false"):
        page.page.evaluate(
            f"Object.defineProperty(document, 'hidden', {{ value: {hidden}, configurable: true }});"
            "document.dispatchEvent(new Event('visibilitychange'));"
        )
