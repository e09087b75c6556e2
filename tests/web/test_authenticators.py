"""Setting up an authenticator, coming in with it, and losing it, as a browser meets them."""

from __future__ import annotations

import logging
import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from tests.support import authenticator
from tests.support.authenticator import Phone
from tests.support.browser import HOST, Browser, open_house, signed_in
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.nurse_acts import running_bag

PAGE, CODES = "/account/authenticator", "/account/recovery-codes"
KEY = re.compile(r'<code class="code">((?:<span>\w{4}</span>){8})</code>')
LINK = re.compile(rf"{HOST}(/new-authenticator/[0-9a-f]{{48}})")


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def app(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    """An installation where everybody needs a second factor."""
    return open_house(trial, sqlite_url, tmp_path, second_factor=True)


@pytest.fixture
def offering(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    """One where it is offered."""
    return open_house(trial, sqlite_url, tmp_path)


def text_of(answer) -> str:
    return unescape(answer.get_data(as_text=True))


def enter(app: Flask, name: str, code: str, password: str = PASSWORD):
    browser = Browser(app)
    said = {"user_name": f"{name}.test", "password": password, "one_time_code": code}
    return browser, browser.send("/sign-in", said)


def phone_for(browser: Browser, trial: Trial) -> Phone:
    """The key as a person types it from the page."""
    (key,) = KEY.findall(text_of(browser.get(PAGE)))
    return Phone(re.sub("<[^>]*>", "", key), trial.clock)


def sets_up(browser: Browser, trial: Trial) -> Phone:
    phone = phone_for(browser, trial)
    answer = browser.fill(PAGE, one_time_code=phone.code())
    assert answer.headers["Location"] == CODES
    trial.clock.move(minutes=1)
    return phone


def test_after_the_password_everybody_is_led_to_setting_up(app: Flask, trial: Trial) -> None:
    """G7: every other door leads there, also for a form; signing out stays open."""
    browser = signed_in(app, "nurse")
    study = f"/study/{trial.study_id}"
    for path in ("/", "/account", f"{study}/today", CODES):
        assert browser.get(path).headers["Location"] == PAGE
    assert browser.send(f"{study}/scan", {}).headers["Location"] == PAGE
    assert "Set up your authenticator" in text_of(browser.get(PAGE))
    csrf = browser.hidden(PAGE)["csrf_token"]
    assert browser.send("/sign-out", {"csrf_token": csrf}).status_code == 303


def test_set_up_it_lets_in_and_is_asked_at_each_sign_in(app: Flask, trial: Trial) -> None:
    """G7: login without second factor refused."""
    browser = signed_in(app, "nurse")
    phone = sets_up(browser, trial)
    shown = text_of(browser.get(CODES))
    assert shown.count("<li>") == 10
    assert browser.fill(CODES).status_code == 303
    assert "nothing to show" in text_of(browser.get(CODES))
    assert browser.get("/account").status_code == 200
    assert enter(app, "nurse", "")[1].headers["Location"] == "/sign-in/second-step"
    entered, answer = enter(app, "nurse", phone.code())
    assert answer.headers["Location"] == "/"
    assert entered.get("/account").status_code == 200


def test_every_miss_is_the_same_page(app: Flask, trial: Trial) -> None:
    """ASVS 6.3.8: wrong password with the right code, and the other way round."""
    phone = sets_up(signed_in(app, "nurse"), trial)
    pages = set()
    other = f"{(int(phone.code()) + 500_000) % 1_000_000:06d}"
    tries = [
        ("nurse", other, PASSWORD),
        ("nurse", phone.code(), "wrong"),
        ("nurse", "", "wrong"),
        ("nobody", "", PASSWORD),
    ]
    for name, code, password in tries:
        answer = enter(app, name, code, password)[1]
        assert answer.status_code == 400
        text = answer.get_data(as_text=True).partition("<main")[2]
        text = re.sub(r'name="operation_id" value="\w+"', "", text.replace(f"{name}.test", "NAME"))
        pages.add(text.replace(f'value="{code}"', 'value=""'))
    assert len(pages) == 1


def test_the_form_sent_twice_leads_to_the_same_codes(app: Flask, trial: Trial) -> None:
    """D6: a double click loses no recovery code."""
    browser = signed_in(app, "nurse")
    phone = phone_for(browser, trial)
    fields = {**browser.hidden(PAGE), "one_time_code": phone.code()}
    first, second = browser.send(PAGE, fields), browser.send(PAGE, fields)
    assert first.headers["Location"] == second.headers["Location"] == CODES
    assert text_of(browser.get(CODES)).count("<li>") == 10


def test_fields_are_those_that_phones_fill_in(offering: Flask) -> None:
    """G4: one-time-code and a keypad of digits; letters for a recovery code."""
    page = text_of(Browser(offering).get("/sign-in"))
    (field,) = re.findall(r"<input[^>]*one_time_code[^>]*>", page)
    assert 'autocomplete="one-time-code"' in field
    assert 'inputmode="numeric"' in field
    other = text_of(Browser(offering).get("/sign-in?with=recovery-code"))
    (field,) = re.findall(r"<input[^>]*one_time_code[^>]*>", other)
    assert "numeric" not in field


def test_a_recovery_code_lets_in_and_says_that_it_is_gone(offering: Flask, trial: Trial) -> None:
    """G7: the person learns how many are left, and can set up another authenticator."""
    _, codes = authenticator.set_up(trial, "nurse")
    browser, answer = enter(offering, "nurse", codes[0])
    assert answer.headers["Location"] == f"{PAGE}?done=recovery_code_used"
    page = text_of(browser.get(answer.headers["Location"]))
    assert "will not work again" in page
    assert "9 of its recovery codes are unused" in page
    assert enter(offering, "nurse", codes[0])[1].status_code == 400


def test_where_it_is_offered_nothing_leads_there_but_the_account(offering: Flask) -> None:
    """A practice installation: sign in with the password, set one up if you like."""
    browser = signed_in(offering, "nurse")
    page = text_of(browser.get("/account"))
    assert "Not set up" in page
    assert f'href="{PAGE}"' in page


def test_the_administrator_lets_a_person_set_up_a_new_one(app: Flask, trial: Trial) -> None:
    """G20, G22: reason, link shown once, sessions ended; the password is still needed."""
    admin = signed_in(app, "administrator")
    sets_up(admin, trial)
    nurse = signed_in(app, "nurse")
    sets_up(nurse, trial)
    page = f"/people/{trial.ids['nurse']}/authenticator"
    assert admin.fill(page).status_code == 400
    answer = admin.fill(page, reason="The device was lost")
    (link,) = LINK.findall(text_of(answer))
    assert nurse.get("/account").headers["Location"] == "/sign-in"
    assert "Ended. A link for a new one is open" in text_of(
        admin.get(f"/people/{trial.ids['nurse']}")
    )
    half, answer = enter(app, "nurse", "")
    assert "ended your authenticator" in text_of(half.get(answer.headers["Location"]))
    back = Browser(app)
    assert "Dana Whitfield" in text_of(back.get(link))
    assert back.send(link, {"password": "wrong"}).status_code == 400
    assert back.send(link, {"password": PASSWORD}).status_code == 303
    assert back.get("/").headers["Location"] == PAGE
    phone = sets_up(back, trial)
    assert enter(app, "nurse", phone.code())[1].status_code == 303
    assert Browser(app).get(link).status_code == 409


def test_nobody_but_the_administrator_ends_an_authenticator(offering: Flask, trial: Trial) -> None:
    """G20: nor the administrator their own."""
    authenticator.set_up(trial, "nurse2")
    page = f"/people/{trial.ids['nurse2']}/authenticator"
    assert signed_in(offering, "nurse").get(page).status_code == 403
    admin = signed_in(offering, "administrator")
    sets_up(admin, trial)
    own = f"/people/{trial.ids['administrator']}"
    assert "new authenticator" not in text_of(admin.get(own))
    answer = admin.fill(f"{own}/authenticator", reason="The device was lost")
    assert (answer.status_code, "another administrator" in text_of(answer)) == (409, True)


def test_a_nurse_goes_on_with_a_running_infusion(app: Flask, trial: Trial) -> None:
    """G8: whoever has an infusion running is led nowhere else."""
    bag_id = running_bag(trial)
    browser = signed_in(app, "nurse")
    assert browser.get(f"/study/{trial.study_id}/infusion/{bag_id}").status_code == 200
    assert signed_in(app, "nurse2").get("/").headers["Location"] == PAGE


def test_no_key_and_no_code_reaches_the_log(
    app: Flask, trial: Trial, caplog: pytest.LogCaptureFixture
) -> None:
    """E11: whatever happens."""
    with caplog.at_level(logging.DEBUG):
        browser = signed_in(app, "nurse")
        phone = phone_for(browser, trial)
        browser.fill(PAGE, one_time_code=phone.code())
        used = phone.code()
        shown = text_of(browser.get(CODES))
    said = "\n".join(record.getMessage() for record in caplog.records)
    assert "route=/account/authenticator" in said
    recovery = re.sub("<[^>]*>", "", re.findall(r"<li>(.*?)</li>", shown)[0])
    for secret in (phone.key, used, recovery, recovery.replace(" ", "")):
        assert secret not in said
