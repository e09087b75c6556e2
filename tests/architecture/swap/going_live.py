"""The pages before going live: a live study is made beside the worlds' own, and refused its start.

Its gates tell of lists, holders and drills, so they stand among the surfaces that are compared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.architecture.swap.browser import Browser
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

SIGNERS = {"investigator": "investigator", "pharmacist": "pharmacist"}
SITE = {
    "code": "UAB",
    "investigator_name": "A. Rivera, MD",
    "pharmacy_name": "Magnolia Home Infusion Pharmacy",
    "pharmacy_address": "1200 5th Ave S, Birmingham AL 35233",
    "pharmacy_phone": "205-555-0142",
    "unblinding_phone": "205-555-0199",
    "sponsor_phone": "205-555-0111",
    "zone": "America/Chicago",
    "run_times": "09:00, 13:00",
}


def work(journey: Journey) -> None:
    """Made, given people, approved, tried to be opened."""
    admin = journey.passing("admin")
    admin.open("/studies/make")
    admin.fill("/studies/make", mode="live", **{**SITE, "sponsor_phone": ""}, expect=400)
    admin.fill("/studies/make", mode="live", **SITE)
    live = admin.at
    for who, role in SIGNERS.items():
        admin.open(f"/people/{journey.study.trial.ids[who]}/roles/{live.removeprefix('/study/')}")
        admin.fill("/roles/" + live.removeprefix("/study/"), roles=role)
    _make_ready(admin, live)
    for who in SIGNERS:
        _sign(journey.passing(who), live)
    pharmacist = journey.passing("pharmacist")
    pharmacist.open(f"{live}/going-live/cards")
    said = {"pharmacy_place": "Safe", "physician_name": "Dr. Ames", "password": PASSWORD}
    pharmacist.fill("/cards", **said, physician_phone="later", expect=400)
    pharmacist.fill("/cards", **said, physician_phone="205-555-0177")
    for reader in (admin, pharmacist, journey.passing("investigator")):
        reader.open(f"{live}/protocol")
        reader.open(f"{live}/going-live")
        reader.open(journey.path("going-live"))
        reader.open("/")


def _make_ready(admin: Browser, live: str) -> None:
    admin.open(f"{live}/going-live")
    admin.open(f"{live}/going-live/test-notice")
    admin.fill("/test-notice")
    admin.open(f"{live}/going-live/restore-drill")
    drill = {"drilled_on": "2026-03-01", "password": PASSWORD}
    admin.fill("/restore-drill", **drill, sha256="none", expect=400)
    admin.fill("/restore-drill", **drill, sha256="5a" * 32)


def _sign(signer: Browser, live: str) -> None:
    signer.open(f"{live}/protocol/approve")
    signer.fill("/approve", password="not my password", expect=403)
    signer.fill("/approve", password=PASSWORD)
    signer.open(f"{live}/protocol/approve")
    signer.open(f"{live}/protocol/defaults")
    signer.fill("/defaults", password=PASSWORD, expect=400)
    signer.fill("/defaults", password=PASSWORD, defaults=["1", "2"])
    signer.open(f"{live}/going-live")
    signer.fill("/going-live", password=PASSWORD, expect=409)
