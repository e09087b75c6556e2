"""Leaving, being replaced, and a place that was given in error: done, and refused first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

LEAVES, COMES, DAY = "M-005", "M-009", "2026-03-02"
_WORDS = {
    "account": "The age was copied from another chart.",
    "happened_on": DAY,
    "corrective": "Both charts were read again by two people.",
}


def depart(journey: Journey) -> None:
    """Somebody with a place and no infusion: a deviation, leaving, and who comes instead."""
    _deviate(journey)
    investigator = journey.browser("investigator")
    page = journey.participant(investigator, LEAVES)
    investigator.open(f"{page}/leave")
    said = {"left_on": DAY, "password": PASSWORD}
    investigator.fill("/leave", expect=400, **said)
    investigator.fill("/leave", reason="consent", **said)
    coordinator = journey.browser("coordinator")
    coordinator.open(journey.path("participants/new"))
    coordinator.fill("/new", code=COMES, consented_on="2026-03-01")
    page = journey.participant(investigator, COMES)
    investigator.open(f"{page}/replaces")
    left = investigator.find(r"(?<=type=\"radio\" value=\")[0-9a-f]{32}")
    investigator.fill("/replaces", password=PASSWORD, expect=400)
    investigator.fill("/replaces", replaces=left, password=PASSWORD)
    for who in ("monitor", "coordinator"):
        reader = journey.browser(who)
        for code in (LEAVES, COMES):
            reader.open(journey.participant(reader, code))


def _deviate(journey: Journey) -> None:
    coordinator, investigator = journey.browser("coordinator"), journey.browser("investigator")
    coordinator.open(journey.path("deviations"))
    page = journey.participant(coordinator, LEAVES)
    coordinator.open(f"{page}/deviation")
    said = {"kind": "wrong_stratum", "outcome": "keeps", "password": PASSWORD}
    coordinator.fill("/deviation", **said, expect=400)
    coordinator.fill("/deviation", **said, **_WORDS)
    one = coordinator.find(r"/study/[0-9a-f]+/deviations/[0-9a-f]{32}")
    coordinator.open(one)
    investigator.open(one)
    name = one.rsplit("/", 1)[1]
    investigator.fill(f"/{name}", password="not the password", expect=403)
    investigator.fill(f"/{name}", password=PASSWORD)
    journey.browser("monitor").open(journey.path("deviations"))
