"""The end of a study at a browser: reports, the lock, downloads (J8, J11, F1)."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from flask import Flask

from tests.support import closing_acts as acts
from tests.support.builders import PASSWORD
from tests.support.lit_builders import Browser, LitStudy, open_study
from tests.support.world import build_app


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """One participant with a place."""
    return open_study(sqlite_url, enrolled=("M-002",))


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """The product on it."""
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def _study(study: LitStudy, page: str) -> str:
    return f"/study/{study.study_id}/{page}"


def test_one_tap_reports_and_twice_sent_is_one_report(app: Flask, study: LitStudy) -> None:
    nurse = study.browser(app, "nurse")
    assert "I may have been unblinded" in nurse.get(_study(study, "today")).text
    first = nurse.post(_study(study, "reports"), "tap-operation-000001")
    again = nurse.post(_study(study, "reports"), "tap-operation-000001")
    assert first.status_code == again.status_code == 303
    assert first.headers["Location"] == again.headers["Location"]
    shown = nurse.get(first.headers["Location"]).text
    assert "You did the right thing" in shown
    pharmacist = study.browser(app, "pharmacist")
    assert pharmacist.get(_study(study, "notices")).text.count("may have been unblinded; ") == 1


def test_what_was_written_stands_on_no_page_and_in_no_operation(
    app: Flask, study: LitStudy, sqlite_url: str
) -> None:
    """E11: neither the database file nor a later page of the nurse holds a word of it."""
    nurse = study.browser(app, "nurse")
    page = nurse.post(_study(study, "reports")).headers["Location"]
    answer = nurse.post(f"{page}/words", said="heard zebrafish spoken")
    assert answer.status_code == 303
    assert "zebrafish" not in nurse.get(page).text
    study.trial.units.close()
    app.extensions["twinbag"].units.close()
    for file in Path(sqlite_url.removeprefix("sqlite:///")).parent.glob("*.db*"):
        assert b"zebrafish" not in file.read_bytes()


def test_the_stage_stands_on_every_page_once_it_is_not_open(app: Flask, study: LitStudy) -> None:
    coordinator = study.browser(app, "coordinator")
    assert "MIGHT, data locked" not in coordinator.get(_study(study, "participants")).text
    acts.lock(study)
    assert "MIGHT, data locked" in coordinator.get(_study(study, "participants")).text
    shown = coordinator.get(_study(study, "stage")).text
    assert acts.REFERENCE in shown
    assert "I confirm the data lock of this study." in shown


def test_only_holders_come_to_the_end_and_files_have_plain_names(
    app: Flask, study: LitStudy
) -> None:
    """J11: the list leaves as one file, never cached, its name the same for every study."""
    acts.unblind(study)
    coordinator = study.browser(app, "coordinator")
    assert coordinator.get(f"/lit/{study.study_id}/study-end").status_code == 403
    statistician = study.lit_browser(app, "statistician")
    answer = statistician.post(statistician.lit("study-end/list.zip"))
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="allocation-list.zip"'
    assert "no-store" in answer.headers["Cache-Control"]
    with zipfile.ZipFile(io.BytesIO(answer.get_data())) as packed:
        assert "list.csv" in packed.namelist()
    pharmacist = study.lit_browser(app, "pharmacist")
    assert pharmacist.post(pharmacist.lit("study-end/list.zip")).status_code == 403


def test_the_whole_end_at_two_browsers(app: Flask, study: LitStudy) -> None:
    """Lock, unblinding, closing, two signatures, the archive."""
    acts.state_lock(study)
    statistician = study.lit_browser(app, "statistician")
    pharmacist = study.lit_browser(app, "pharmacist")
    for stage, asking in (("locked", None), ("unblinded", pharmacist), ("closed", pharmacist)):
        if asking is not None:
            _sent(asking, "ask", stage=stage, password=PASSWORD)
        _sent(statistician, "confirm", stage=stage, password=PASSWORD, passphrase=True)
    refused = statistician.post(statistician.lit("study-end/archive.zip"))
    assert refused.status_code == 409
    assert "One signature is missing" in refused.text
    for browser in (statistician, pharmacist):
        _sent(browser, "sign", passphrase=True)
    archive = statistician.post(statistician.lit("study-end/archive.zip"))
    assert archive.status_code == 200
    assert re.search(rb"^PK", archive.get_data())


def _sent(browser: Browser, form: str, **fields: object) -> None:
    said = {name: value for name, value in fields.items() if value is not True}
    if fields.get("passphrase"):
        said["passphrase"] = browser.study.passphrases[browser.who]
    answer = browser.post(browser.lit(f"study-end/{form}"), **said)
    assert answer.status_code == 303, answer.text
