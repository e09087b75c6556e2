"""Walks past every main page, one person each: a walk stops at each page and says its name.

Whoever takes a walk looks at the page where it stops. All but `new_study` lead through the
practice study.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from pharmacy.demo.cast import PASSWORD
from tests.journeys import at_the_bench as bench
from tests.journeys.breaking_steps import code_break
from tests.journeys.card_steps import break_cards
from tests.journeys.ceremony_steps import CEREMONIES
from tests.journeys.closing_steps import the_end
from tests.journeys.key_steps import keys_renewed, other_words
from tests.journeys.practice import USER_NAMES, Practice
from tests.journeys.second_factor_steps import making_a_passkey, without_a_code
from tests.journeys.visitor import PHONE, Visitor
from tests.journeys.weight_steps import corrected_weights
from tests.support.fake_camera import NEAR, Paper, frame, label

Stops = Iterator[tuple[str, Visitor]]


def visitor(practice: Practice) -> Stops:
    """Somebody without an account."""
    page = practice.visit(practice.address)
    page.open("/")
    yield "sign-in", page


def administrator(practice: Practice) -> Stops:
    """People, roles, links, studies."""
    page = practice.window("administrator")
    yield "people", page
    page.open("/people/add")
    yield "add-person", page
    page.open("/people")
    page.follow("Noor Haddad")
    yield "person", page
    page.follow("Change the roles in MIGHT (practice)")
    yield "roles", page
    page.follow("Leave as it is")
    page.follow("End the account")
    yield "leave", page
    page.follow("Keep the account")
    page.press("Make a new link")
    yield "one-time-link", page
    (link,) = page.texts(".one-time-link")
    page.open("/studies")
    yield "studies", page
    page.follow("MIGHT", page.page.get_by_role("main"))
    yield "study", page
    page.follow("Add a site")
    yield "add-site", page
    page.open("/studies/make")
    yield "make-study", page
    page.follow("Installation's trail")
    page.type(Find_an_event_or_a_subject="study")
    page.press("Find")
    yield "installation-trail", page
    page.open(link)
    yield "choose-password", page


def statistician(practice: Practice) -> Stops:
    """Certificate, its opening, holders, keys."""
    page = practice.window("statistician")
    yield "certificate", page
    page.follow("Reveal the opening")
    yield "opening-locked", page
    page.follow("Open the room", page.page.get_by_role("main"))
    practice.opens_the_room(page, "statistician")
    yield "opening", page
    page.field("Reason").select_option(label="An auditor or monitor checks the certificate")
    page.type(Passphrase=practice.said(USER_NAMES["statistician"]))
    page.press("Reveal the opening")
    yield "opening-shown", page
    page.follow("I have noted it; go on")
    page.follow("Parts of the list")
    yield "list-parts", page
    page.follow("Make rows here")
    yield "make-rows", page
    page.follow("Parts of the list")
    page.follow("Add rows from a table")
    yield "add-rows", page
    page.follow("Places")
    yield "places", page
    page.follow("Holders")
    yield "holders", page
    page.follow("Recovery")
    yield "recovery", page
    page.follow("Record", page.page.get_by_role("row").filter(has_text="Sheet A1"))
    yield "recovery-place", page
    page.type(Custodian="Dana Whitfield", Place="University Hospital, pharmacy safe 2")
    page.type(Seal_number="TB-0417", Password=PASSWORD)
    page.tick("The custodian is unblinded or no part of this study")
    page.press("Sign and record")
    page.follow("Check")
    yield "recovery-check", page
    page.follow("Recovery", page.page.get_by_role("main"))
    page.follow("Begin the drill")
    yield "recovery-drill", page
    page.open(page.page.url.replace("/drill", "/use"))
    yield "recovery-use", page
    page.follow("Your keys")
    yield "keys", page


def coordinator(practice: Practice) -> Stops:
    """Participants, weights, cards, deliveries."""
    page = practice.window("coordinator")
    yield "participants", page
    page.follow("Register a participant")
    yield "register", page
    page.press("Register")
    page.faults.clear()  # a form that is refused answers 400
    yield "register-refused", page
    page.follow("Back to the list")
    page.follow("M-002")
    page.follow("Add a weight")
    yield "weigh", page
    page.follow("Back")
    page.follow("Replace the card")
    yield "replace-card", page
    page.follow("Keep the card")
    page.follow("Revoke the card")
    yield "revoke-card", page
    page.follow("Deliveries")
    yield "deliveries", page
    page.follow("Deviations")
    yield "deviations", page


def investigator(practice: Practice) -> Stops:
    """Eligibility and orders."""
    page = practice.window("investigator")
    page.follow("M-003")
    page.follow("Sign eligibility")
    yield "eligibility", page
    page.open("/")
    page.follow("M-001")
    yield "participant", page
    page.follow("Sign an order")
    yield "order", page
    page.follow("Assessments")
    yield "assessments", page
    page.follow("Sign for M-001")
    yield "sign-assessments", page
    page.type(Your_password=PASSWORD)
    page.press("Sign as complete")
    page.follow("Take the signature back of M-001")
    yield "take-assessments-back", page
    page.open("/")
    page.follow("M-001")
    page.follow("Report a deviation")
    yield "report-deviation", page
    page.follow("Back")
    page.follow("Leaves the treatment")
    yield "leaves-treatment", page
    page.open("/")
    page.follow("M-003")
    page.follow("Replaces somebody who left")
    yield "replaces", page


def monitor(practice: Practice) -> Stops:
    """The blinded trail, and one's own account."""
    page = practice.window("monitor")
    page.follow("Audit trail")
    page.type(Find_an_event_or_a_subject="M-008")
    page.press("Find")
    yield "trail", page
    page.open("/account")
    yield "account", page
    page.follow("Set up your authenticator")
    yield "authenticator", page


