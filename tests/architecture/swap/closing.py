"""The end of the script: reports of unblinding, and the study locked, unblinded and closed.

What the lit room answers carries arms and is not compared; every blinded page around it is, and
what lies at rest after each step.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.architecture.swap import bench_work
from tests.architecture.swap.browser import Browser
from tests.support.builders import PASSWORD
from tests.support.closing_acts import REFERENCE

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

_LEARNS = "M-002"


def report(journey: Journey) -> None:
    """One tap, words afterwards, and an assessment that marks the nurse."""
    nurse = journey.browser("nurse")
    nurse.open(journey.path("today"))
    nurse.fill("/reports")
    older, at = nurse.page, nurse.at
    nurse.fill("/words", said="y" * 2000, expect=400)
    nurse.fill("/words", said="I saw the word saline on a carton")
    nurse.page = older
    nurse.fill("/words", said="and more", expect=409)
    nurse.open(at)
    nurse.open(journey.path(f"infusion/{journey.bag(_LEARNS)}"))
    nurse.fill("/reports")
    nurse.open(journey.path("reports"))
    nurse.fill("/reports", bag_id="0" * 32, expect=404)
    journey.clock.move(minutes=1)
    for who in ("coordinator", "monitor"):
        reader = journey.browser(who)
        reader.open(journey.path("reports"))
        reader.fill("/reports")
    _assess(journey)
    for who in ("coordinator", "pharmacist"):
        journey.browser(who).open(journey.path("notices"))
    nurse.open(journey.path("reports"))
    nurse.open(at)
    journey.browser("coordinator").open(journey.path("trail"))


def end_study(journey: Journey) -> None:
    """The lock by two, then what nobody does any more; unblinding, list, closing and archive."""
    journey.jump(journey.clock() + timedelta(hours=1))
    _lock(journey)
    _after_the_lock(journey)
    _second_step(journey, "unblinded")
    statistician = _holder(journey, "statistician")
    statistician.fill("/list.zip")
    assert statistician.raw.startswith(b"PK")
    _second_step(journey, "closed")
    for who in ("pharmacist", "statistician"):
        signer = _holder(journey, who)
        signer.fill("/sign", passphrase=journey.study.passphrases[who])
    _holder(journey, "statistician").fill("/archive.zip")
    for who in ("coordinator", "monitor", "nurse", "investigator"):
        reader = journey.browser(who)
        reader.open("/")
        reader.open(journey.path("stage"))
    journey.browser("coordinator").open(journey.path("trail"))


def _assess(journey: Journey) -> None:
    """The pharmacist judges the two oldest: a card was not read, the nurse saw it; others wait."""
    pharmacist = bench_work.at_the_board(journey)
    pharmacist.open(f"/lit/{journey.study.study_id}/reports")
    why = journey.world.life(0).words
    for outcome in ("no", "yes"):
        (oldest,) = re.findall(r'action="[^"]*/reports/([0-9a-f]{32})"', pharmacist.page)
        pharmacist.fill(oldest, outcome=outcome, reason=why, password=PASSWORD)


def _lock(journey: Journey) -> None:
    coordinator = journey.browser("coordinator")
    coordinator.open(journey.path("stage"))
    on = journey.clock() - timedelta(days=1)
    said = {"locked_on": f"{on:%Y-%m-%d}", "reference": REFERENCE}
    coordinator.fill("/stage", password=PASSWORD, expect=400, **said)
    coordinator.fill("/stage", password=PASSWORD, bags_seen="y", **said)
    _confirm(journey, "statistician", "locked")
    for who in ("coordinator", "monitor", "nurse", "investigator", "pharmacist"):
        journey.browser(who).open(journey.path("stage"))


def _after_the_lock(journey: Journey) -> None:
    coordinator, nurse = journey.browser("coordinator"), journey.browser("nurse")
    coordinator.open(journey.path("participants"))
    coordinator.open(journey.path("participants/new"))
    coordinator.fill("/new", code="M-099", consented_on="2026-02-27", expect=409)
    nurse.open(journey.path("today"))
    nurse.open(journey.path("scan"))
    nurse.fill("/scan", code=journey.study.trial.code(journey.bag(_LEARNS)), method="scanner")
    nurse.fill("/aside")


def _second_step(journey: Journey, stage: str) -> None:
    """Asked for by the pharmacist, confirmed by the statistician."""
    asking = _holder(journey, "pharmacist")
    asking.fill("/ask", password=PASSWORD)
    _confirm(journey, "statistician", stage)


def _confirm(journey: Journey, who: str, stage: str) -> None:
    holder = _holder(journey, who)
    assert f'value="{stage}"' in holder.page
    holder.fill("/confirm", password=PASSWORD, passphrase=journey.study.passphrases[who])


def _holder(journey: Journey, who: str) -> Browser:
    """A holder on the page of the study's end, the room open."""
    browser = journey.browser(who)
    page = f"/lit/{journey.study.study_id}/study-end"
    browser.open(page)
    if "The room is locked" in browser.page:
        browser.open(f"/lit/{journey.study.study_id}/open")
        words = journey.study.six_words("statistician")
        said = {"passphrase": journey.study.passphrases[who]}
        browser.fill("/open", **said, **({"granter_words": words} if who != "statistician" else {}))
        browser.open(page)
    return browser
