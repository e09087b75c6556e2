"""How a bag's dose came about, as the bench tells it: a rate is "held" only where it was. A14."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.lit_builders import open_study
from tests.support.world import build_app


@pytest.mark.parametrize(
    ("at_risk", "sentence"),
    [
        (
            False,
            "The last rate, 143 mL/hour, is as ordered, and at the ceiling of the product label. "
            "It is rounded down to the pump&#39;s step. The day takes 290 min.",
        ),
        (
            True,
            "The last rate, 107 mL/hour, is held by the ceiling of the at-risk group; ordered up "
            "to 143.04 mL/hour. It is rounded down to the pump&#39;s step. "
            "The day takes 255 min.",
        ),
    ],
)
def test_the_bench_says_what_set_the_last_rate(
    sqlite_url: str, tmp_path: Path, at_risk: bool, sentence: str
) -> None:
    study = open_study(sqlite_url)
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    participant_id = study.enrolled("M-002", "59.6")
    course_id = study.plan(study.trial.order(participant_id, at_risk=at_risk))
    browser = study.lit_browser(app, "pharmacist")
    bag = study.bags(course_id)[0]
    page = browser.get(browser.lit(f"bags/{bag.id}")).text
    assert sentence in " ".join(page.split())
