"""An infusion that is paused, at a phone: reload, back, restart, another nurse takes over the
second pause, and the signed end (K8, K9, K10).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.blinded_work import nurse_confirms, nurse_ends, nurse_pauses
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import PHONE, Visitor, Windows
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial
from tests.support.world import Clock

REFRESHED_MS = 15_500


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url, Clock(), ServedChance("pause and restart"))


@pytest.fixture
def phones(
    trial: Trial, sqlite_url: str, tmp_path: Path, visit: Windows
) -> Iterator[tuple[Visitor, Visitor]]:
    """Two nurses' phones, at a server without the lit room; their clocks are moved by the test."""
    with serving(blinded_app(trial, sqlite_url, tmp_path)) as address:
        yield visit(address, PHONE), visit(address, PHONE)
        visit.close()


def scans_both(trial: Trial, nurse: Visitor, name: str, bag_id: str) -> None:
    """Bag, spoken words and card."""
    nurse.sign_in(f"{name}.test", PASSWORD)
    nurse.open(f"/study/{trial.study_id}/scan")
    nurse.scan(trial.code(bag_id))
    nurse_confirms(nurse, trial.card())


def restart_button(nurse: Visitor) -> int:
    return nurse.page.get_by_role("button", name="Restart the infusion").count()


def test_a_paused_infusion_goes_on_and_ends(
    trial: Trial, phones: tuple[Visitor, Visitor]
) -> None:
    nurse, second = phones
    bag_id = trial.ready_bag()
    scans_both(trial, nurse, "nurse", bag_id)
    nurse.press("Start the infusion")
    page = nurse.page.url
    assert "Run at 35 mL/hour 30 minutes left on this step" in nurse.words
    assert not nurse.field("Volume infused").is_visible()  # the end is one tap away, not none

    # Ten minutes of running, a pause of twenty: reloaded, and left by the back button.
    trial.clock.move(minutes=10)
    nurse_pauses(nurse, "5.8", "The participant needs a break")
    assert "Paused since 10:10 CST Restart by 11:42 CST at 35 mL/hour Then 71" in nurse.words
    nurse.page.reload(wait_until="domcontentloaded")
    assert "Paused since 10:10 CST" in nurse.words
    nurse.page.go_back(wait_until="domcontentloaded")
    nurse.page.get_by_role("heading", name="Paused since 10:10 CST").wait_for()
    assert nurse.page.get_by_text("Record the pause").count() == 0
    nurse.page.go_forward(wait_until="domcontentloaded")
    trial.clock.move(minutes=20)
    nurse.press("Restart the infusion")
    assert "The restart was recorded. Check the rate at the pump." in nurse.words
    assert "Run at 35 mL/hour 20 minutes left on this step next 71 mL/hour at 10:50 CST" in (
        nurse.words
    )
    assert nurse.page.url.partition("?")[0] == page

    # A second pause, for a reaction; her phone is away, another nurse takes over.
    trial.clock.move(minutes=60)
    nurse_pauses(nurse, "64", "The participant has a reaction")
    assert "at 71 mL/hour Then 143 mL/hour after 30 minutes." in nurse.words
    scans_both(trial, second, "nurse2", bag_id)
    assert second.heading == "Resume. This bag is running."
    second.follow("Resume the infusion")
    assert "Volume in 64 mL of 600 mL Why The participant has a reaction" in second.words
    trial.clock.move(minutes=5)
    second.press("Restart the infusion")
    assert "Run at 71 mL/hour" in second.words

    # The first phone still shows the pause: it finds out by itself, without being touched.
    assert restart_button(nurse) == 1
    nurse.page.get_by_text("Run at").wait_for(timeout=REFRESHED_MS + 5_000)
    assert restart_button(nurse) == 0
    assert "11:30 CST to 11:35 CST" in nurse.words

    nurse_ends(second, "600")
    for said in ("This infusion has ended", "600 mL of 600 mL", "Noor Haddad", "Pauses"):
        assert said in second.words


def test_what_is_being_typed_stays_while_the_page_refreshes(
    trial: Trial, phones: tuple[Visitor, Visitor]
) -> None:
    """The rate moves on; the volume that is half typed, and the open section, do not."""
    nurse, _ = phones
    scans_both(trial, nurse, "nurse", trial.ready_bag())
    nurse.press("Start the infusion")
    nurse.page.locator("summary").get_by_text("Pause", exact=True).click()
    nurse.type(Volume_on_the_pump="17.5")
    trial.clock.move(minutes=31)
    nurse.page.locator(".rate", has_text="71").wait_for(timeout=REFRESHED_MS + 5_000)
    assert nurse.field("Volume on the pump").input_value() == "17.5"
    assert nurse.page.evaluate("document.activeElement.name") == "shown_ml"
    # The time limit comes while she types: nothing is lost, and the words say so.
    trial.clock.move(hours=7)
    nurse.page.get_by_text("Stop. Time limit reached.").wait_for(timeout=REFRESHED_MS + 5_000)
    assert nurse.field("Volume on the pump").input_value() == "17.5"
