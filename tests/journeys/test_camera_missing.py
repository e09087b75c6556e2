"""A phone whose camera cannot be had: one sentence says what to do, and everything else goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.journeys.before_the_camera import KNOWN, cover, hears, is_led_to, opens_the_scan
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import ARGUMENTS, CHROMIUM, NO_CAMERA, PHONE, Visitor, Windows
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial
from tests.support.fake_camera import Camera, blank, film
from tests.support.world import Clock


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


def test_refused_permission_leaves_the_rest(
    trial: Trial, bag: str, address: str, visit: Windows
) -> None:
    page = visit(address, PHONE)
    page.sign_in("nurse.test", PASSWORD)
    opens_the_scan(trial, page)
    hears(
        page,
        "The camera is not allowed. Allow it for this site in the browser's settings and try "
        "again, or use the hand scanner, or type the code.",
    )
    page.context.grant_permissions(["camera"])
    page.page.get_by_role("button", name="Try the camera again").click()
    page.films()
    page.scan(trial.code(bag))
    is_led_to(page, KNOWN)


def test_without_a_camera_the_page_says_so(
    trial: Trial, bag: str, address: str, chromium: Browser
) -> None:
    browser = chromium.browser_type.launch(
        executable_path=CHROMIUM, args=[*ARGUMENTS, *NO_CAMERA]
    )
    page = Visitor(browser, address, PHONE, camera=True)
    page.sign_in("nurse.test", PASSWORD)
    opens_the_scan(trial, page)
    hears(page, "No camera was found on this device. Use the hand scanner, or type the code.")
    page.scan(trial.code(bag))
    is_led_to(page, KNOWN)
    browser.close()
    assert page.faults == []


LACKING = {
    "The camera works only where the address begins with https. Tell the administrator. "
    "Use the hand scanner, or type the code.":
        "Object.defineProperty(window, 'isSecureContext', { value: false });",
    "This browser cannot read codes with the camera. Use the hand scanner, or type the code.":
        "delete globalThis.WebAssembly;",
    "The camera does not answer. Close other apps that use it and try again, "
    "or use the hand scanner, or type the code.":
        "navigator.mediaDevices.getUserMedia = async () => {"
        " throw new DOMException('', 'NotReadableError'); };",
}


@pytest.mark.parametrize("sentence", LACKING)
def test_what_a_browser_lacks_is_said_in_a_sentence(
    trial: Trial, bag: str, nurse: Visitor, sentence: str
) -> None:
    """A busy camera, a page without https and a browser without WebAssembly, each stood in for."""
    nurse.context.add_init_script(LACKING[sentence])
    opens_the_scan(trial, nurse)
    hears(nurse, sentence)
    nurse.scan(trial.code(bag))
    is_led_to(nurse, KNOWN)
    nurse.faults[:] = [fault for fault in nurse.faults if "WebAssembly" not in fault]


def test_a_reader_that_cannot_be_loaded_is_said(
    trial: Trial, bag: str, nurse: Visitor, camera: Camera
) -> None:
    """No signal for the wasm: the sentence; with a signal again, one press reads the label."""
    camera.shows(film(cover(trial.code(bag))))
    nurse.context.route("**/*.wasm", lambda route: route.abort())
    opens_the_scan(trial, nurse)
    hears(
        nurse,
        "The code reader could not be loaded. Try again when there is a signal, "
        "or use the hand scanner, or type the code.",
    )
    nurse.faults.clear()
    nurse.context.unroute("**/*.wasm")
    nurse.page.get_by_role("button", name="Try the camera again").click()
    is_led_to(nurse, KNOWN)


LAMP = """
  const tracks = MediaStreamTrack.prototype;
  tracks.getCapabilities = () => ({ torch: true });
  tracks.applyConstraints = async ({ advanced: [wish] }) => { window.lamp = wish.torch; };
"""


def test_the_lamp_is_switched(trial: Trial, nurse: Visitor) -> None:
    """Chromium's camera has no lamp: `LAMP` stands in for one, and for nothing else."""
    opens_the_scan(trial, nurse)
    nurse.films()
    assert nurse.page.get_by_role("button", name="Light").count() == 0
    nurse.context.add_init_script(LAMP)
    nurse.open(nurse.page.url)
    lamp = nurse.page.get_by_role("button", name="Light")
    for pressed in ("true", "false"):
        lamp.click()
        expect(lamp).to_have_attribute("aria-pressed", pressed)
        assert nurse.page.evaluate("window.lamp") is (pressed == "true")
