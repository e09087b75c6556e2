"""The server is killed between every two steps of the nurse's way, and goes on where it stood. D6.

gunicorn as `serve` runs it, SIGKILL to all its processes, the same port again; a real Chromium
that never learns of it but by a page that does not come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error

from tests.journeys.blinded_work import nurse_confirms, nurse_ends
from tests.journeys.visitor import PHONE, Visitor
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.killing import events_of, unsound
from tests.support.real_server import RealServer


@dataclass
class Cut:
    """A nurse at her phone, and the server she does not know of."""

    trial: Trial
    bag_id: str
    server: RealServer
    nurse: Visitor

    def between(self) -> None:
        """The server dies and comes back; the page is reloaded and is the same."""
        heading = self.nurse.heading
        self.server.kill()
        self.server.start()
        self.nurse.page.reload(wait_until="domcontentloaded")
        assert self.nurse.heading == heading

    def at_the_press(self, button: str) -> None:
        """The server is dead when the button is pressed; back on the page it is pressed again."""
        page, path = self.nurse.page, self.nurse.page.url
        self.server.kill()
        with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
            page.get_by_role("button", name=button, exact=True).click()
            page.goto(path)
        self.server.start()
        page.goto(path, wait_until="domcontentloaded")
        self.nurse.press(button)


@pytest.fixture
def cut(chromium: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[Cut]:
    trial = make_trial(sqlite_url)
    bag_id = trial.ready_bag()
    trial.units.close()
    with RealServer(trial, sqlite_url, tmp_path) as server:
        nurse = Visitor(chromium, server.address, PHONE)
        yield Cut(trial, bag_id, server, nurse)
        nurse.close()
    assert unsound(sqlite_url) == []


def test_the_nurses_way_goes_on_after_each_kill(cut: Cut, sqlite_url: str) -> None:
    """K8: still signed in, nothing lost, nothing twice, from the scan to the signed end."""
    nurse, trial = cut.nurse, cut.trial
    nurse.sign_in("nurse.test", PASSWORD)
    code, card = trial.code(cut.bag_id), trial.card()
    cut.between()
    nurse.open(f"/study/{trial.study_id}/scan")
    cut.between()
    nurse.scan(code)
    cut.between()
    nurse_confirms(nurse, card)
    assert nurse.heading == "Go. Right bag, right person."
    cut.between()
    cut.at_the_press("Start the infusion")
    assert "Run at 35 mL/hour" in nurse.words
    cut.between()
    nurse_ends(nurse, "600")
    cut.between()
    assert "600 mL of 600 mL" in nurse.words
    events = events_of(sqlite_url)
    for event in ("bag_scanned", "person_judged", "infusion_started", "infusion_ended"):
        assert events.count(event) == 1
    assert events.count("signed_in") == 1
