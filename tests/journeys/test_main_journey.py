"""The whole main job, from the set-up link to a used bag, in real browsers by its own people."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

from pharmacy.app import set_up_path
from pharmacy.domain.bag_code import BagCode, Piece, grouped
from tests.journeys import at_the_bench as bench
from tests.journeys import before_release as ready
from tests.journeys import blinded_work as blinded
from tests.journeys import setting_up as morning
from tests.journeys.at_the_bench import Printed
from tests.journeys.cast import (
    CHECKER,
    COORDINATOR,
    EVERYBODY,
    HOLDERS,
    INVESTIGATOR,
    NURSE,
    PHARMACIST,
    SECOND_PHARMACIST,
    STATISTICIAN,
    Journey,
)
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import Windows
from tests.support.fake_camera import blank
from tests.support.world import Clock, build_app

# Local times at the site: 08:52, 09:02 (in the run), 09:40 (before its release), 09:50, 10:50,
# 11:00, 14:35.
BEFORE_THE_RUN = datetime(2026, 3, 2, 14, 52, tzinfo=UTC)
IN_THE_RUN = datetime(2026, 3, 2, 15, 2, tzinfo=UTC)
BEFORE_THE_RELEASE = datetime(2026, 3, 2, 15, 40, tzinfo=UTC)
RELEASED = datetime(2026, 3, 2, 15, 50, tzinfo=UTC)
PAUSED = datetime(2026, 3, 2, 16, 50, tzinfo=UTC)
RESTARTED = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
INFUSED = datetime(2026, 3, 2, 20, 35, tzinfo=UTC)
NOT_STARTED = "I have not started it"
SET_ASIDE = "I have set it aside"


@pytest.fixture
def journey(
    sqlite_url: str, tmp_path: Path, visit: Windows
) -> Iterator[tuple[Journey, str]]:
    """An empty house on a socket, and its set-up link."""
    clock = Clock(BEFORE_THE_RUN)
    app = build_app(sqlite_url, tmp_path, clock, ServedChance("main journey"))
    link = set_up_path(app)
    assert link is not None
    with serving(app) as address:
        yield Journey(address, clock, visit), link
        visit.close()


def test_the_main_job_from_the_set_up_link_to_a_used_bag(journey: tuple[Journey, str]) -> None:
    """A6, A17, B6, E17, G11, K8: list in, blinded label out, scan answered, by its own people."""
    under_way, link = journey
    set_up(under_way, link)
    cards = enrol(under_way)
    get_ready(under_way)
    inner, cover, bag_page = prepare(under_way)
    stop_before_the_release(under_way, inner, cover, cards["M-002"])
    release(under_way, bag_page)
    deliver(under_way, cover)
    infuse(under_way, cover, cards)
    see_the_stops(under_way)


def set_up(journey: Journey, link: str) -> None:
    """Study, people, keys, holders, list."""
    morning.administrator_sets_up(journey, link)
    for player in EVERYBODY:
        morning.person_arrives(journey, player)
    for player in (STATISTICIAN, *HOLDERS):
        morning.makes_keys(journey, player)
    morning.statistician_founds(journey)
    for player in HOLDERS:
        morning.statistician_enrols(journey, player)
    morning.statistician_loads_the_list(journey)


def enrol(journey: Journey) -> dict[str, Printed]:
    """Two participants with cards; the first is weighed, eligible, allocated and ordered for."""
    coordinator, investigator = journey.window(COORDINATOR), journey.window(INVESTIGATOR)
    cards = {"M-007": blinded.coordinator_registers(coordinator, "M-007")}
    cards["M-002"] = blinded.coordinator_registers(coordinator, "M-002")
    blinded.coordinator_weighs(coordinator, "59.6")
    investigator.open("/")
    blinded.investigator_signs_eligibility(investigator, "M-002")
    pharmacist = journey.window(PHARMACIST)
    pharmacist.open("/")
    bench.opens_the_room(journey, PHARMACIST)
    bench.serves_the_oldest_request(pharmacist)
    blinded.investigator_signs_the_order(investigator)
    return cards


def get_ready(journey: Journey) -> None:
    """No bag leaves before a drill was passed and both sealed cards are in their places (J1)."""
    ready.investigator_makes_keys(journey)
    ready.pharmacist_enrols(journey)
    ready.investigator_drills(journey)
    papers = ready.pharmacist_makes_cards(journey, "M-002")
    said = ["".join(page.extract_text() for page in PdfReader(BytesIO(p)).pages) for p in papers]
    assert all("M-002" in text and "receives" in text for text in said)


def prepare(journey: Journey) -> tuple[Printed, Printed, str]:
    """One bag through two pairs of hands to its seal; both its labels, and its page."""
    workstation = journey.window(PHARMACIST)
    workstation.open("/")
    bench.plans(workstation, "M-002")
    inner = bench.labels_the_container(workstation, "M-002")
    journey.clock.at = IN_THE_RUN
    workstation.open(workstation.page.url)
    bench.draws(workstation)
    bench.signs(workstation, "Sign and hand to checker")
    workstation.press("Hand to checker")
    bench.checks_in(journey, workstation, CHECKER, first_time=True)
    bench.checks(workstation)
    workstation.press("Hand to a pharmacist")
    bench.checks_in(journey, workstation, PHARMACIST)
    workstation.press("Print the cover label")
    cover = bench.covers(workstation, inner.code)
    assert "Its release opens at 2 Mar 2026 09:45 CST." in workstation.words
    return inner, cover, workstation.page.url


def release(journey: Journey, bag_page: str) -> None:
    """With its run the bag leaves."""
    journey.clock.at = RELEASED
    workstation = journey.window(PHARMACIST)
    workstation.sign_in(PHARMACIST.user_name, morning.PASSWORD)
    workstation.follow("Open the room", workstation.page.get_by_role("main"))
    workstation.type(Passphrase=journey.passphrases[PHARMACIST])
    workstation.press("Open the room")
    workstation.open(bag_page)
    bench.releases(workstation)


def stop_before_the_release(
    journey: Journey, inner: Printed, cover: Printed, card: Printed
) -> None:
    """What stops the nurse before the bag has left; the open board shows it at once."""
    journey.clock.at = BEFORE_THE_RELEASE
    board = journey.window(SECOND_PHARMACIST)
    board.sign_in(SECOND_PHARMACIST.user_name, morning.PASSWORD)
    nurse = journey.window(NURSE)
    nurse.sign_in(NURSE.user_name, morning.PASSWORD)
    assert "No bag for today" in nurse.words
    camera = journey.visit.camera
    for paper, sentence, act in (
        (cover, "Stop. The pharmacy has not released this bag.", SET_ASIDE),
        (inner, "Stop. This is the inner label.", NOT_STARTED),
        (card, "Stop. This is a participant's card.", NOT_STARTED),
    ):
        blinded.nurse_shows(nurse, camera, paper)
        blinded.leaves_the_stop(nurse, sentence, act)
    camera.shows([blank()])
    forged = BagCode(True, Piece.OUTER_COVER, "0123456789ABCDEF").text
    mistyped = cover.code[:-1] + ("0" if cover.code[-1] != "0" else "1")
    for text, sentence, act in (
        (forged, "Stop. This code is not known.", SET_ASIDE),
        (mistyped, "Stop. This code was not read right.", NOT_STARTED),
    ):
        blinded.nurse_is_stopped(nurse, text, sentence, act)
    board.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    board.page.get_by_text("5 not seen: a nurse met a Stop.").wait_for()


def deliver(journey: Journey, cover: Printed) -> None:
    """The paper goes into the box; at the door the bag is scanned in."""
    paper = bench.packs(journey.window(SECOND_PHARMACIST), "M-002")
    said = "".join(page.extract_text() for page in PdfReader(BytesIO(paper)).pages)
    assert grouped(cover.code) in said
    nurse = journey.window(NURSE)
    blinded.nurse_receives(nurse, journey.visit.camera, cover)


def infuse(journey: Journey, cover: Printed, cards: dict[str, Printed]) -> None:
    """The wrong person, then the right one: Go, start, pause, restart, end; the used bag stops."""
    nurse, camera = journey.window(NURSE), journey.visit.camera
    blinded.nurse_shows(nurse, camera, cover)
    blinded.nurse_shows_the_card(nurse, camera, cards["M-007"])
    blinded.leaves_the_stop(nurse, "Stop. This bag is for another participant.")
    blinded.nurse_shows(nurse, camera, cover)
    nurse.press("Name or birth date does not match")
    blinded.leaves_the_stop(nurse, "Stop. Name and birth date were not confirmed.")
    blinded.nurse_shows(nurse, camera, cover)
    blinded.nurse_shows_the_card(nurse, camera, cards["M-002"])
    assert nurse.heading == "Go. Right bag, right person."
    for text in ("600 mL", "35 mL/hour", "11:40 CST"):
        assert text in nurse.words
    nurse.press("Start the infusion")
    assert "Run at 35 mL/hour" in nurse.words
    journey.clock.at = PAUSED
    blinded.nurse_pauses(nurse, "53", "To take vital signs")
    assert "Restart by" in nurse.words
    journey.clock.at = RESTARTED
    nurse.press("Restart the infusion")
    assert "Run at 143 mL/hour" in nurse.words
    journey.clock.at = INFUSED
    blinded.nurse_ends(nurse, "600")
    blinded.nurse_shows(nurse, camera, cover)
    blinded.leaves_the_stop(nurse, "Stop. This bag was already used.", SET_ASIDE)


def see_the_stops(journey: Journey) -> None:
    """The pharmacy reads every Stop with its sentence and says that it has seen one."""
    pharmacist = journey.window(SECOND_PHARMACIST)
    pharmacist.sign_in(SECOND_PHARMACIST.user_name, morning.PASSWORD)
    pharmacist.follow("Stops", pharmacist.page.get_by_role("navigation"))
    assert pharmacist.heading == "Stops, 8 not seen"
    newest = pharmacist.page.locator("article").first
    assert "This bag was already used." in newest.inner_text()
    pharmacist.press("I have seen this", newest)
    assert pharmacist.heading == "Stops, 7 not seen"
