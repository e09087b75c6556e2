"""The code-break cards' pages, one stop each: printed and sealed, counted, told of when opened."""

from __future__ import annotations

from pharmacy.demo.cast import PASSWORD
from tests.journeys.before_release import prints, seals
from tests.journeys.breaking_steps import Stops
from tests.journeys.practice import Practice


def break_cards(practice: Practice) -> Stops:
    """The pharmacist makes another card, the coordinator counts and tells of one that was used."""
    page = practice.window("pharmacist")
    page.follow("Code-break cards")
    practice.opens_the_room(page, "pharmacist")
    yield "break-cards", page
    page.follow("Details M-005, pharmacy")
    yield "break-card-sealed", page
    page.press("Open and print (PDF)")
    page.faults.clear()  # a form that is refused answers 400
    yield "break-card-refused", page
    page.field("Why another card").select_option(
        label="Spoilt at the printer or while it was sealed"
    )
    prints(page, "TE-004711")
    page.follow("Code-break cards", page.page.get_by_role("main"))
    page.follow("Seal M-005, pharmacy")
    yield "break-card", page
    seals(page, "TE-004711")
    coordinator = practice.window("coordinator")
    coordinator.follow("Code-break seals")
    yield "break-seals", coordinator
    coordinator.follow("Count this set")
    yield "count-seals", coordinator
    coordinator.press("Sign the count")
    coordinator.faults.clear()  # a form that is refused answers 400
    yield "count-seals-refused", coordinator
    questions = coordinator.page.locator("main fieldset").filter(has_text="Seal intact")
    for question in questions.all():
        question.get_by_label("Seal intact", exact=True).check()
    questions.last.get_by_label("Not there", exact=True).check()
    coordinator.type(Your_password=PASSWORD)
    coordinator.press("Sign the count")
    yield "break-seals-missing", coordinator
    coordinator.follow("It was opened M-005, on-call physician")
    yield "card-opened", coordinator
    coordinator.press("Sign and record")
    coordinator.faults.clear()  # a form that is refused answers 400
    yield "card-opened-refused", coordinator
    coordinator.field("Or the name of somebody without an account").fill("Dr. Ames")
    coordinator.type(Day_it_was_opened="2026-03-02", Time_it_was_opened="03:20")
    coordinator.tick("Treatment of an emergency depended on it")
    coordinator.type(Your_password=PASSWORD)
    coordinator.press("Sign and record")
    yield "card-opened-told", coordinator
