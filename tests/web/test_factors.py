"""The pages of factors and sites: what is asked, refused beside its question, and shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.browsing import Browser, path_of, words
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial
from tests.support.strata_builders import DENVER, protocol_text, register_at, site_id

OpenAs = Callable[[str], Browser]
TYPED = {name: getattr(DENVER, name) for name in DENVER.__dataclass_fields__}


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    """One site yet, and a protocol with one factor."""
    return make_trial(sqlite_url, protocol_text=protocol_text())


@pytest.fixture
def open_as(trial: Trial, sqlite_url: str, tmp_path: Path) -> OpenAs:
    app = blinded_app(trial, sqlite_url, tmp_path)
    return lambda name: Browser(app, f"{name}.test")


def base(trial: Trial) -> str:
    return f"/study/{trial.study_id}"


def test_a_site_is_added_and_then_asked_for(trial: Trial, open_as: OpenAs) -> None:
    admin, coordinator = open_as("admin"), open_as("coordinator")
    new = f"{base(trial)}/participants/new"
    assert 'name="site"' not in coordinator.get(new)
    add = f"{base(trial)}/sites/add"
    refused = admin.fill(add, **{**TYPED, "zone": "Mountain"})
    assert refused.status_code == 400
    assert "Choose a time zone of the list" in refused.text
    assert DENVER.pharmacy_name in refused.text, "what was typed is kept"
    said = words(admin.follow(admin.fill(add, **TYPED)))
    for text in ("The site was added.", "Site UAB", "Site VUMC", "America/Denver"):
        assert text in said
    assert "sites UAB, VUMC" in words(admin.get("/studies"))
    assert "VUMC already" in admin.fill(add, **TYPED).text
    refused = coordinator.fill(new, code="M-001", consented_on="2026-03-01")
    assert "Choose the participant&#39;s site." in refused.text
    chosen = site_id(trial, "VUMC")
    answer = coordinator.fill(new, code="M-001", consented_on="2026-03-01", site=chosen)
    assert "Site VUMC" in words(coordinator.follow(answer))


def test_factors_from_the_question_to_the_signature(trial: Trial, open_as: OpenAs) -> None:
    coordinator, investigator = open_as("coordinator"), open_as("investigator")
    page = f"{base(trial)}/participants/{register_at(trial, 'M-001', 'UAB')}"
    refused = investigator.fill(f"{page}/eligibility", password=PASSWORD)
    assert refused.status_code == 409
    assert "Enter the baseline factors before eligibility is signed: Age" in words(refused.text)
    assert "Not entered yet" in words(investigator.get(f"{page}/eligibility"))
    form = coordinator.get(f"{page}/factors")
    for text in ("Age at screening", "Under 65 years", "65 years or more"):
        assert text in form
    assert "Why it is corrected" not in form
    refused = coordinator.fill(f"{page}/factors")
    assert refused.status_code == 400
    assert "Choose one of the answers." in refused.text
    answer = coordinator.fill(f"{page}/factors", factor_age="under_65")
    assert path_of(answer) == page
    assert "Age at screening: Under 65 years" in words(coordinator.follow(answer))
    assert "Age at screening Under 65 years" in words(investigator.get(f"{page}/eligibility"))
    answer = investigator.fill(f"{page}/eligibility", password=PASSWORD)
    assert "Eligibility was signed." in investigator.follow(answer)


def test_a_correction_says_what_it_does(trial: Trial, open_as: OpenAs) -> None:
    """Before the place it takes the request back; after it it is a deviation."""
    coordinator = open_as("coordinator")
    participant_id = register_at(trial, "M-001", "UAB", "under_65")
    page = f"{base(trial)}/participants/{participant_id}"
    trial.eligible(participant_id)
    assert "takes the request for a place back" in words(coordinator.get(f"{page}/factors"))
    without = coordinator.fill(f"{page}/factors", factor_age="from_65")
    assert "Choose why it is corrected." in without.text
    said = {"factor_age": "from_65", "reason": "mistyped"}
    shown = words(coordinator.follow(coordinator.fill(f"{page}/factors", **said)))
    assert "Investigator signs eligibility" in shown
    trial.eligible(participant_id)
    trial.allocate(participant_id)
    assert "is recorded as a deviation" in words(coordinator.get(f"{page}/factors"))
    said = {"factor_age": "under_65", "reason": "source"}
    shown = words(coordinator.follow(coordinator.fill(f"{page}/factors", **said)))
    assert "Deviation: The place was given by the factors of before" in shown


def test_a_study_without_factors_has_no_such_page(sqlite_url: str, tmp_path: Path) -> None:
    trial = make_trial(sqlite_url)
    app = blinded_app(trial, sqlite_url, tmp_path)
    page = f"{base(trial)}/participants/{trial.register('M-001')}"
    coordinator = Browser(app, "coordinator.test")
    assert "aseline factors" not in coordinator.get(page)
    assert "asks for no baseline factors" in words(coordinator.get(f"{page}/factors", status=404))
