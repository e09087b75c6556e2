"""Weights that stop, one stop each: corrected after planning, under way, and decided on."""

from __future__ import annotations

from pharmacy.demo.cast import PASSWORD
from tests.journeys.breaking_steps import Stops
from tests.journeys.practice import Practice
from tests.journeys.visitor import PHONE, Visitor


def corrected_weights(practice: Practice) -> Stops:
    """One plan is at the bench, one bag on its way, one runs; the fourth weight is decided on."""
    coordinator = practice.window("coordinator")
    for code in ("M-007", "M-008", "M-009"):
        _weigh(coordinator, code, "95.6")
    yield "plan-void", coordinator
    coordinator.follow("Deliveries")
    yield "deliveries-void", coordinator
    nurse = practice.window("nurse", PHONE)
    yield "today-void", nurse
    nurse.follow("M-009")
    yield "infusion-void", nurse
    pharmacist = practice.window("pharmacist")
    pharmacist.follow("Open the room", pharmacist.page.get_by_role("main"))
    practice.opens_the_room(pharmacist, "pharmacist")
    yield "board-void", pharmacist
    done = pharmacist.page.locator(".lane").filter(has_text="Done")
    pharmacist.follow("M-007", done.locator(".card").filter(has_text="day 1"))
    yield "bench-void", pharmacist
    _weigh(coordinator, "M-001", "125")
    yield "weight-stops", coordinator
    investigator = practice.window("investigator")
    investigator.follow("M-001")
    investigator.follow("Decide on the weight")
    yield "decide-weight", investigator
    investigator.press("Sign the decision")
    investigator.faults.clear()  # a form that is refused answers 400
    yield "decide-weight-refused", investigator
    investigator.tick("Dose as 120 kg, the protocol's limit")
    investigator.tick("Fluid gained or lost")
    investigator.type(Your_password=PASSWORD)
    investigator.press("Sign the decision")
    yield "weight-decided", investigator


def _weigh(page: Visitor, code: str, weight: str) -> None:
    page.open("/")
    page.follow(code)
    page.follow("Add a weight")
    page.type(Weight=weight, Measured_by="C. Lindqvist")
    page.press("Add the weight")
