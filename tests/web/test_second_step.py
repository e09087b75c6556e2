"""A lost phone at 3 a.m.: name and password open the code break, and nothing else."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.persistence import audit
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.unblinded.code_break import breaking
from tests.support import authenticator
from tests.support.authenticator import Phone
from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study

STEP, PAGE = "/sign-in/second-step", "/account/authenticator"
BREAK = "I have no code. Break a code"


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A participant with a place, and an investigator who has shares and an authenticator."""
    made = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    made.enrol_breaker()
    return made


@pytest.fixture
def phone(study: LitStudy) -> Phone:
    return authenticator.set_up(study.trial, "investigator")[0]


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """An installation where everybody needs a second factor."""
    return open_house(study.trial, sqlite_url, tmp_path, second_factor=True)


def text_of(answer) -> str:
    return unescape(answer.get_data(as_text=True))


def half_way(app: Flask, name: str = "investigator", **said: str) -> Browser:
    """A browser after the password, without a code."""
    browser = Browser(app)
    fields = {"user_name": f"{name}.test", "password": PASSWORD, **said}
    assert browser.send("/sign-in", fields).headers["Location"] == STEP
    return browser


def to_break(browser: Browser, study: LitStudy):
    return browser.fill(STEP, f"/sign-in/break/{study.study_id}")


def events(study: LitStudy) -> list[str]:
    with study.trial.units.reading() as uow:
        return [entry.event for entry in audit.entries(uow.session, INSTALLATION, most=6)]


def breaks(browser: Browser, study: LitStudy):
    """Break the code of M-008 by the form that the page shows."""
    with study.trial.look("investigator") as act:
        chosen = next(one.id for one in breaking.choices(act) if one.code == "M-008")
    page = f"/break/{study.study_id}?participant={chosen}"
    fields = {"reason": "treatment", "passphrase": study.passphrases["investigator"]}
    return browser.fill(page, f"/break/{study.study_id}/{chosen}", **fields)


@pytest.mark.parametrize("said", [{}, {"no_code": "yes", "one_time_code": "123456"}])
def test_with_the_password_alone_a_code_is_broken(
    app: Flask, study: LitStudy, phone: Phone, said: dict[str, str]
) -> None:
    """keys.md, J1: no second factor blocks it; also when a wrong code stands in the field."""
    browser = half_way(app, **said)
    assert BREAK in text_of(browser.get(STEP))
    answer = to_break(browser, study)
    assert answer.headers["Location"] == f"/break/{study.study_id}"
    shown = breaks(browser, study)
    assert shown.status_code == 200
    assert "M-008 receives immune globulin" in " ".join(
        re.sub("<[^>]*>", "", text_of(shown)).split()
    )


def test_it_opens_nothing_else_and_the_page_that_asks_for_the_code(
    app: Flask, study: LitStudy, phone: Phone
) -> None:
    """G7: neither the participants, nor the account, nor another authenticator."""
    browser = half_way(app)
    to_break(browser, study)
    for path in ("/", "/account", PAGE, f"/study/{study.study_id}/participants"):
        assert browser.get(path).headers["Location"] == STEP
    assert browser.get(f"/break/{study.study_id}/keys").headers["Location"] == STEP
    menu = text_of(browser.get(f"/break/{study.study_id}")).partition("<nav")[2]
    assert "Break the code" in menu.partition("</nav>")[0]
    assert "Participants" not in menu.partition("</nav>")[0]
    assert "nothing else is" in text_of(browser.get(STEP))


def test_the_code_opens_the_rest_with_a_new_cookie(
    app: Flask, study: LitStudy, phone: Phone
) -> None:
    """G9: the step up is a new session, and the limited one is over."""
    browser = half_way(app)
    to_break(browser, study)
    limited = browser.token()
    assert browser.fill(STEP, one_time_code=phone.code()).headers["Location"] == "/"
    assert browser.token() != limited
    assert browser.get("/account").status_code == 200
    assert browser.get(STEP).headers["Location"] == "/"
    old = Browser(app)
    old.bring(limited)
    assert old.get(f"/break/{study.study_id}").headers["Location"] == "/sign-in"


