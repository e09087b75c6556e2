"""The administrator's pages for studies."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import MIGHT, Trial, make_live, make_trial

TYPED = {
    "protocol": "might",
    "mode": "practice",
    "code": "UAB",
    "investigator_name": "A. Rivera, MD",
    "pharmacy_name": "Magnolia Home Infusion Pharmacy",
    "pharmacy_address": "1200 5th Ave S, Birmingham AL 35233",
    "pharmacy_phone": "(205) 555-0142",
    "unblinding_phone": "205-555-0199",
    "zone": "America/Chicago",
    "run_times": "09:00, 13:00",
}
WATERMARK = "TRAINING - NOT FOR HUMAN USE"


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    """An installation whose study has another code, so that MIGHT can be made."""
    return make_trial(
        sqlite_url,
        protocol_text=MIGHT.read_text().replace('code = "MIGHT"', 'code = "EARLIER"', 1),
    )


@pytest.fixture
def app(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    return open_house(trial, sqlite_url, tmp_path)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return signed_in(app, "administrator")


def text_of(answer) -> str:
    return unescape(answer.get_data(as_text=True))


def test_a_study_is_made_and_its_facts_are_shown(browser: Browser) -> None:
    """Set up: protocol, pharmacy, both telephone numbers, zone, runs, investigator."""
    answer = browser.fill("/studies/make", **TYPED)
    assert answer.status_code == 303
    page = text_of(browser.get(answer.headers["Location"]))
    for name, text in TYPED.items():
        if name not in ("protocol", "mode"):
            assert text in page
    assert WATERMARK in page.partition("<main")[0]
    assert "MIGHT" in text_of(browser.get("/studies"))


def test_a_live_study_is_made_to_be_prepared(browser: Browser) -> None:
    """It is named so wherever it is named; without the sponsor's telephone it is not made."""
    answer = browser.fill("/studies/make", **{**TYPED, "mode": "live"})
    assert answer.status_code == 400
    assert 'id="sponsor_phone-error"' in text_of(answer)
    answer = browser.fill(
        "/studies/make", **{**TYPED, "mode": "live", "sponsor_phone": "205-555-0111"}
    )
    page = text_of(browser.get(answer.headers["Location"]))
    assert "Preparing study" in page
    assert WATERMARK not in page
    assert "MIGHT, preparing" in page


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("protocol", "../../config"),
        ("mode", "trial"),
        ("code", "?"),
        ("investigator_name", "W" * 60),
        ("pharmacy_phone", "later"),
        ("unblinding_phone", "+1 205 555 0142"),
        ("zone", "Alabama"),
        ("run_times", "noon"),
        ("pharmacy_address", ""),
    ],
)
def test_a_wrong_answer_is_named_beside_its_field(
    browser: Browser, field: str, text: str
) -> None:
    """Forms: one pattern, the sentence beside the field."""
    answer = browser.fill("/studies/make", **{**TYPED, field: text})
    assert answer.status_code == 400
    page = text_of(answer)
    assert f'id="{field}-error"' in page
    assert "One answer needs another look" in page


def test_sent_twice_it_is_one_study(browser: Browser) -> None:
    """Operation ids."""
    fields = {**browser.hidden("/studies/make"), **TYPED}
    answers = {browser.send("/studies/make", fields).headers["Location"] for _ in range(3)}
    assert len(answers) == 1
    assert text_of(browser.get("/studies")).count("MIGHT</a>") == 1


def test_a_live_study_carries_no_watermark(browser: Browser, trial: Trial) -> None:
    """The watermark says practice, and nothing else does."""
    page = f"/study/{trial.study_id}"
    assert WATERMARK in text_of(browser.get(page))
    make_live(trial)
    assert WATERMARK not in text_of(browser.get(page))


def test_the_page_of_no_study_is_a_sentence(browser: Browser) -> None:
    """G17."""
    assert browser.get("/study/none").status_code == 404
