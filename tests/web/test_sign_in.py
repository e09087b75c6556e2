"""The door as a browser meets it: cookies, links, locks, and words that tell nothing."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.app import set_up_path
from pharmacy.services import people
from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import PASSWORD, Trial, make_trial

ANOTHER = "walnut ferry copper meadow"


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def app(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    return open_house(trial, sqlite_url, tmp_path)


def link_for(trial: Trial, name: str) -> str:
    _, token = trial.do("administrator", people.new_link, trial.ids[name])
    return f"/password/{token}"


def test_the_cookie_is_bound_to_host_and_page(
    trial: Trial, sqlite_url: str, tmp_path: Path
) -> None:
    """G10: __Host-, Secure, HttpOnly, SameSite=Strict in production; cleared the same way."""
    app = open_house(trial, sqlite_url, tmp_path, secure_cookies=True)
    browser = Browser(app, "https://127.0.0.1:8000")
    entered = browser.sign_in("nurse")
    cookie, known = entered.headers.getlist("Set-Cookie")
    parts = cookie.split("; ")
    assert known.startswith("__Host-twinbag-device=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=34560000"} <= set(
        known.split("; ")
    )
    assert parts[0].startswith("__Host-twinbag=")
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(parts)
    assert not any(part.startswith(("Domain", "Expires", "Max-Age")) for part in parts)
    assert "max-age=31536000" in entered.headers["Strict-Transport-Security"]
    token = browser.get("/account").get_data(as_text=True).partition('name="csrf_token" value="')[2]
    left = browser.send("/sign-out", {"csrf_token": token[:64]})
    (cleared,) = left.headers.getlist("Set-Cookie")
    assert {"Secure", "Path=/", "Max-Age=0"} <= set(cleared.split("; "))
    assert left.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert browser.get("/account").status_code == 303


def test_an_old_token_is_worth_nothing_after_signing_out(app: Flask) -> None:
    """G9: replay of the cookie and of the form token."""
    browser = signed_in(app, "nurse")
    token = browser.token()
    page = browser.get("/account").get_data(as_text=True)
    csrf = page.partition('name="csrf_token" value="')[2][:64]
    assert browser.send("/sign-out", {"csrf_token": csrf}).status_code == 303
    browser.bring(token)
    assert browser.get("/account").headers["Location"] == "/sign-in"
    assert browser.send("/sign-out", {"csrf_token": csrf}).headers["Location"] == "/sign-in"


def test_the_form_token_of_an_earlier_session_is_refused(app: Flask) -> None:
    """G11: forms belong to their session."""
    browser = signed_in(app, "administrator")
    old = browser.hidden("/people/add")
    assert browser.sign_in("admin").status_code == 303
    answer = browser.send("/people/add", {**old, "full_name": "X"})
    assert answer.status_code == 403
    assert "out of date" in answer.get_data(as_text=True)


def test_signing_in_while_signed_in_changes_the_person_and_ends_the_first_session(
    app: Flask,
) -> None:
    """G9: a shared workstation; nothing of the first person stays open."""
    browser = signed_in(app, "nurse")
    first = browser.token()
    assert browser.get("/sign-in").headers["Location"] == "/"
    assert browser.sign_in("monitor").status_code == 303
    assert "Max Berger" in browser.get("/account").get_data(as_text=True)
    browser.bring(first)
    assert browser.get("/account").headers["Location"] == "/sign-in"


def test_a_planted_cookie_is_replaced(app: Flask) -> None:
    """Session fixation: the browser's own value never becomes a session."""
    browser = Browser(app)
    browser.bring("ab" * 32)
    assert browser.sign_in("nurse").status_code == 303
    assert browser.token() != "ab" * 32


def test_every_miss_is_the_same_page(app: Flask, trial: Trial) -> None:
    """ASVS 6.3.8: unknown, wrong and left differ in nothing but what was typed."""
    trial.do("administrator", people.leave, trial.ids["nurse2"])
    pages = set()
    for name in ("nurse", "nurse2", "nobody"):
        answer = Browser(app).sign_in(name, "wrong wrong wrong")
        assert answer.status_code == 400
        text = answer.get_data(as_text=True)
        pages.add(text.replace(f"{name}.test", "NAME").partition("<main")[2])
    assert len(strip_ids(pages)) == 1


