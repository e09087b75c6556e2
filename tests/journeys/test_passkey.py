"""Passkeys in a real Chromium, with a virtual device that has a finger to press.

The address is http://localhost: a secure context with a name, to which a passkey can belong.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.inspection import findings
from tests.journeys.second_factor_steps import leaves
from tests.journeys.serving import ServedChance, serving
from tests.journeys.test_authenticator import sets_up
from tests.journeys.visitor import DESK, PHONE, Visitor, Windows
from tests.support.browser import open_house
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.world import Clock

MAKE, SHOW = "Make a passkey", "Sign in with a passkey"


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url, Clock(), ServedChance("passkey"))


@pytest.fixture
def address(trial: Trial, sqlite_url: str, tmp_path: Path, visit: Windows) -> Iterator[str]:
    """An installation with a name, where everybody needs a second factor."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    named = f"http://localhost:{port}"
    house = open_house(trial, sqlite_url, tmp_path, second_factor=True, public_url=named)
    with serving(house, port):
        yield named
        visit.close()
    trial.engine.dispose()


class Device:
    """A virtual security key in a visitor's browser."""

    def __init__(self, visitor: Visitor) -> None:
        self._cdp = visitor.context.new_cdp_session(visitor.page)
        self._cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        added = self._cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id: str = added["authenticatorId"]

    def knows_its_person(self, verified: bool) -> None:
        """Whether the finger on it is the right one."""
        said = {"authenticatorId": self._id, "isUserVerified": verified}
        self._cdp.send("WebAuthn.setUserVerified", said)

    def holds(self) -> list[dict[str, Any]]:
        """The passkeys on it."""
        said = self._cdp.send("WebAuthn.getCredentials", {"authenticatorId": self._id})
        found: list[dict[str, Any]] = said["credentials"]
        return found


def makes(page: Visitor, name: str = "work computer") -> None:
    page.type(Name_of_this_passkey=name, Your_password=PASSWORD)
    page.press(MAKE)


def comes_back(page: Visitor, who: str) -> None:
    """Sign out, and in again as far as the second step."""
    page.open("/account")
    leaves(page)
    page.type(User_name=f"{who}.test", Password=PASSWORD)
    page.press("Sign in")
    assert page.heading == "One more step"


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_an_unblinded_person_is_asked_makes_one_and_comes_in_with_it(
    address: str, visit: Windows, trial: Trial, size
) -> None:
    """G7: from the page that asks to the next sign-in, by the device's own ceremony."""
    page = visit(address, size)
    device = Device(page)
    page.sign_in("pharmacist.test", PASSWORD)
    sets_up(page, trial)
    assert page.heading == "Your passkeys"
    assert "You work unblinded" in page.words
    assert findings(page.page) == []
    makes(page)
    assert "The passkey was made" in page.words
    assert "You work unblinded" not in page.words
    assert findings(page.page) == []
    (held,) = device.holds()
    assert (held["rpId"], held["isResidentCredential"]) == ("localhost", True)
    comes_back(page, "pharmacist")
    assert findings(page.page) == []
    page.press(SHOW)
    page.open("/account")
    assert page.heading == "Your account"
    assert "work computer" in page.words
    page.follow("Your passkeys")
    page.follow("Remove work computer")
    assert page.heading == "Remove work computer"
    assert findings(page.page) == []
    page.type(Your_password=PASSWORD)
    page.press("Remove it")
    assert "No passkey yet" in page.words


def test_what_goes_wrong_is_said_and_can_be_tried_again(
    address: str, visit: Windows, trial: Trial
) -> None:
    """Cancelled, the wrong finger, a device that has one already, fields left empty."""
    page = visit(address)
    device = Device(page)
    page.sign_in("nurse.test", PASSWORD)
    sets_up(page, trial)
    page.open("/account/passkeys")
    says = page.page.locator("[data-passkey-error]")
    button = page.page.get_by_role("button", name=MAKE, exact=True)
    button.click()
    assert says.inner_text() == "Fill in the fields above first."
    assert device.holds() == []
    makes(page)
    page.type(Name_of_this_passkey="the same once more", Your_password=PASSWORD)
    button.click()
    says.filter(has_text="has a passkey of yours already").wait_for()
    comes_back(page, "nurse")
    device.knows_its_person(False)
    page.page.get_by_role("button", name=SHOW, exact=True).click()
    says.filter(has_text="Nothing was sent").wait_for()
    device.knows_its_person(True)
    page.press(SHOW)
    assert page.heading == "Today"


def test_a_wrong_password_keeps_the_name_and_the_next_try_counts(
    address: str, visit: Windows, trial: Trial
) -> None:
    """Made once more on the same device, it takes the place of the one that was not kept."""
    page = visit(address)
    device = Device(page)
    page.sign_in("nurse.test", PASSWORD)
    sets_up(page, trial)
    page.open("/account/passkeys")
    page.type(Name_of_this_passkey="blue key", Your_password="wrong wrong wrong")
    page.press(MAKE)
    assert "This is not your password" in page.words
    page.faults.clear()  # a form that is refused answers 403
    assert page.field("Name of this passkey").input_value() == "blue key"
    page.type(Your_password=PASSWORD)
    page.press(MAKE)
    assert "The passkey was made" in page.words
    assert len(device.holds()) == 1


def test_a_browser_without_passkeys_says_so(address: str, visit: Windows, trial: Trial) -> None:
    """Feature detection: no button that could not work, and the way on."""
    page = visit(address)
    page.context.add_init_script("delete window.PublicKeyCredential")
    page.sign_in("nurse.test", PASSWORD)
    sets_up(page, trial)
    page.open("/account/passkeys")
    assert "This browser has no passkeys. Use another browser, or the authenticator." in page.words
    assert page.page.get_by_role("button", name=MAKE, exact=True).count() == 0
