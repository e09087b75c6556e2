"""Receiving a delivery on the phone: the scan, the answer that is no Go, the Stop. K1, K7, A11."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from pharmacy.persistence.bags import bag_with_day
from tests.support.browsing import Browser, path_of, words
from tests.support.builders import Trial, blinded_app, make_trial

OpenAs = Callable[[str], Browser]


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def open_as(trial: Trial, sqlite_url: str, tmp_path: Path) -> OpenAs:
    app = blinded_app(trial, sqlite_url, tmp_path)
    return lambda name: Browser(app, f"{name}.test")


@pytest.fixture
def nurse(open_as: OpenAs) -> Browser:
    return open_as("nurse")


def at(trial: Trial, rest: str) -> str:
    return f"/study/{trial.study_id}/{rest}"


def receive(trial: Trial, browser: Browser, text: str) -> str:
    """The path of the page that answers a scan at the door."""
    return path_of(browser.fill(at(trial, "receive"), code=text, method="scanner"))


def two_bags(trial: Trial) -> tuple[str, str]:
    """The two bags of a 120 kg day, both on their way."""
    first = trial.ready_bag(weight="120")
    with trial.look("nurse") as act:
        found = bag_with_day(act.uow.session, first)
        assert found is not None
        second = trial.bags(found[2].id)[1].id
    trial.release(second)
    return first, second


def test_from_today_to_the_last_bag_of_the_box(trial: Trial, nurse: Browser) -> None:
    """K1, K7: one bag after the other, what is missing, and where to go on."""
    first, second = two_bags(trial)
    today = nurse.get(at(trial, "today"))
    assert f'href="{at(trial, "receive")}">Receive a delivery' in today
    assert words(today).count("On its way") == 2
    page = nurse.get(receive(trial, nurse, trial.code(first)))
    for text in (
        "Received. Bag 1 of 2.",
        "1 of 2 bags of this delivery received. Still missing: bag 2 of 2.",
        "M-002",
        "Week 0, day 1 of 2",
        "Start by 2 Mar 2026 11:42 CST",
        "Store at 20 to 25 °C",
        "205-555-0142",
        "Scan the next bag",
    ):
        assert text in words(page)
    assert f'href="{at(trial, "receive")}?next=bag"' in page
    page = nurse.get(receive(trial, nurse, trial.code(second)))
    assert "None is missing." in words(page)
    assert "All bags are here" in words(page)
    assert "Scan the next bag" not in words(page)
    today = nurse.get(at(trial, "today"))
    assert "Receive a delivery" not in today
    assert "On its way" not in today


def test_received_is_no_go_and_leads_to_none(trial: Trial, nurse: Browser) -> None:
    """A11: another kind, another icon, no form at all, no card and no code to copy."""
    bag_id = trial.ready_bag()
    path = receive(trial, nurse, trial.code(bag_id))
    page = nurse.get(path)
    assert 'data-verdict="received"' in page
    main = page.partition("<main")[2]
    assert "<form" not in main
    for text in ("Go.", "Start the infusion", trial.code(bag_id), trial.card(), "/start"):
        assert text not in main
    scan_id = path.rpartition("/")[2]
    assert nurse.get(at(trial, f"scan/{scan_id}")).count('data-verdict="received"') == 1
    hidden = nurse.form(nurse.get(at(trial, "receive")), at(trial, "receive"))
    for rest, fields in (
        ("person", {"card": trial.card(), "spoken_confirmed": "y"}),
        ("differs", {}),
        ("start", {}),
    ):
        answer = nurse.send(at(trial, f"scan/{scan_id}/{rest}"), hidden, **fields)
        assert answer.status_code == 409
    assert "infusion_started" not in [entry.event for entry in trial.events()]


def test_its_icon_is_none_of_the_others(trial: Trial, nurse: Browser) -> None:
    """Known without its colour and without its words."""
    bag_id = trial.ready_bag()
    pages = [
        nurse.get(receive(trial, nurse, trial.code(bag_id))),
        nurse.get(receive(trial, nurse, trial.card())),
        nurse.get(
            path_of(nurse.fill(at(trial, "scan"), code=trial.code(bag_id), method="scanner"))
        ),
    ]
    icons = [re.findall(r'class="outline"[^>]*', page) for page in pages]
    assert all(len(found) == 1 for found in icons)
    assert len({found[0] for found in icons}) == 3


def test_a_stop_at_the_door_is_the_bedside_s_and_is_left_by_its_act(
    trial: Trial, nurse: Browser, open_as: OpenAs
) -> None:
    """K8: the same screen; the pharmacy sees it at once."""
    trial.ready_bag()
    path = receive(trial, nurse, trial.card())
    page = nurse.get(path)
    assert 'data-verdict="stop"' in page
    assert "Stop. This is a participant's card." in words(page)
    scan_id = path.rpartition("/")[2]
    assert "This is a participant's card." in words(open_as("pharmacist").get(at(trial, "stops")))
    aside = at(trial, f"scan/{scan_id}/aside")
    assert path_of(nurse.fill(path, aside)) == at(trial, "today")
    assert "Say what you did with it" not in nurse.get(at(trial, "today"))


def test_typing_asks_why_and_keeps_what_was_typed(trial: Trial, nurse: Browser) -> None:
    """E17."""
    code = trial.code(trial.ready_bag())
    answer = nurse.fill(at(trial, "receive"), code=code, method="typed", typed_reason="")
    assert answer.status_code == 400
    assert "Say why the code is typed." in words(answer.text)
    assert code in answer.text
    answer = nurse.fill(
        at(trial, "receive"), code=code.lower(), method="typed", typed_reason="dark"
    )
    assert 'data-verdict="received"' in nurse.follow(answer)


def test_pressed_twice_it_is_one_scan(trial: Trial, nurse: Browser) -> None:
    code = trial.code(trial.ready_bag())
    hidden = nurse.form(nurse.get(at(trial, "receive")), at(trial, "receive"))
    answers = [
        nurse.send(at(trial, "receive"), hidden, code=code, method="scanner") for _ in range(2)
    ]
    assert answers[0].location == answers[1].location
    assert [entry.event for entry in trial.events()].count("bag_scanned") == 1


def test_only_the_page_with_the_camera_may_open_it(trial: Trial, nurse: Browser) -> None:
    """G11: the scan at the door is a scan page; its answer is none."""
    path = receive(trial, nurse, trial.code(trial.ready_bag()))
    said = {
        page: nurse.client.get(page, base_url="http://127.0.0.1:8000").headers["Permissions-Policy"]
        for page in (at(trial, "receive"), path)
    }
    assert "camera=(self)" in said[at(trial, "receive")]
    assert "camera=()" in said[path]


def test_only_nurses_enter_and_each_sees_her_own(
    trial: Trial, nurse: Browser, open_as: OpenAs
) -> None:
    path = receive(trial, nurse, trial.code(trial.ready_bag()))
    open_as("nurse2").get(path, status=404)
    for name in ("coordinator", "investigator", "monitor", "pharmacist"):
        browser = open_as(name)
        browser.get(at(trial, "receive"), status=403)
        browser.get(path, status=403)


def test_the_page_of_an_arrival_shows_no_other_scan(trial: Trial, nurse: Browser) -> None:
    code = trial.code(trial.ready_bag())
    path = path_of(nurse.fill(at(trial, "scan"), code=code, method="scanner"))
    nurse.get(at(trial, f"receive/{path.rpartition('/')[2]}"), status=404)
    nurse.get(at(trial, f"receive/{'0' * 32}"), status=404)
