"""Two nurses, two phones, one bag: one effect, and a sentence for whoever came second. K8, A11."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.blinded_work import leaves_the_stop, nurse_confirms, nurse_ends
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import PHONE, Visitor
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial
from tests.support.world import Clock

GO = "Go. Right bag, right person."
SINCE = "This bag was started since you scanned it. Scan it again to resume."


@dataclass
class Ward:
    """One ready bag and the two who have it before them."""

    trial: Trial
    bag_id: str
    dana: Visitor
    noor: Visitor

    def scans(self, nurse: Visitor, text: str) -> None:
        """The hand scanner at the scan page."""
        nurse.open(f"/study/{self.trial.study_id}/scan")
        nurse.scan(text)

    def reaches_go(self, nurse: Visitor) -> None:
        """Bag and card: the answer is Go."""
        self.scans(nurse, self.trial.code(self.bag_id))
        nurse_confirms(nurse, self.trial.card())
        assert nurse.heading == GO

    def resumes(self, nurse: Visitor) -> None:
        """Bag and card of a running infusion: the answer is to resume."""
        self.scans(nurse, self.trial.code(self.bag_id))
        nurse_confirms(nurse, self.trial.card())
        nurse.follow("Resume the infusion")

    def opens_the_end(self, nurse: Visitor) -> None:
        """The part of the page that ends the infusion."""
        nurse.page.locator("summary", has_text="End the infusion").click()

    def count(self, event: str) -> int:
        """How often this stands in the study's trail."""
        return sum(entry.event == event for entry in self.trial.events())


@pytest.fixture
def ward(chromium: Browser, sqlite_url: str, tmp_path: Path) -> Iterator[Ward]:
    trial = make_trial(sqlite_url, Clock(), ServedChance("two nurses"))
    bag_id = trial.ready_bag()
    with serving(blinded_app(trial, sqlite_url, tmp_path)) as address:
        phones = [Visitor(chromium, address, PHONE) for _ in range(2)]
        for phone, name in zip(phones, ("nurse", "nurse2"), strict=True):
            phone.sign_in(f"{name}.test", PASSWORD)
        yield Ward(trial, bag_id, *phones)
        for phone in phones:
            phone.close()
            assert [fault for fault in phone.faults if "409" not in fault] == []


def test_both_reach_go_and_one_starts(ward: Ward) -> None:
    """The second is told so, and both identifiers lead her to the running infusion."""
    ward.reaches_go(ward.dana)
    ward.reaches_go(ward.noor)
    ward.dana.press("Start the infusion")
    assert "Run at 35 mL/hour" in ward.dana.words
    ward.noor.press("Start the infusion")
    assert SINCE in ward.noor.words
    assert ward.count("infusion_started") == 1
    ward.noor.follow("Scan the bag")
    ward.noor.scan(ward.trial.code(ward.bag_id))
    nurse_confirms(ward.noor, ward.trial.card())
    ward.noor.follow("Resume the infusion")
    assert "Run at 35 mL/hour" in ward.noor.words
    assert ward.count("infusion_started") == 1


def test_both_end_and_one_signature_stands(ward: Ward) -> None:
    """The second reads who ended it and with what."""
    ward.reaches_go(ward.dana)
    ward.dana.press("Start the infusion")
    ward.resumes(ward.noor)
    ward.trial.clock.move(minutes=10)
    for nurse in (ward.dana, ward.noor):
        nurse.page.reload(wait_until="domcontentloaded")
    ward.opens_the_end(ward.noor)
    nurse_ends(ward.dana, "600")
    ward.noor.type(Volume_infused="590", Your_password=PASSWORD)
    ward.noor.press("End and sign")
    said = ward.noor.words
    for text in ("already ended", "Dana Whitfield", "600 mL of 600 mL"):
        assert text in said
    assert ward.count("infusion_ended") == 1


def test_both_pause_and_both_restart_once(ward: Ward) -> None:
    """A pump stands once, and runs again once."""
    ward.reaches_go(ward.dana)
    ward.dana.press("Start the infusion")
    ward.resumes(ward.noor)
    ward.trial.clock.move(minutes=10)
    for nurse in (ward.dana, ward.noor):
        nurse.page.locator("summary").get_by_text("Pause", exact=True).click()
        nurse.type(Volume_on_the_pump="5")
        nurse.page.get_by_label("vital", exact=False).check()
    ward.dana.press("Record the pause")
    ward.noor.press("Record the pause")
    for nurse in (ward.dana, ward.noor):
        assert "Paused since" in nurse.words
    ward.dana.press("Restart the infusion")
    ward.noor.press("Restart the infusion")
    for nurse in (ward.dana, ward.noor):
        assert "Run at" in nurse.words
    assert ward.count("infusion_paused") == ward.count("infusion_restarted") == 1


def test_the_others_stop_leaves_a_running_infusion_alone(ward: Ward) -> None:
    """A Go on the old label holds for its nurse until Start is pressed; then it is judged again."""
    old = ward.trial.code(ward.bag_id)
    ward.reaches_go(ward.dana)
    ward.dana.press("Start the infusion")
    ward.trial.replace_code(ward.bag_id)
    ward.scans(ward.noor, old)
    leaves_the_stop(ward.noor, "Stop. This label was replaced.")
    ward.dana.page.reload(wait_until="domcontentloaded")
    assert "Run at 35 mL/hour" in ward.dana.words
    nurse_ends(ward.dana, "600")
    assert ward.count("infusion_ended") == 1


def test_a_label_replaced_under_a_go_stops_its_start(ward: Ward) -> None:
    """The one who scanned before the new label was made is stopped; the new label goes."""
    ward.reaches_go(ward.dana)
    ward.trial.replace_code(ward.bag_id)
    ward.reaches_go(ward.noor)
    ward.dana.press("Start the infusion")
    leaves_the_stop(ward.dana, "Stop. This label was replaced.")
    assert ward.count("infusion_started") == 0
    ward.noor.press("Start the infusion")
    assert ward.count("infusion_started") == 1


def test_anothers_infusion_is_not_opened_by_its_address(ward: Ward) -> None:
    """A sentence and the way: both identifiers first."""
    ward.reaches_go(ward.dana)
    ward.dana.press("Start the infusion")
    ward.noor.open(ward.dana.page.url)
    assert "Scan the bag and the card to resume it." in ward.noor.words
    ward.noor.faults.clear()
    ward.noor.follow("Scan the bag")
    assert ward.noor.heading == "Scan the bag"