def pharmacist(practice: Practice) -> Stops:
    """The board, a plan, one bag at the bench."""
    page = practice.window("pharmacist")
    yield "board-locked", page
    page.follow("Open the room", page.page.get_by_role("main"))
    yield "open-the-room", page
    practice.opens_the_room(page, "pharmacist")
    yield "board", page
    page.follow("M-005")
    yield "plan", page
    page.follow("Board", page.page.get_by_role("main"))
    page.follow("M-006", page.page.locator(".lane .card").filter(has_text="day 1").first)
    yield "inner-label", page
    inner = bench.Printed(page.get("Open the inner label (PDF)")).code
    page.scan(inner)
    yield "what-to-draw", page
    page.press("Show what to draw")
    page.page.get_by_text("Type lot and expiry instead").click()
    yield "draw-by-typing", page
    page.page.get_by_text("Something went wrong?").click()
    yield "bench-mending", page
    yield from _from_the_draw_to_the_release(practice, page, inner)
    page.follow("Stops")
    yield "stops-none", page


def _from_the_draw_to_the_release(practice: Practice, page: Visitor, inner: str) -> Stops:
    bench.draws(page)
    yield "draw", page
    bench.signs(page, "Sign and hand to checker", PASSWORD)
    yield "hand-over", page
    page.press("Hand to checker")
    yield "check-in", page
    _takes_over(practice, page, "checker")
    bench.draws(page)
    bench.signs(page, "Sign the check", PASSWORD)
    page.press("Hand to a pharmacist")
    _takes_over(practice, page, "pharmacist")
    yield "print", page
    page.press("Print the cover label")
    yield "cover", page
    bench.covers(page, inner)
    yield "release-waits", page
    practice.wait(minutes=2)
    page.open(page.page.url)
    yield "release", page
    page.type(Your_password=PASSWORD)
    page.press("Sign and release")
    yield "released", page


