"""A phone with an authenticator, in a real browser: from the QR code on the screen to the door."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from tests.journeys.inspection import findings
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import DESK, PHONE, Visitor, Windows
from tests.support.authenticator import Phone
from tests.support.browser import open_house
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.world import Clock

CODE = "Code from your authenticator"


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url, Clock(), ServedChance("authenticator"))


@pytest.fixture
def address(trial: Trial, sqlite_url: str, tmp_path: Path, visit: Windows) -> Iterator[str]:
    """An installation where everybody needs a second factor."""
    with serving(open_house(trial, sqlite_url, tmp_path, second_factor=True)) as served:
        yield served
        visit.close()
    trial.engine.dispose()


def scans_the_screen(page: Visitor, trial: Trial) -> Phone:
    """What an independent decoder reads in a picture of the whole page."""
    picture = Image.open(io.BytesIO(page.page.screenshot(full_page=True))).convert("L")
    (found,) = zxingcpp.read_barcodes(picture, formats=zxingcpp.BarcodeFormat.QRCode)
    phone = Phone.scanned(found.text, trial.clock)
    assert phone.key in "".join(page.texts("code.code")).replace(" ", "").replace("\n", "")
    return phone


def sets_up(page: Visitor, trial: Trial) -> tuple[Phone, list[str]]:
    assert page.heading == "Set up your authenticator"
    assert findings(page.page) == []
    phone = scans_the_screen(page, trial)
    page.field("Code the app shows now").fill(phone.code())
    page.press("Set it up")
    assert page.heading == "Your recovery codes"
    assert findings(page.page) == []
    codes = page.texts(".recovery-codes li")
    page.press("I have kept them; go on")
    trial.clock.move(minutes=1)
    return phone, codes


def signs_out(page: Visitor) -> None:
    page.open("/account")
    page.press("Sign out")


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_from_the_picture_on_the_screen_to_the_next_sign_in(
    address: str, visit: Windows, trial: Trial, size
) -> None:
    """G7: the code that the scanned key gives opens, and the password alone does not."""
    nurse = visit(address, size)
    nurse.sign_in("nurse.test", PASSWORD)
    phone, codes = sets_up(nurse, trial)
    assert nurse.heading == "Today"
    signs_out(nurse)
    nurse.sign_in("nurse.test", PASSWORD)
    assert nurse.heading == "One more step"
    assert findings(nurse.page) == []
    nurse.field(CODE).fill("000000")
    nurse.press("Sign in")
    assert "not accepted" in nurse.words
    nurse.faults.clear()  # a form that is refused answers 400
    nurse.field(CODE).fill(phone.code())
    nurse.press("Sign in")
    assert nurse.heading == "Today"
    signs_out(nurse)
    nurse.follow("use a recovery code")
    assert findings(nurse.page) == []
    nurse.type(User_name="nurse.test", Password=PASSWORD, Recovery_code=codes[0])
    nurse.press("Sign in")
    assert "A recovery code let you in" in nurse.words
    assert nurse.heading == "Set up another authenticator"
    assert findings(nurse.page) == []


def test_a_lost_phone(address: str, visit: Windows, trial: Trial) -> None:
    """G20: the administrator ends it, hands a link over, and the person scans a new key."""
    admin, nurse = visit(address), visit(address, PHONE)
    admin.sign_in("admin.test", PASSWORD)
    sets_up(admin, trial)
    nurse.sign_in("nurse.test", PASSWORD)
    old, _ = sets_up(nurse, trial)
    admin.open("/people")
    admin.follow("Dana Whitfield")
    assert findings(admin.page) == []
    admin.follow("Let this person set up a new authenticator")
    assert findings(admin.page) == []
    admin.tick("The device was lost")
    admin.press("End it and make the link")
    assert findings(admin.page) == []
    (link,) = admin.texts(".one-time-link")
    nurse.open("/account")
    assert nurse.heading == "Sign in"
    nurse.open(link)
    assert findings(nurse.page) == []
    nurse.type(Password=PASSWORD)
    nurse.press("Go on")
    new, _ = sets_up(nurse, trial)
    assert new.key != old.key
    assert nurse.heading == "Today"
