"""What of the custody is due stands where its people begin, with one link and no arm (K9, J1)."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from pharmacy.services import break_cards, reports
from pharmacy.unblinded import custody_due, recovery_custody
from pharmacy.unblinded.custody_due import Where
from tests.support.browsing import words
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """One participant with both cards, and the four sheets in their places."""
    made = open_study(sqlite_url, enrolled=("M-002",))
    made.ready("M-002")
    for name in ("A1", "B1", "A2", "B2"):
        kept = (f"Custodian {name}", f"Building {name[1]}", f"S-{name}", True, PASSWORD)
        made.do("statistician", recovery_custody.record_place, name, *kept)
    return made


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def _due(study: LitStudy, who: str) -> list[tuple[str, Where]]:
    with study.trial.look(who) as act:
        return [(one.sentence, one.where) for one in custody_due.due(act)]


def test_nothing_is_due_at_first(study: LitStudy) -> None:
    assert {who: _due(study, who) for who in ("pharmacist", "statistician", "checker")} == {
        "pharmacist": [],
        "statistician": [],
        "checker": [],
    }


def test_the_weekly_count_is_told_to_the_bench(study: LitStudy) -> None:
    """Whoever does not count that set is told who does; a count takes the line away."""
    study.trial.clock.move(days=8)
    for who in ("pharmacist", "checker"):
        assert _due(study, who) == [
            ("The weekly count of the code-break seals is overdue: Pharmacy.", Where.SEALS),
            (
                "The weekly count of the code-break seals is overdue: On-call physician. "
                "The coordinator counts it.",
                Where.SEALS,
            ),
        ]
    assert _due(study, "statistician") == []
    with study.trial.look("checker") as act:
        found = {card.id: "intact" for card in break_cards.set_page(act, "pharmacy").sealed}
    study.trial.do("checker", break_cards.count, "pharmacy", found, PASSWORD)
    assert len(_due(study, "pharmacist")) == 1


def test_the_quarterly_seals_and_the_yearly_drill_are_told_to_holders(study: LitStudy) -> None:
    """A checker keeps no recovery sheets and is told nothing of them."""
    study.trial.clock.move(days=93)
    seals = (
        "Nobody has checked the seal of recovery sheet A1, B1, A2, B2 for three months.",
        Where.RECOVERY,
    )
    assert _due(study, "statistician") == [seals]
    assert seals in _due(study, "pharmacist")
    study.trial.clock.move(days=275)
    drill = [one for one, _ in _due(study, "statistician") if "yearly" in one]
    assert len(drill) == 1
    assert drill[0].startswith("The yearly recovery drill was due on ")
    assert {where for _, where in _due(study, "checker")} == {Where.SEALS}


def test_sheets_that_are_needed_and_reports_that_wait_are_told(study: LitStudy) -> None:
    said = ("A1", False, "", "", PASSWORD, "seal-check-form-1")
    study.do("pharmacist", recovery_custody.record_check, *said)
    for _ in range(2):
        study.trial.do("nurse", reports.report)
    lines = [
        (
            "Recovery sheets: The envelope of sheet A1 is not whole. Make new sheets now.",
            Where.RECOVERY,
        ),
        ("2 reports of a suspected unblinding wait to be assessed.", Where.REPORTS),
    ]
    assert _due(study, "statistician") == lines
    assert _due(study, "checker") == []


@pytest.mark.parametrize(("who", "page"), [("pharmacist", "board"), ("statistician", "list")])
@pytest.mark.parametrize("is_open", [True, False])
def test_it_stands_on_the_page_where_work_begins(
    study: LitStudy, app: Flask, who: str, page: str, is_open: bool
) -> None:
    """With the room locked too, each with the link to where it is done."""
    study.trial.clock.move(days=93)
    browser = study.lit_browser(app, who) if is_open else study.browser(app, who)
    shown = browser.get(browser.lit(page)).text
    assert "Nobody has checked the seal of recovery sheet" in words(shown)
    assert f'for three months. <a href="{browser.lit("recovery")}">Recovery</a>' in shown
