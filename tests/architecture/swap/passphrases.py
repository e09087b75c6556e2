"""The keys renewed for everybody, an investigator's passphrase changed, and then forgotten.

A renewal seals everything anew: as many rows, as long, in every world.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.architecture.swap import bench_work
from tests.architecture.swap.browser import Browser
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey


def renew(journey: Journey) -> None:
    """The pharmacist renews; the investigator's keys still work, and their passphrase changes."""
    _renew(journey)
    passphrase = journey.study.passphrases["investigator"]
    investigator = journey.browser("investigator")
    keys = f"/break/{journey.study.study_id}/keys"
    investigator.open(keys)
    investigator.fill("/try", passphrase=passphrase)
    _change(investigator, keys, passphrase)
    reader = journey.browser("monitor")
    reader.open(journey.path("trail"))


def forget(journey: Journey) -> None:
    """The investigator gives the keys up, after the last bag: whoever drilled must hold theirs."""
    _give_up(journey.browser("investigator"), f"/break/{journey.study.study_id}/keys")


def _renew(journey: Journey) -> None:
    pharmacist = bench_work.at_the_board(journey)
    pharmacist.open(f"/lit/{journey.study.study_id}/holders/renew")
    pharmacist.fill(
        "/renew",
        reason="yearly",
        passphrase=journey.study.passphrases["pharmacist"],
        password=PASSWORD,
    )


def _change(investigator: Browser, keys: str, passphrase: str) -> None:
    investigator.open(f"{keys}/passphrase")
    investigator.fill("/show", passphrase="not the words", expect=403)
    investigator.fill("/show", passphrase=passphrase)
    words = " ".join(re.findall(r"<li>([a-z]+)</li>", investigator.page))
    investigator.open(f"{keys}/passphrase")
    investigator.fill("/confirm", passphrase="not the words", expect=403)
    investigator.fill("/confirm", passphrase=words)


def _give_up(investigator: Browser, keys: str) -> None:
    investigator.open(f"{keys}/forgotten")
    investigator.fill("/forgotten", password=PASSWORD, expect=400)
    investigator.fill("/forgotten", understood="y", password=PASSWORD)
    investigator.open(keys)