def test_it_is_written_down_and_the_administrator_reads_it(
    app: Flask, study: LitStudy, phone: Phone
) -> None:
    """G18: who came in without a second factor, when, and what for."""
    admin_phone, _ = authenticator.set_up(study.trial, "administrator")
    to_break(half_way(app), study)
    assert events(study)[:2] == ["signed_in_without_second_factor", "password_accepted"]
    admin = Browser(app)
    said = {"user_name": "admin.test", "password": PASSWORD, "one_time_code": admin_phone.code()}
    assert admin.send("/sign-in", said).status_code == 303
    assert "to break a code" in text_of(admin.get("/people"))
    page = text_of(admin.get(f"/people/{study.trial.ids['investigator']}"))
    assert "Came in without a second factor" in page
    assert "Came in without" not in text_of(admin.get(f"/people/{study.trial.ids['nurse']}"))


def test_who_breaks_no_code_is_told_whom_to_ask(app: Flask, study: LitStudy) -> None:
    """Nobody else gets any further than that page."""
    authenticator.set_up(study.trial, "nurse")
    browser = half_way(app, "nurse")
    page = text_of(browser.get(STEP))
    assert BREAK not in page
    assert "ask the administrator for a link" in page
    csrf = browser.hidden(STEP)["csrf_token"]
    sent = browser.send(f"/sign-in/break/{study.study_id}", {"csrf_token": csrf})
    assert sent.status_code == 403
    assert browser.get("/").headers["Location"] == STEP


def test_without_the_password_nobody_learns_anything(
    app: Flask, study: LitStudy, phone: Phone
) -> None:
    """ASVS 6.3.8: an investigator, somebody else and nobody get one and the same page."""
    pages = set()
    for name in ("investigator", "nurse", "nobody"):
        fields = {"user_name": f"{name}.test", "password": "wrong", "no_code": "yes"}
        answer = Browser(app).send("/sign-in", fields)
        text = answer.get_data(as_text=True).replace(f"{name}.test", "NAME")
        pages.add((answer.status_code, re.sub(r'operation_id" value="\w+"', "", text)))
    assert len(pages) == 1


def test_guessing_at_the_second_step_is_slowed_and_never_ends_it(
    app: Flask, study: LitStudy, phone: Phone
) -> None:
    """G6: a wait, no lock-out; and the way to the code break stays open all the while."""
    browser = half_way(app)
    for _ in range(6):
        assert browser.fill(STEP, one_time_code="000000").status_code == 400
        study.trial.clock.move(seconds=1)
    assert "Too many tries" in text_of(browser.fill(STEP, one_time_code=phone.code()))
    assert to_break(browser, study).headers["Location"] == f"/break/{study.study_id}"
    study.trial.clock.move(minutes=2)
    assert browser.fill(STEP, one_time_code=phone.code()).headers["Location"] == "/"


def test_a_code_is_used_up_at_the_second_step_too(
    app: Flask, study: LitStudy, phone: Phone
) -> None:
    """G7, ASVS 6.5.1: once, wherever."""
    used = phone.code()
    assert half_way(app).fill(STEP, one_time_code=used).status_code == 303
    assert half_way(app).fill(STEP, one_time_code=used).status_code == 400


def test_who_has_set_up_none_yet_breaks_a_code_first(app: Flask, study: LitStudy) -> None:
    """keys.md: setting up waits, the participant does not."""
    browser = signed_in(app, "investigator")
    page = text_of(browser.get(PAGE))
    assert "Not now: break a code" in page
    answer = browser.fill(PAGE, f"/sign-in/break/{study.study_id}")
    assert answer.headers["Location"] == f"/break/{study.study_id}"
    assert breaks(browser, study).status_code == 200
    assert "Not now: break a code" not in text_of(signed_in(app, "coordinator").get(PAGE))


def test_a_limited_sign_in_is_over_after_an_hour(app: Flask, study: LitStudy, phone: Phone) -> None:
    """G8: however busy it is; signing in again is always possible."""
    browser = half_way(app)
    to_break(browser, study)
    for _ in range(6):
        study.trial.clock.move(minutes=10)
        assert browser.get(f"/break/{study.study_id}").status_code == 200
    study.trial.clock.move(minutes=1)
    assert browser.get(f"/break/{study.study_id}").headers["Location"] == "/sign-in"
