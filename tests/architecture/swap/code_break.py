"""The code of one participant is broken while everybody else stays blind.

The answer is a page of the lit room and is not compared; everything around it is: the pages that
lead there, what is refused, the notice, what the trail says, and what lies at rest.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.architecture.swap import bench_work, passphrases
from tests.architecture.swap.browser import Browser

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

BROKEN = "M-008"
# What the answer must say in one world or the other; else nothing was broken.
_ARMS = ("immune globulin", "sodium chloride")


def get_ready(journey: Journey) -> None:
    """Keys are made and tried, and the drill is passed: no bag leaves before."""
    investigator = journey.browser("investigator")
    door = f"/break/{journey.study.study_id}"
    passphrase = _make_keys(investigator, door)
    journey.study.passphrases["investigator"] = passphrase
    investigator.open(door)
    _enrol(journey, investigator, door)
    _try(journey, investigator, door, passphrase)
    _drill(investigator, door, passphrase)


def break_code(journey: Journey) -> None:
    """A code is broken and shown again; then everybody looks."""
    investigator = journey.browser("investigator")
    door = f"/break/{journey.study.study_id}"
    _break(journey, investigator, door, journey.study.passphrases["investigator"])
    _look(journey, investigator, door)
    passphrases.renew(journey)


def _make_keys(investigator: Browser, door: str) -> str:
    investigator.open(door)
    investigator.open(f"{door}/keys")
    investigator.fill("/make")
    words = " ".join(re.findall(r"<li>([a-z]+)</li>", investigator.page))
    investigator.open(f"{door}/keys")
    older = investigator.page
    investigator.fill("/confirm", passphrase="not the words", expect=403)
    investigator.fill("/confirm", passphrase=words)
    investigator.page = older
    investigator.fill("/make", expect=409)
    investigator.open(f"{door}/keys")
    return words


def _enrol(journey: Journey, investigator: Browser, door: str) -> None:
    """A pharmacist hears the six words."""
    investigator.open(f"{door}/keys")
    (listed,) = re.findall(r'<ol class="words">(.*?)</ol>', investigator.page, re.DOTALL)
    words = " ".join(re.findall(r"<li>([a-z]+)</li>", listed))
    pharmacist = bench_work.at_the_board(journey)
    room = f"/lit/{journey.study.study_id}/investigators"
    pharmacist.open(f"{room}/{journey.study.trial.ids['investigator']}")
    own = journey.study.passphrases["pharmacist"]
    pharmacist.fill("/" + journey.study.trial.ids["investigator"], words=words, passphrase=own)


def _try(journey: Journey, investigator: Browser, door: str, passphrase: str) -> None:
    granter = journey.study.six_words("pharmacist")
    investigator.open(f"{door}/keys")
    investigator.fill("/try", passphrase=passphrase, granter_words="not these", expect=400)
    investigator.fill("/try", passphrase=passphrase, granter_words=granter)


def _drill(investigator: Browser, door: str, passphrase: str) -> None:
    """The way of a break to an envelope of nobody; its answer is compared like any page."""
    investigator.open(door)
    investigator.open(f"{door}/drill")
    said = {"reason": "treatment", "place": "outside"}
    investigator.fill("/drill", passphrase="not the words", expect=403, **said)
    told = investigator.fill("/drill", passphrase=passphrase, **said)
    assert "This is the drill" in told
    investigator.open(f"{door}/drill")


def _break(journey: Journey, investigator: Browser, door: str, passphrase: str) -> None:
    investigator.open(door)
    investigator.open(investigator.find(rf"/break/[^\"]+(?=\"[^>]*>\s*{BROKEN})"))
    participant = re.findall(r'action="[^"]*/([0-9a-f]{32})"', investigator.page)[0]
    for again in (False, True):
        investigator.open(f"{door}?participant={participant}")
        said = {"reason": "treatment", "said": "Fell at home"}
        investigator.fill(participant, passphrase="not the words", expect=403, **said)
        told = investigator.fill(participant, passphrase=passphrase, **said)
        assert any(arm in told for arm in _ARMS), again
        journey.clock.move(minutes=1)
        investigator.open(door)


def _look(journey: Journey, investigator: Browser, door: str) -> None:
    """The breaker is barred from the trail, and nobody else learns more than that it happened."""
    investigator.open(journey.path("trail"), expect=403)
    investigator.open(journey.participant(investigator, BROKEN))
    for who in ("coordinator", "pharmacist"):
        journey.browser(who).open(journey.path("notices"))
    for who in ("coordinator", "monitor"):
        reader = journey.browser(who)
        reader.open(journey.path("trail"))
        reader.open(journey.path("trail.csv"))
        reader.open(journey.participant(reader, BROKEN))
    pharmacist = bench_work.at_the_board(journey)
    pharmacist.open(f"/lit/{journey.study.study_id}/code-breaks")
