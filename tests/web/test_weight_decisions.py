"""The page on which an investigator decides on a weight that stops. D2, F1."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.browsing import Browser, words
from tests.support.builders import PASSWORD, blinded_app, make_trial


def test_from_a_weight_that_stops_to_a_signed_decision(sqlite_url: str, tmp_path: Path) -> None:
    """F1: refused first, then signed; afterwards name, moment and choice stand at the weight."""
    trial = make_trial(sqlite_url)
    participant_id = trial.enrolled(weight="100")
    trial.clock.move(days=1)
    trial.weigh(participant_id, "125")
    app = blinded_app(trial, sqlite_url, tmp_path)
    page = f"/study/{trial.study_id}/participants/{participant_id}"
    assert "Decide on the weight" not in Browser(app, "coordinator.test").get(page)
    investigator = Browser(app, "investigator.test")
    found = re.search(rf"{page}/weights/[0-9a-f]{{32}}/decide", investigator.get(page))
    assert found is not None
    decide = found.group(0)
    said = words(investigator.get(decide))
    for text in ("125.0 kg", "100.0 kg", "120.0 kg", "10% on", "Dose as 120.0 kg"):
        assert text.replace(".0 kg", " kg") in said or text in said, text
    answer = investigator.fill(decide, password=PASSWORD)
    assert answer.status_code == 400
    assert "Choose what the protocol allows." in answer.text
    assert "Choose why the weight changed." in answer.text
    chosen = {"choice": "dose_as_limit", "reason": "fluid"}
    assert investigator.fill(decide, password="not the password", **chosen).status_code == 403
    answer = investigator.fill(decide, password=PASSWORD, **chosen)
    assert answer.status_code == 303
    shown = words(investigator.follow(answer))
    assert "The decision is signed." in shown
    assert "the protocol's limit; Change confirmed: fluid gained or lost. Signed by" in shown
    assert "Decide on the weight" not in shown
    again = investigator.client.get(decide, base_url="http://127.0.0.1:8000")
    assert again.status_code == 409
    assert "Nothing about this weight is left to decide." in again.text