def strip_ids(pages: set[str]) -> set[str]:
    """Pages without the random id that every form carries."""
    parts = (page.partition('name="operation_id" value="') for page in pages)
    return {before + after[32:] for before, _, after in parts}


def test_after_fifteen_idle_minutes_the_door_is_shut(app: Flask, trial: Trial) -> None:
    """G8: reading keeps it open, silence does not."""
    browser = signed_in(app, "nurse")
    for _ in range(4):
        trial.clock.move(minutes=14)
        assert browser.get("/account").status_code == 200
    trial.clock.move(minutes=16)
    assert browser.get("/account").headers["Location"] == "/sign-in"


def test_a_form_that_took_ten_minutes_to_fill_is_taken(app: Flask, trial: Trial) -> None:
    """G8: the idle clock and the act do not stand in each other's way."""
    browser = signed_in(app, "administrator")
    page = f"/people/{trial.ids['nurse']}/roles/{trial.study_id}"
    fields = browser.hidden(page)
    trial.clock.move(minutes=10)
    assert browser.send(page, {**fields, "roles": ["nurse"]}).status_code == 303
    trial.clock.move(minutes=10)
    assert browser.get("/people").status_code == 200


def test_a_person_who_leaves_is_out_with_the_next_click(app: Flask, trial: Trial) -> None:
    """G21: the open session too."""
    browser = signed_in(app, "nurse")
    assert browser.get("/account").status_code == 200
    trial.do("administrator", people.leave, trial.ids["nurse"])
    assert browser.get("/account").headers["Location"] == "/sign-in"
    assert browser.sign_in("nurse").status_code == 400


def test_a_forgotten_password_is_chosen_anew_and_signs_out_everywhere(
    app: Flask, trial: Trial
) -> None:
    """F7: by a link, once; open sessions end, the old password is gone."""
    open_one, page = signed_in(app, "nurse"), link_for(trial, "nurse")
    assert "Dana Whitfield" in Browser(app).get(page).get_data(as_text=True)
    chosen = Browser(app).send(page, {"new_password": ANOTHER})
    assert chosen.status_code == 303
    assert open_one.get("/account").headers["Location"] == "/sign-in"
    assert Browser(app).sign_in("nurse", PASSWORD).status_code == 400
    assert Browser(app).sign_in("nurse", ANOTHER).status_code == 303
    for answer in (Browser(app).get(page), Browser(app).send(page, {"new_password": PASSWORD})):
        assert answer.status_code == 409
        assert "used or has expired" in answer.get_data(as_text=True)
        assert "Dana" not in answer.get_data(as_text=True)


def test_a_weak_password_is_refused_with_its_reason(app: Flask, trial: Trial) -> None:
    """G3: and the link still works."""
    page = link_for(trial, "nurse")
    answer = Browser(app).send(page, {"new_password": "passwordpassword"})
    assert answer.status_code == 400
    assert "common passwords" in answer.get_data(as_text=True)
    assert Browser(app).send(page, {"new_password": ANOTHER}).status_code == 303


def test_the_set_up_link_is_dead_once_there_is_a_person(app: Flask) -> None:
    """G19: nobody becomes a second first administrator."""
    assert set_up_path(app) is None
    answer = Browser(app).get("/set-up/" + "0" * 48)
    assert answer.status_code == 409


@pytest.mark.parametrize("page", ["/sign-in", "/set-up/0", "/password/0"])
def test_forms_with_missing_fields_are_answered_not_broken(app: Flask, page: str) -> None:
    """G17: no stack trace for a hand-made request."""
    assert Browser(app).send(page, {}).status_code in (400, 409)


def test_no_secret_reaches_the_log(
    app: Flask, trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    """E11: neither passwords nor tokens nor links, whatever happens."""
    page = link_for(trial, "nurse")
    with caplog.at_level(logging.DEBUG):
        browser = signed_in(app, "nurse")
        browser.sign_in("nurse", "canary canary canary")
        browser.get(page)
        browser.send(page, {"new_password": ANOTHER})
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "route=/password/<token>" in said
    for secret in (PASSWORD, ANOTHER, "canary", page, browser.token()):
        assert secret not in said
