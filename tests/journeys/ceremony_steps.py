"""Ceremonies that a practice study can be taken through, one stop each: a safety unblinding, a
place given in error, a participant who leaves and is replaced, a list that grows, assessments
taken back.
"""

from __future__ import annotations

from collections.abc import Iterator

from pharmacy.demo.cast import PASSWORD
from tests.journeys.practice import USER_NAMES, Practice
from tests.journeys.visitor import PHONE, Visitor

Stops = Iterator[tuple[str, Visitor]]


def safety_unblinding(practice: Practice) -> Stops:
    """The pharmacist asks, the checker signs as well, and a named physician gets a letter."""
    page = practice.window("pharmacist")
    page.follow("Safety unblinding")
    practice.opens_the_room(page, "pharmacist")
    yield "safety-none", page
    page.follow("Ask for one")
    yield "safety-ask", page
    page.press("Sign, open and print (PDF)")
    page.faults.clear()  # a form that is refused answers 400
    yield "safety-refused", page
    _asks_about(page, "M-008")
    page.type(Your_password=PASSWORD)
    _prints(page, "Sign, open and print (PDF)")
    page.open(page.page.url.removesuffix("/new"))
    assert "Dr. Lee" in page.words
    yield "safety-unblinding", page
    page.page.locator("summary", has_text="Show the letter again").click()
    page.type(Your_password=PASSWORD)
    _prints(page, "Open and print (PDF)")
    page.open(page.page.url)
    assert "Shown 2 times" in page.words
    yield "safety-shown-again", page


def _asks_about(page: Visitor, participant: str) -> None:
    """Why, about whom, to whom; and the second person's signature."""
    page.tick("Expedited safety report", "Treating physician")
    page.page.locator("select[name=participant]").select_option(label=participant)
    page.type(
        Name_of_the_recipient="Dr. Lee",
        Organisation="County Hospital",
        Reason_in_words="Serious event on 1 March; the report is due in seven days.",
        **{"Telephone or e-mail": "205-555-0177"},
        User_name=USER_NAMES["checker"],
        Their_password=PASSWORD,
    )


def _prints(page: Visitor, button: str) -> None:
    with page.page.expect_download():
        page.page.get_by_role("button", name=button, exact=True).click()


def place_in_error(practice: Practice) -> Stops:
    """Reported by the coordinator, confirmed by the investigator, marked by the pharmacist."""
    page = practice.window("coordinator")
    page.follow("M-006")
    page.follow("Report a deviation")
    page.press("Sign the deviation")
    page.faults.clear()  # a form that is refused answers 400
    yield "report-refused", page
    page.tick(
        "Found not to be eligible after the place was given",
        "The participant keeps the place and stays in the study",
    )
    page.type(
        **{
            "What happened, in your words": "The creatinine of screening came after the place.",
            "What was done, and what keeps it from happening again": "Sponsor told. The clinic "
            "waits for every screening value before eligibility is signed.",
        },
        Your_password=PASSWORD,
    )
    page.press("Sign the deviation")
    yield "deviation-reported", page
    page = practice.window("investigator")
    page.follow("Deviations")
    page.follow("Read and confirm")
    yield "confirm-deviation", page
    page.type(Your_password=PASSWORD)
    page.press("Confirm the deviation")
    yield "deviations-confirmed", page
    yield from _marks_the_place(practice)


def _marks_the_place(practice: Practice) -> Stops:
    page = practice.window("pharmacist")
    page.follow("Places")
    yield "places-locked", page
    page.follow("Open the room", page.page.get_by_role("main"))
    practice.opens_the_room(page, "pharmacist")
    yield "places-waiting", page
    page.press("Mark the place")
    page.faults.clear()  # a form that is refused answers 400
    yield "places-refused", page
    page.field("Participant").select_option(label="M-006")
    page.tick("Found not to be eligible after the place was given")
    page.field("In your words").fill("Served on 1 March; screening values were late.")
    page.press("Mark the place")
    yield "place-in-error", page


def leaving_and_replacing(practice: Practice) -> Stops:
    """The investigator signs that somebody left, and that the next one replaces them."""
    page = practice.window("investigator")
    page.follow("M-003")
    page.follow("Replaces somebody who left")
    yield "replaces-nobody", page
    page.open("/")
    page.follow("M-005")
    page.follow("Leaves the treatment")
    page.press("Sign that the participant left")
    page.faults.clear()  # a form that is refused answers 400
    yield "leave-refused", page
    page.tick("The participant withdrew consent to the treatment")
    page.type(Your_password=PASSWORD)
    page.press("Sign that the participant left")
    yield "left-treatment", page
    page.open("/")
    page.follow("M-003")
    page.follow("Replaces somebody who left")
    page.press("Sign the replacement")
    page.faults.clear()  # a form that is refused answers 400
    yield "replaces-refused", page
    page.page.get_by_role("radio").first.check()
    page.type(Your_password=PASSWORD)
    page.press("Sign the replacement")
    yield "replacement-stated", page
    page = practice.window("pharmacist")
    page.follow("Open the room", page.page.get_by_role("main"))
    practice.opens_the_room(page, "pharmacist")
    assert "Has left the treatment" in page.words
    yield "board-left", page


def growing_list(practice: Practice) -> Stops:
    """The statistician makes rows, and is told what a table lacks."""
    page = practice.window("statistician")
    page.follow("Parts of the list")
    page.follow("Make rows here")
    yield "make-rows-locked", page
    page.follow("Open the room", page.page.get_by_role("main"))
    practice.opens_the_room(page, "statistician")
    page.press("Make and seal the rows")
    page.faults.clear()  # a form that is refused answers 400
    yield "make-rows-refused", page
    page.field("All participants (optional)").fill("8")
    page.page.get_by_role("checkbox").check()
    page.type(Password=PASSWORD, Passphrase=practice.said(USER_NAMES["statistician"]))
    page.press("Make and seal the rows")
    yield "part-certificate", page
    page.follow("Parts of the list")
    yield "list-grown", page
    page.follow("Add rows from a table")
    page.press("Add and seal the rows")
    page.faults.clear()  # a form that is refused answers 400
    yield "add-rows-refused", page


def assessments_taken_back(practice: Practice) -> Stops:
    """The outcome assessor at a phone: signed, taken back, to be signed again."""
    page = practice.window("assessor", PHONE, 2)
    yield "assessments-phone", page
    page.follow("Sign for M-009")
    page.type(Your_password=PASSWORD)
    page.press("Sign as complete")
    page.follow("Take the signature back of M-009")
    page.press("Take it back")
    page.faults.clear()  # a form that is refused answers 400
    yield "take-back-refused", page
    page.tick("It was meant for another participant")
    page.type(Your_password=PASSWORD)
    page.press("Take it back")
    yield "assessments-taken-back", page
    page.follow("Sign for M-009")
    yield "sign-again", page


CEREMONIES = (
    safety_unblinding,
    place_in_error,
    leaving_and_replacing,
    growing_list,
    assessments_taken_back,
)
