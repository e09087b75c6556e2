"""The phone's camera as a person meets it: Chromium films labels as they leave the printer (K8)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from labels.codes import Symbol
from pharmacy.domain.bag_code import Piece, make_code
from tests.journeys.before_the_camera import (
    GO,
    KNOWN,
    SPOKEN,
    card,
    cover,
    hears,
    is_led_to,
    leaves_and_returns,
    opens_the_scan,
    scan_rows,
)
from tests.journeys.blinded_work import leaves_the_stop
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import PHONE, Visitor, Windows
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial
from tests.support.fake_camera import (
    HARD,
    NEAR,
    Camera,
    blank,
    film,
    frame,
    side_by_side,
    slip,
)
from tests.support.world import Clock

NOTHING_YET = "Nothing read yet. Hold the label flat, find more light, or type the code."
OTHER = make_code(b"otherbag01", True, Piece.OUTER_COVER)


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url, Clock(), ServedChance("camera"))


@pytest.fixture
def address(trial: Trial, sqlite_url: str, tmp_path: Path, visit: Windows) -> Iterator[str]:
    with serving(blinded_app(trial, sqlite_url, tmp_path)) as served:
        yield served
        visit.close()


@pytest.fixture
def bag(trial: Trial) -> str:
    """A bag that may be started now."""
    return trial.ready_bag()


@pytest.fixture
def nurse(address: str, visit: Windows, camera: Camera) -> Visitor:
    """The nurse's phone, its camera allowed, nothing on the table."""
    camera.shows([blank()])
    page = visit(address, PHONE, camera=True)
    page.sign_in("nurse.test", PASSWORD)
    return page


@pytest.mark.parametrize(
    ("smeared", "view"),
    [((), NEAR), ((Symbol.QR,), NEAR), ((Symbol.DATA_MATRIX,), NEAR), ((), HARD)],
    ids=["either code", "Data Matrix alone", "QR code alone", "tilted, dim, blurred"],
)
def test_the_label_is_read_without_a_tap(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera, smeared, view
) -> None:
    camera.shows(film(cover(trial.code(bag), smeared), view))
    opens_the_scan(trial, nurse)
    is_led_to(nurse, KNOWN)
    assert [row.method for row in scan_rows(trial)] == ["camera"]


