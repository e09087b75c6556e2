"""The administrator's pages for accounts."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.persistence import audit
from pharmacy.persistence.audit import INSTALLATION
from tests.support.browser import HOST, Browser, open_house, signed_in, stored_bytes
from tests.support.builders import Trial, make_trial

ROSE = {"full_name": "Rose Okafor", "user_name": "r.okafor", "initials": "RO"}
LINK = re.compile(rf"{HOST}(/password/[0-9a-f]{{48}})")


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def app(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    return open_house(trial, sqlite_url, tmp_path)


@pytest.fixture
def browser(app: Flask) -> Browser:
    return signed_in(app, "administrator")


def text_of(answer) -> str:
    return unescape(answer.get_data(as_text=True))


def newest(trial: Trial) -> audit.AuditEntry:
    with trial.units.reading() as uow:
        return audit.entries(uow.session, INSTALLATION, most=1)[0]


def test_an_administrator_lands_on_the_people(browser: Browser) -> None:
    """Each role lands on its work."""
    assert browser.get("/").headers["Location"] == "/people"
    page = text_of(browser.get("/people"))
    assert "Dana Whitfield" in page
    assert "MIGHT (practice): Nurse" in page


def test_a_new_person_gets_a_link_that_is_shown_once(
    app: Flask, browser: Browser, trial: Trial
) -> None:
    """F7: in the answer alone, not in a location, the database or a later page."""
    answer = browser.fill("/people/add", **ROSE)
    assert answer.status_code == 200
    (link,) = LINK.findall(text_of(answer))
    token = link.rpartition("/")[2]
    assert token.encode() not in stored_bytes(trial)
    person = re.search(r'href="(/people/[0-9a-f]{32})"', text_of(answer))
    assert person is not None
    for page in ("/people", person[1], "/trail"):
        assert token not in text_of(browser.get(page))
    chosen = Browser(app).send(link, {"new_password": "walnut ferry copper meadow"})
    assert chosen.status_code == 303


def test_the_form_of_a_new_person_sent_again_changes_nothing_and_shows_no_link(
    browser: Browser, trial: Trial
) -> None:
    """Operation ids: this form keeps no answer; the user name makes the repetition safe."""
    fields = {**browser.hidden("/people/add"), **ROSE}
    assert browser.send("/people/add", fields).status_code == 200
    again = browser.send("/people/add", fields)
    assert again.status_code == 400
    assert not LINK.findall(text_of(again))
    assert "make them a new link" in text_of(again)
    assert newest(trial).event == "person_added"


@pytest.mark.parametrize("missing", sorted(ROSE))
def test_a_missing_answer_is_named_and_the_rest_is_kept(browser: Browser, missing: str) -> None:
    """Forms: what was typed is kept."""
    typed = {name: value for name, value in ROSE.items() if name != missing}
    answer = browser.fill("/people/add", **typed)
    assert answer.status_code == 400
    for value in typed.values():
        assert f'value="{value}"' in text_of(answer)
    assert f'href="#{missing}"' in text_of(answer)


def test_a_new_link_ends_the_old_one(app: Flask, browser: Browser, trial: Trial) -> None:
    """F8: a forgotten password; made twice, the last one shown works."""
    page = f"/people/{trial.ids['nurse']}"
    links = [
        LINK.findall(text_of(browser.fill(page, action=f"{page}/link")))[0] for _ in range(2)
    ]
    assert Browser(app).get(links[0]).status_code == 409
    assert Browser(app).get(links[1]).status_code == 200


def test_roles_are_ticked_and_kept(browser: Browser, trial: Trial) -> None:
    """Set up: people get roles per study."""
    page = f"/people/{trial.ids['nurse']}/roles/{trial.study_id}"
    assert re.search(r'value="nurse" checked', text_of(browser.get(page)))
    answer = browser.fill(page, roles=["coordinator", "nurse"])
    assert answer.headers["Location"] == f"/people/{trial.ids['nurse']}?done=roles_given"
    assert "Coordinator, Nurse" in text_of(browser.get(answer.headers["Location"]))
    answer = browser.fill(page)
    assert "roles were changed" in text_of(browser.get(answer.headers["Location"]))
    assert re.search(r'value="nurse" checked', text_of(browser.get(page))) is None


def test_both_sides_at_once_are_refused_and_the_ticks_kept(
    browser: Browser, trial: Trial
) -> None:
    """G20: with its sentence, and nothing given."""
    page = f"/people/{trial.ids['nurse']}/roles/{trial.study_id}"
    answer = browser.fill(page, roles=["nurse", "checker"])
    assert answer.status_code == 409
    assert "cannot hold a blinded and an unblinded role" in text_of(answer)
    assert re.search(r'value="checker" checked', text_of(answer))
    assert re.search(r'value="checker" checked', text_of(browser.get(page))) is None


@pytest.mark.parametrize("role", ["second_custodian", "made_up", "administrator"])
def test_a_role_that_was_not_offered_cannot_be_sent(
    browser: Browser, trial: Trial, role: str
) -> None:
    """E16: a hand-made form."""
    page = f"/people/{trial.ids['nurse']}/roles/{trial.study_id}"
    answer = browser.fill(page, roles=["nurse", role])
    assert answer.status_code == 400


def test_leaving_says_what_happens_and_asks_why(browser: Browser, trial: Trial) -> None:
    """Destructive acts say what will happen and can be left."""
    page = f"/people/{trial.ids['nurse']}/leave"
    shown = text_of(browser.get(page))
    for word in ("signed out at once", "Nurse in MIGHT", "cannot be undone", "Keep the account"):
        assert word in shown
    assert browser.fill(page).status_code == 400
    answer = browser.fill(page, reason="Duties changed")
    assert answer.status_code == 303
    assert "Left" in text_of(browser.get(answer.headers["Location"]))
    entry = newest(trial)
    assert entry.event == "person_left"
    assert b"Duties changed" in entry.body
    assert browser.get(page).status_code == 200


def test_nobody_ends_their_own_account(browser: Browser, trial: Trial) -> None:
    """G21: neither offered nor taken."""
    own = trial.ids["administrator"]
    assert "End the account" not in text_of(browser.get(f"/people/{own}"))
    answer = browser.fill(f"/people/{own}/leave", reason="Duties changed")
    assert answer.status_code == 409


def test_an_unknown_person_is_a_sentence(browser: Browser, trial: Trial) -> None:
    """G17: 404, not a broken page."""
    for page in ("/people/nobody", "/people/nobody/leave", f"/people/nobody/roles/{trial.study_id}",
                 f"/people/{trial.ids['nurse']}/roles/none"):  # fmt: skip
        assert browser.get(page).status_code == 404


def test_names_are_text_and_never_markup(browser: Browser) -> None:
    """G13: a name cannot inject a page."""
    answer = browser.fill("/people/add", **{**ROSE, "full_name": "<script>alert(1)</script>"})
    assert answer.status_code == 200
    assert "<script>alert" not in answer.get_data(as_text=True)
    assert "&lt;script&gt;" in browser.get("/people").get_data(as_text=True)
