"""The pharmacy sees every Stop at once, and says that it has seen it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pharmacy.services import scanning
from tests.support.browsing import Browser, words
from tests.support.builders import Trial, blinded_app, make_trial

OpenAs = Callable[[str], Browser]


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def open_as(trial: Trial, sqlite_url: str, tmp_path: Path) -> OpenAs:
    app = blinded_app(trial, sqlite_url, tmp_path)
    return lambda name: Browser(app, f"{name}.test")


def page_of(trial: Trial) -> str:
    return f"/study/{trial.study_id}/stops"


def stop(trial: Trial) -> str:
    bag = trial.bags(trial.planned())[0]
    return str(trial.do("nurse", scanning.scan_bag, trial.code(bag.id), "scanner", "").scan.id)


def test_a_stop_stands_there_until_it_is_seen(trial: Trial, open_as: OpenAs) -> None:
    pharmacist = open_as("pharmacist")
    assert "No Stop so far" in pharmacist.get(page_of(trial))
    scan_id = stop(trial)
    said = words(pharmacist.get(page_of(trial)))
    for text in (
        "Stops, 1 not seen",
        "The pharmacy has not released this bag.",
        "M-002",
        "Week 0, day 1, bag 1 of 1",
        "Dana Whitfield",
        "2 Mar 2026 08:30 CST",
        "Not seen",
    ):
        assert text in said
    answer = pharmacist.fill(page_of(trial), f"{page_of(trial)}/{scan_id}/seen")
    said = words(pharmacist.follow(answer))
    assert "Seen by Tom Lang" in said
    assert "not seen" not in said


@pytest.mark.parametrize(
    ("method", "typed_reason", "how"),
    [
        ("scanner", "", "Scanned"),
        ("camera", "", "Camera"),
        ("typed", "smeared", "Typed: The label is smeared or torn"),
    ],
)
def test_how_the_code_came_in_stands_there(
    trial: Trial, open_as: OpenAs, method: str, typed_reason: str, how: str
) -> None:
    """E17."""
    nurse, page = open_as("nurse"), f"/study/{trial.study_id}/scan"
    nurse.follow(nurse.fill(page, code="nonsense", method=method, typed_reason=typed_reason))
    assert how in words(open_as("pharmacist").get(page_of(trial)))


def test_seen_pressed_twice_is_written_once(trial: Trial, open_as: OpenAs) -> None:
    action = f"{page_of(trial)}/{stop(trial)}/seen"
    pharmacist = open_as("pharmacist")
    hidden = pharmacist.form(pharmacist.get(page_of(trial)), action)
    assert [pharmacist.send(action, hidden).status_code for _ in range(2)] == [303, 303]
    assert [entry.event for entry in trial.events()].count("stop_seen") == 1


def test_a_page_that_refreshes_itself_keeps_no_session_open(trial: Trial, open_as: OpenAs) -> None:
    """G8: the idle limit is for people, not for their pages."""
    background, awake = open_as("pharmacist"), open_as("checker")
    for _ in range(5):
        trial.clock.move(minutes=4)
        awake.get(page_of(trial))
        background.client.get(
            page_of(trial), base_url="http://127.0.0.1:8000", headers={"X-Background": "1"}
        )
    awake.get(page_of(trial))
    background.get(page_of(trial), status=303)


def test_who_sees_the_stops(trial: Trial, open_as: OpenAs) -> None:
    for name, status in (
        ("pharmacist", 200),
        ("checker", 200),
        ("coordinator", 200),
        ("nurse", 403),
        ("investigator", 403),
        ("monitor", 403),
    ):
        open_as(name).get(page_of(trial), status=status)
