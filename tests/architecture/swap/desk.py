"""The desks' part of the script: accounts, enrolment and orders, with what is refused there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.architecture.swap.browser import Browser
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

CODES = ("M-002", "M-003", "M-005", "M-008")
PREPARED = CODES[:2]


def administer(journey: Journey) -> None:
    """Accounts, roles, studies and the installation's trail, with what is refused."""
    guest = journey.guest()
    guest.open("/")
    guest.open("/health")
    guest.open("/set-up/nobody", expect=409)
    guest.post_raw("/set-up/nobody", expect=409)
    guest.open("/sign-in")
    guest.fill("/sign-in", user_name="admin.test", password="not the password", expect=400)
    admin = journey.browser("administrator")
    for page in ("/", "/account", "/people", "/studies", "/trail", journey.path("")[:-1]):
        admin.open(page)
    admin.open("/people/add")
    admin.fill("/people/add", user_name="X", full_name="", initials="1", expect=400)
    admin.open("/people/add")
    admin.fill(
        "/people/add", user_name="val.test", full_name="Val Ito", initials="VI"
    )
    _new_account(journey, admin, guest)
    admin.open("/studies/make")
    admin.fill("/studies/make", mode="live", expect=400)


def _new_account(journey: Journey, admin: Browser, guest: Browser) -> None:
    """The one-time link is used by its person, roles are given, and the person leaves."""
    link = admin.find(r"/password/[0-9a-f]{48}")
    guest.open(link)
    guest.fill(link, new_password="short", expect=400)
    guest.open(link)
    guest.fill(link, new_password="meadow lantern copper arch")
    admin.open("/people")
    person = admin.find(r"/people/[0-9a-f]{32}(?=\"[^>]*>\s*Val Ito)")
    admin.open(f"{person}/roles/{journey.study.study_id}")
    admin.fill(f"/roles/{journey.study.study_id}", roles="nurse")
    admin.open(person)
    admin.fill("/link")
    admin.open(f"{person}/leave")
    admin.fill("/leave", reason="Duties changed")


def enrol(journey: Journey) -> None:
    """The coordinator registers and weighs; pounds, commas and futures are refused."""
    coordinator = journey.browser("coordinator")
    coordinator.open(journey.path("participants"))
    for at, code in enumerate(CODES):
        coordinator.open(journey.path("participants/new"))
        coordinator.fill("/new", code=code, consented_on="2026-02-27")
        page = coordinator.at
        coordinator.open(f"{page}/weight")
        for typed in ("154 lb", "70,5", "-3", "400"):
            coordinator.fill("/weight", weight_kg=typed, measured_by="CL", expect=400)
        weight = ("59.6", "63.4", "70.0", "88.8")[at]
        coordinator.fill(
            "/weight", weight_kg=weight, measured_by="CL", measured_on="2026-03-01"
        )
    coordinator.open(f"{page}/card.pdf")
    coordinator.open(f"{page}/replace-card")
    coordinator.fill("/replace-card", expect=400)
    coordinator.fill("/replace-card", reason="damaged")
    coordinator.open(journey.path("participants/new"))
    coordinator.fill("/new", code="no names", consented_on="2026-02-27", expect=400)


def order(journey: Journey) -> None:
    """The investigator signs eligibility and orders; a wrong password signs nothing."""
    investigator = journey.browser("investigator")
    for code in CODES:
        page = journey.participant(investigator, code)
        investigator.open(f"{page}/eligibility")
        investigator.fill("/eligibility", password="not the password", expect=403)
        journey.clock.move(seconds=30)
        investigator.fill("/eligibility", password=PASSWORD)
    for code in PREPARED:
        page = journey.participant(investigator, code)
        investigator.open(f"{page}/order")
        order = {"first_day": "2026-03-02", "password": PASSWORD}
        investigator.fill("/order", visit="W99", expect=400, **order)
        investigator.fill("/order", visit="W0", **order)
