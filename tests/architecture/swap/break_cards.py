"""Code-break cards in the script: printed in the lit room, counted and told of outside it.

The paper is the lit room's answer and is not compared. What is: every page about the seals, what is
refused there, the notices, and what lies at rest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.architecture.swap import bench_work
from tests.architecture.swap.browser import Browser
from tests.architecture.swap.desk import PREPARED
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

# What one world's or the other's card must say; else nothing was opened.
_PDF = b"%PDF-"
# Whoever's bags will leave before the script ends.
_WITH_CARDS = (*PREPARED, "M-008")


def make(journey: Journey) -> None:
    """Both cards of everybody whose bags will leave; one is spoilt and made again."""
    pharmacist = bench_work.at_the_board(journey)
    table = f"/lit/{journey.study.study_id}/break-cards"
    for code in _WITH_CARDS:
        for card_set in ("pharmacy", "physician"):
            pharmacist.open(table)
            number = f"TE-{code}-{card_set}".upper()
            card = pharmacist.find(
                rf"{table}/[0-9a-f]{{32}}/{card_set}(?=\"[^>]*>\s*Print <span class=\"sr\">{code},)"
            )
            _print(pharmacist, card, number)
            if (code, card_set) == (PREPARED[0], "pharmacy"):
                number = f"{number}-2"
                _print(pharmacist, card, number, reason="spoilt")
            pharmacist.open(card)
            pharmacist.fill("/seal", seal_number=number)


def count(journey: Journey) -> None:
    """The pharmacy finds a seal broken, the coordinator all of them intact and then one opened."""
    page = journey.path("break-cards")
    for who, card_set, first in (
        ("pharmacist", "pharmacy", "broken"),
        ("coordinator", "physician", "intact"),
    ):
        reader = journey.browser(who)
        reader.open(page)
        reader.open(f"{page}/count/{card_set}")
        seals = sorted(set(re.findall(r'name="(seal-[0-9a-f]{32})"', reader.page)))
        assert len(seals) == len(_WITH_CARDS)
        found = dict.fromkeys(seals, "intact") | {seals[0]: first}
        reader.fill(f"/count/{card_set}", expect=400, password=PASSWORD)
        reader.fill(f"/count/{card_set}", password=PASSWORD, **found)
    _opened(journey, journey.browser("coordinator"), page)
    for who in ("investigator", "pharmacist"):
        journey.browser(who).open(page)
    journey.browser("coordinator").open(journey.path("notices"))


def _print(pharmacist: Browser, card: str, number: str, **more: str) -> None:
    pharmacist.open(card)
    pharmacist.fill("/print", seal_number=number, custodian="T. Lang", place="Safe", **more)
    assert pharmacist.raw.startswith(_PDF)


def _opened(journey: Journey, coordinator: Browser, page: str) -> None:
    coordinator.open(page)
    told = coordinator.find(rf"{page}/[0-9a-f]{{32}}/opened(?=\"[^>]*>\s*It was opened)")
    coordinator.open(told)
    said = {
        "name": "Dr. Night",
        "opened_on": "2026-03-02",
        "reason": "treatment",
        "password": PASSWORD,
    }
    coordinator.fill("/opened", expect=400, opened_at="25:00", **said)
    coordinator.fill("/opened", opened_at="10:30", **said)
    coordinator.open(told)
