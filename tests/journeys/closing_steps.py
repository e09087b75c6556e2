"""The end of the practice study, one stop each: a report and its assessment, the lock, the rest."""

from __future__ import annotations

from collections.abc import Iterator

from pharmacy.demo.cast import PASSWORD
from tests.journeys.practice import USER_NAMES, Practice
from tests.journeys.visitor import PHONE, Visitor

Stops = Iterator[tuple[str, Visitor]]


def the_end(practice: Practice) -> Stops:
    """From the tap of somebody who may have been unblinded to the signed archive."""
    yield from _a_report(practice)
    coordinator = practice.window("coordinator")
    coordinator.follow("Study stage")
    yield "study-stage", coordinator
    coordinator.press("Sign the data lock")
    coordinator.faults.clear()  # a form that is refused answers 400
    yield "study-stage-refused", coordinator
    _states_the_lock(coordinator)
    yield "study-stage-stated", coordinator
    statistician, pharmacist = practice.window("statistician"), practice.window("pharmacist")
    for who, page in (("statistician", statistician), ("pharmacist", pharmacist)):
        page.follow("Study end")
        page.follow("Open the room", page.page.get_by_role("main"))
        practice.opens_the_room(page, who)
    yield "study-end-waits", pharmacist
    yield "study-end-confirm", statistician
    statistician.press("Confirm and sign")
    statistician.faults.clear()  # a form that is refused answers 400
    yield "study-end-refused", statistician
    _confirms(practice, statistician, "statistician")
    yield from _unblinded_and_closed(practice, statistician, pharmacist)
    coordinator.follow("Study stage")
    yield "study-stage-closed", coordinator


def _a_report(practice: Practice) -> Stops:
    """One tap, words afterwards, and what the pharmacist finds; the last infusion ends."""
    nurse = practice.window("nurse", PHONE, 2)
    nurse.open(nurse.page.url.rsplit("/", 1)[0] + "/reports")
    yield "reports-none", nurse
    nurse.open("/")
    nurse.press("I may have been unblinded")
    yield "reported", nurse
    nurse.field("What happened, if you like to write it").fill("A carton stood open.")
    nurse.press("Seal and send")
    yield "reported-with-words", nurse
    nurse.follow("Report", nurse.page.get_by_role("main"))
    yield "reports", nurse
    nurse.open("/")
    nurse.follow("M-009")
    nurse.page.locator("summary", has_text="End the infusion").click()
    nurse.type(Volume_infused="120", Your_password=PASSWORD)
    nurse.tick("Trouble with the line or the pump")
    nurse.press("End and sign")
    pharmacist = practice.window("second_pharmacist")
    pharmacist.follow("Reports")
    practice.opens_the_room(pharmacist, "second_pharmacist")
    yield "report-assess", pharmacist
    pharmacist.press("Sign the assessment")
    pharmacist.faults.clear()  # a form that is refused answers 400
    yield "report-assess-refused", pharmacist
    pharmacist.tick("It cannot be told")
    pharmacist.type(Why="The carton carries no name.", Password=PASSWORD)
    pharmacist.press("Sign the assessment")
    yield "report-assessed", pharmacist


def _states_the_lock(coordinator: Visitor) -> None:
    coordinator.type(
        Day_on_which_the_database_of_record_was_locked="2026-03-01",
        Reference_of_the_lock="DL-2026-014",
        Password=PASSWORD,
    )
    coordinator.tick("I have seen which bags are still out")
    coordinator.press("Sign the data lock")


def _unblinded_and_closed(practice: Practice, statistician: Visitor, pharmacist: Visitor) -> Stops:
    """Each asks once and confirms once; then both sign the archive."""
    pharmacist.follow("Study end")
    yield "study-end-ask", pharmacist
    _asks(pharmacist)
    statistician.follow("Study end")
    yield "study-end-unblind", statistician
    _confirms(practice, statistician, "statistician")
    yield "study-end-unblinded", statistician
    _asks(statistician)
    yield "study-end-asked", statistician
    pharmacist.follow("Study end")
    _confirms(practice, pharmacist, "pharmacist")
    yield "study-end-archive", pharmacist
    for who, page in (("pharmacist", pharmacist), ("statistician", statistician)):
        page.follow("Study end")
        page.type(Passphrase=practice.said(USER_NAMES[who]))
        page.press("Sign the archive")
    yield "study-end-closed", statistician


def _asks(page: Visitor) -> None:
    page.type(Password=PASSWORD)
    page.press("Sign the request")


def _confirms(practice: Practice, page: Visitor, who: str) -> None:
    page.type(Password=PASSWORD, Passphrase=practice.said(USER_NAMES[who]))
    page.press("Confirm and sign")
