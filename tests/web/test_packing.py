"""The page of deliveries and the paper behind it. K1, K6, K12, B12, E16."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from labels.codes import read_back
from pharmacy.domain.lifecycle import BagState
from tests.labels.paper import words_of
from tests.support.browsing import BASE, Browser, words
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
    return f"/study/{trial.study_id}/deliveries"


def paper_of(page: str) -> str:
    """Where the page's one packing list is."""
    (found,) = re.findall(r'href="([^"]+/packing-list\.pdf)"', page)
    return str(found)


def test_an_empty_page_says_what_to_do(trial: Trial, open_as: OpenAs) -> None:
    said = words(open_as("coordinator").get(page_of(trial)))
    assert "Nothing is on its way" in said
    assert "it has not been released at the bench yet" in said


def test_a_delivery_and_its_paper(trial: Trial, open_as: OpenAs) -> None:
    """K1, B12: inline, under a name that says nothing, and no code on it to scan."""
    bag_id = trial.ready_bag()
    coordinator = open_as("coordinator")
    page = coordinator.get(page_of(trial))
    for text in ("M-002", "Week 0, day 1 of 2, 2 Mar 2026", "1 bag on the way", "11:40 CST"):
        assert text in words(page)
    answer = coordinator.client.get(paper_of(page), base_url=BASE)
    assert answer.status_code == 200
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"] == "inline; filename=packing-list.pdf"
    code = trial.code(bag_id)
    said = words_of(answer.data)
    assert " ".join(code[n : n + 4] for n in range(0, 20, 4)) in said
    assert "TRAINING - NOT FOR HUMAN USE" in said
    assert read_back(answer.data) == ()


def test_printing_writes_nothing(trial: Trial, open_as: OpenAs) -> None:
    """A paper is read, as the card is: no entry, and the same bytes for everybody."""
    trial.ready_bag()
    coordinator, pharmacist = open_as("coordinator"), open_as("pharmacist")
    page = coordinator.get(page_of(trial))
    before = len(trial.events())
    papers = {
        browser.client.get(paper_of(page), base_url=BASE).data
        for browser in (coordinator, pharmacist)
    }
    assert len(papers) == 1
    assert len(trial.events()) == before


def test_what_was_never_received_is_called_late(trial: Trial, open_as: OpenAs) -> None:
    """K1, K2."""
    trial.ready_bag()
    coordinator = open_as("coordinator")
    trial.clock.move(minutes=101)
    said = words(coordinator.get(page_of(trial)))
    assert "Too late to start" in said
    assert "it must not be infused" in said


def test_a_paper_for_nothing_is_refused_with_its_sentence(trial: Trial, open_as: OpenAs) -> None:
    bag_id = trial.ready_bag()
    coordinator = open_as("coordinator")
    paper = paper_of(coordinator.get(page_of(trial)))
    trial.set_state(bag_id, BagState.HELD)
    said = words(coordinator.get(paper, status=409))
    assert "No bag of this day is on its way" in said
    coordinator.get(f"{page_of(trial)}/{'0' * 32}/packing-list.pdf", status=404)


def test_the_pharmacy_prints_with_the_room_locked(trial: Trial, open_as: OpenAs) -> None:
    """K6: an app without the lit room has the page, and the menu leads there."""
    trial.ready_bag()
    for name in ("pharmacist", "checker", "coordinator"):
        page = open_as(name).get(page_of(trial))
        assert f'href="{page_of(trial)}"' in page
        assert "M-002" in page


def test_who_sees_deliveries(trial: Trial, open_as: OpenAs) -> None:
    """E16."""
    trial.ready_bag()
    paper = paper_of(open_as("coordinator").get(page_of(trial)))
    for name in ("nurse", "investigator", "monitor"):
        browser = open_as(name)
        browser.get(page_of(trial), status=403)
        browser.get(paper, status=403)