def test_a_label_that_cannot_be_read_is_typed(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    """E17: after eight seconds the page says what else there is, and leads there."""
    camera.shows(film(cover(trial.code(bag), (Symbol.QR, Symbol.DATA_MATRIX))))
    opens_the_scan(trial, nurse)
    nurse.films()
    hears(nurse, NOTHING_YET)
    nurse.page.get_by_role("button", name="Type the code", exact=True).click()
    nurse.page.keyboard.type(trial.code(bag).lower())
    nurse.field("Why it is typed").select_option(label="The label is smeared or torn")
    nurse.press("Go on with this code")
    is_led_to(nurse, KNOWN)
    assert [(row.method, row.typed_reason) for row in scan_rows(trial)] == [("typed", "smeared")]


def test_from_the_bag_to_go_with_the_camera_alone(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    """A11: the bag, still in the picture, is not taken for the card; the box is ticked later."""
    camera.shows(film(cover(trial.code(bag))))
    opens_the_scan(trial, nurse)
    is_led_to(nurse, KNOWN)
    hears(nurse, "That is the bag. Now show the participant's card.")
    camera.shows(film(card(trial.card())))
    nurse.open(nurse.page.url)
    hears(nurse, "Card read. Tick the box once the person has said both.")
    assert nurse.heading == KNOWN
    assert nurse.field("Participant's card").input_value() == trial.card()
    nurse.field(SPOKEN).click()
    is_led_to(nurse, GO)


def test_the_card_is_sent_at_once_when_the_box_is_ticked(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    opens_the_scan(trial, nurse)
    nurse.scan(trial.code(bag))
    nurse.tick(SPOKEN)
    camera.shows(film(card(trial.card())))
    leaves_and_returns(nurse)
    is_led_to(nurse, GO)


def test_another_card_can_be_read_before_the_box_is_ticked(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    opens_the_scan(trial, nurse)
    nurse.scan(trial.code(bag))
    camera.shows(film(card(make_code(b"wrongcard1", True, Piece.CARD))))
    leaves_and_returns(nurse)
    hears(nurse, "Card read. Tick the box once the person has said both.")
    camera.shows(film(card(trial.card())))
    nurse.page.get_by_role("button", name="Read another card").click()
    expect(nurse.field("Participant's card")).to_have_value(trial.card(), timeout=15_000)
    nurse.field(SPOKEN).click()
    is_led_to(nurse, GO)


def test_a_card_on_the_bag_page_and_a_bag_on_the_card_page_stop(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    """What our codes are, the server says."""
    camera.shows(film(card(trial.card())))
    opens_the_scan(trial, nurse)
    is_led_to(nurse, "Stop. This is a participant's card.")
    leaves_the_stop(nurse, "Stop. This is a participant's card.", "I have not started it")
    camera.shows(film(cover(OTHER)))
    nurse.open(f"/study/{trial.study_id}/scan")
    is_led_to(nurse, "Stop. This code is not known.")


def test_a_bag_shown_as_the_card_is_answered_by_the_server(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    camera.shows(film(cover(trial.code(bag))))
    opens_the_scan(trial, nurse)
    is_led_to(nurse, KNOWN)
    camera.shows(film(cover(OTHER)))
    nurse.tick(SPOKEN)
    leaves_and_returns(nurse)
    expect(nurse.page.locator("[data-verdict]")).to_have_attribute("data-verdict", "stop")


def test_a_foreign_code_is_passed_by(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    camera.shows(film(slip("ANOTHER MAKER 123")))
    opens_the_scan(trial, nurse)
    hears(nurse, "That code belongs to something else. Show the code on our label.")
    assert scan_rows(trial) == []
    camera.shows(film(side_by_side(cover(trial.code(bag)), slip("ANOTHER MAKER 123"), -32)))
    nurse.open(nurse.page.url)
    is_led_to(nurse, KNOWN)


def test_two_labels_in_one_picture_are_not_chosen_between(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    camera.shows(film(side_by_side(cover(trial.code(bag)), cover(OTHER), 36)))
    opens_the_scan(trial, nurse)
    hears(nurse, "Two labels are in the picture. Show only one.")
    assert scan_rows(trial) == []


def test_a_flicker_of_another_code_does_not_count(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    """Never two frames alike one after the other: nothing is believed, however often it comes."""
    # All different, so that frames which a busy machine drops do not bring two alike together.
    codes = [make_code(f"flicker{n:03}".encode(), True, Piece.OUTER_COVER) for n in range(12)]
    one = frame(cover(trial.code(bag)))
    camera.shows([blank(), one, *(frame(cover(code)) for code in codes)])
    opens_the_scan(trial, nurse)
    nurse.films()
    nurse.page.wait_for_timeout(4000)
    assert scan_rows(trial) == []
    camera.shows([blank(), one, blank(), one])
    nurse.open(nurse.page.url)
    is_led_to(nurse, KNOWN)


def test_the_camera_rests_while_the_page_is_hidden(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    opens_the_scan(trial, nurse)
    nurse.films()
    track = nurse.page.evaluate_handle(
        "document.querySelector('video').srcObject.getVideoTracks()[0]"
    )
    camera.shows(film(cover(trial.code(bag))))
    leaves_and_returns(nurse)
    assert track.evaluate("track => track.readyState") == "ended"
    is_led_to(nurse, KNOWN)


def test_back_starts_the_camera_again(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    """By the back button, and from a page that the browser kept as it was."""
    opens_the_scan(trial, nurse)
    nurse.scan(trial.code(bag))
    is_led_to(nurse, KNOWN)
    nurse.page.go_back()
    nurse.films()
    nurse.page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide'))")
    assert nurse.page.evaluate("document.querySelector('video').srcObject") is None
    camera.shows(film(cover(trial.code(bag))))
    nurse.page.evaluate(
        "window.dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"
    )
    is_led_to(nurse, KNOWN)
    assert [row.method for row in scan_rows(trial)] == ["scanner", "camera"]


def test_the_hand_scanner_goes_on_beside_the_camera(
    trial: Trial, bag: str, nurse: Visitor
) -> None:
    """The field has the focus, a scan lands in it, and it is kept as a scanner's."""
    opens_the_scan(trial, nurse)
    nurse.films()
    nurse.scan(trial.code(bag))
    is_led_to(nurse, KNOWN)
    nurse.films()
    nurse.tick(SPOKEN)
    nurse.scan(trial.card())
    is_led_to(nurse, GO)
    assert [row.method for row in scan_rows(trial)] == ["scanner"]


def test_without_scripts_the_page_still_scans(
    trial: Trial, bag: str, address: str, chromium: Browser
) -> None:
    """No picture, no word of a camera, and the same two ways as ever."""
    context = chromium.new_context(java_script_enabled=False, base_url=address)
    page = context.new_page()
    page.goto("/sign-in")
    page.get_by_label("User name").fill("nurse.test")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.goto(f"/study/{trial.study_id}/scan")
    assert not page.locator("[data-camera]").is_visible()
    page.get_by_label("Code on the bag's cover").fill(trial.code(bag))
    page.get_by_role("button", name="Go on", exact=True).click()
    expect(page.locator("h1")).to_have_text(KNOWN)
    context.close()


def test_the_picture_fits_the_smallest_phone(trial: Trial, bag: str, nurse: Visitor) -> None:
    nurse.page.set_viewport_size({"width": 320, "height": 568})
    opens_the_scan(trial, nurse)
    nurse.films()
    wide = "document.documentElement.scrollWidth"
    assert nurse.page.evaluate(wide) == 320
    box = nurse.page.locator(".camera-view").bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 568
    nurse.scan(trial.code(bag))
    nurse.films()
    assert nurse.page.evaluate(wide) == 320


def test_the_bag_just_received_is_passed_over(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    """The phone still points at it when the next one is asked for."""
    camera.shows(film(cover(trial.code(bag))))
    nurse.open(f"/study/{trial.study_id}/receive")
    is_led_to(nurse, "Received. Bag 1 of 1.")
    nurse.open(f"/study/{trial.study_id}/receive?next=bag")
    hears(nurse, "This bag is in. Show the next one.")
    nurse.open(f"/study/{trial.study_id}/receive")
    is_led_to(nurse, "Received. Bag 1 of 1.")
