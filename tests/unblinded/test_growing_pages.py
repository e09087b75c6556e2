"""The pages on which a list grows: the statistician's, in the open room."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path

import pytest

from pharmacy.unblinded.list_proof import FULL_FORM
from tests.support.growth_builders import BLOCK, grow, parts_of
from tests.support.lit_builders import Browser, LitStudy, open_study, table_of
from tests.support.world import KeyedChance, build_app
from tests.unblinded.list_acts import typed


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study whose list is loaded."""
    return open_study(sqlite_url)


@pytest.fixture
def statistician(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Browser:
    """The statistician with the room open."""
    app = build_app(sqlite_url, tmp_path, study.trial.clock, KeyedChance("pages"))
    return study.lit_browser(app, "statistician")


def _send(browser: Browser, groups: str, **changes: str):
    table = (BytesIO(table_of(groups)), "rows.csv")
    said = {"part": "2", **typed(browser, **changes)}
    return browser.post(browser.lit("list/parts/add"), table=table, **said)


def test_rows_are_added_from_a_table(study: LitStudy, statistician: Browser) -> None:
    """From the list of parts to the part's certificate, and its file."""
    page = statistician.get(statistician.lit("list/parts")).text
    assert "Add rows from a table" in page
    assert 'name="part" value="2"' in statistician.get(statistician.lit("list/parts/add")).text
    answer = _send(statistician, BLOCK)
    assert answer.status_code == 303, answer.text
    assert "/list/parts/2?" in answer.headers["Location"]
    shown = statistician.get(statistician.lit("list/parts/2")).text
    assert "part 2 of its list" in shown
    assert parts_of(study)[1].commitment.hex()[:4] in shown
    file = json.loads(statistician.get(statistician.lit("list/parts/2/certificate.json")).text)
    assert (file["form"], file["part"], file["slots"]) == (FULL_FORM, 2, 4)
    first = json.loads(statistician.get(statistician.lit("list/certificate.json")).text)
    assert first["slots"] == 12
    assert "Part 2" in statistician.get(statistician.lit("list/parts")).text
    assert statistician.get(statistician.lit("list/parts/3")).status_code == 404


def test_a_broken_rule_is_said_beside_the_file(study: LitStudy, statistician: Browser) -> None:
    """C5: and nothing of the table comes back."""
    answer = _send(statistician, "1111")
    assert answer.status_code == 400
    assert "not in the ratio" in answer.text
    assert "1111" not in answer.text
    assert len(parts_of(study)) == 1


def test_rows_are_made_here(study: LitStudy, statistician: Browser) -> None:
    """With a sentence for what is no whole block."""
    path = statistician.lit("list/parts/make")
    assert "At most" not in statistician.get(path).text
    said = {"part": "2", **typed(statistician)}
    refused = statistician.post(path, rows_0="3", **said)
    assert refused.status_code == 400
    assert "whole blocks of the list rules, at most 12" in refused.text
    assert "at least one stratum" in statistician.post(path, **said).text
    assert statistician.post(path, rows_0="4", **said).status_code == 303
    assert parts_of(study)[1].source == "made"
    derived = statistician.post(
        statistician.lit("list/parts/2/derive"),
        passphrase=study.passphrases["statistician"],
    )
    assert derived.status_code == 303
    assert "/list/parts/2?" in derived.headers["Location"]


def test_an_investigator_is_told_to_try_again(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """Not silently: the page of their keys says that the list has grown."""
    study.enrol_breaker()
    study.try_break_keys()
    app = build_app(sqlite_url, tmp_path, study.trial.clock, KeyedChance("pages"))
    browser = study.browser(app, "investigator")
    path = f"/break/{study.study_id}/keys"
    assert "has grown since" not in browser.get(path).text
    grow(study)
    page = browser.get(path).text
    assert "has grown since you tried your keys" in page
    assert "Ask Petra" not in page
    study.try_break_keys()
    assert "has grown since" not in browser.get(path).text


def test_a_locked_room_shows_no_form(study: LitStudy, sqlite_url: str, tmp_path: Path) -> None:
    app = build_app(sqlite_url, tmp_path, study.trial.clock, KeyedChance("pages"))
    browser = study.browser(app, "statistician")
    for page in ("add", "make"):
        assert "The room is locked" in browser.get(browser.lit(f"list/parts/{page}")).text