def _takes_over(practice: Practice, page: Visitor, who: str) -> None:
    user_name = USER_NAMES[who]
    bench.takes_over(page, user_name, PASSWORD, practice.said(user_name))


def checker(practice: Practice) -> Stops:
    """The dummy list, then the second pair of eyes."""
    page = practice.window("checker")
    page.follow("Open the room", page.page.get_by_role("main"))
    practice.opens_the_room(page, "checker")
    page.follow("Dummy list")
    yield "dummy-list", page
    page.press("Sign and confirm")
    page.faults.clear()  # a form that is refused answers 400
    yield "dummy-list-refused", page
    page.tick(
        "The rows are those of the rules, and the commitment is the one on the printed "
        "certificate."
    )
    page.type(Password=PASSWORD)
    page.press("Sign and confirm")
    yield "dummy-list-confirmed", page
    page.follow("Board")
    page.follow("M-007", page.page.locator(".lane").filter(has_text="To check"))
    yield "check", page


def nurse(practice: Practice) -> Stops:
    """Today, the scan, every kind of answer, the running infusion and its end."""
    page = practice.window("nurse", PHONE, 2, camera=True)
    cover = label(practice.cover_label("M-008"))
    _nearly_shows(practice, cover, down_px=375)
    yield "today", page
    page.follow("Receive a delivery")
    page.films()
    yield "receive", page
    page.scan(practice.said("M-008", "bag").replace(" ", ""))
    yield "received", page
    page.follow("All bags are here")
    page.follow("Scan the bag")
    page.films()
    yield "scan", page
    page.scan(practice.said("M-008", "card").replace(" ", ""))
    yield "stop", page
    page.press("I have not started it")
    page.follow("Scan the bag")
    _nearly_shows(practice, cover, down_px=-330)
    page.scan(practice.said("M-008", "bag").replace(" ", ""))
    page.films()
    yield "bag-known", page
    page.tick("The person said name and birth date, and both are on the identity sheet")
    page.scan(practice.said("M-008", "card").replace(" ", ""))
    yield "go", page
    page.follow("Not now")
    page.follow("M-009")
    yield "infusion", page
    page.page.locator("summary").get_by_text("Pause", exact=True).click()
    yield "pause", page
    page.press("Record the pause")
    page.faults.clear()  # a form that is refused answers 400
    yield "pause-refused", page
    page.type(Volume_on_the_pump="15")
    page.tick("The participant has a reaction")
    page.press("Record the pause")
    yield "paused", page
    page.press("Restart the infusion")
    page.page.locator("summary", has_text="End the infusion").click()
    yield "end", page
    page.type(Volume_infused="120", Your_password=PASSWORD)
    page.tick("Trouble with the line or the pump")
    page.press("End and sign")
    yield "infusion-ended", page
    pharmacist = practice.window("second_pharmacist")
    pharmacist.follow("Stops")
    yield "stops", pharmacist


def _nearly_shows(practice: Practice, paper: Paper, down_px: int) -> None:
    """A hand that is still on its way: a label in the picture, and its codes not yet."""
    practice.visit.camera.shows([frame(paper, replace(NEAR, down_px=down_px))])


def second_nurse(practice: Practice) -> Stops:
    """Somebody takes over in mid-infusion."""
    page = practice.window("second_nurse", PHONE, 2)
    page.follow("Scan the bag")
    page.scan(practice.said("M-009", "bag").replace(" ", ""))
    page.tick("The person said name and birth date, and both are on the identity sheet")
    page.scan(practice.said("M-009", "card").replace(" ", ""))
    yield "resume", page


WALKS: tuple[Callable[[Practice], Stops], ...] = (
    visitor,
    administrator,
    statistician,
    coordinator,
    investigator,
    monitor,
    pharmacist,
    checker,
    nurse,
    second_nurse,
    code_break,
    without_a_code,
    break_cards,
    making_a_passkey,
    corrected_weights,
    keys_renewed,
    other_words,
    the_end,
    *CEREMONIES,
)
