"""Passkeys as a browser meets them: made, shown, refused, removed, and asked of the unblinded."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.persistence import audit, passkeys
from pharmacy.persistence.audit import INSTALLATION
from tests.support import authenticator
from tests.support.authenticator import Phone
from tests.support.browser import Browser, open_house, signed_in, stored_bytes
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.nurse_acts import running_bag
from tests.support.passkeys import PAGE, STEP, asked, half_way, makes, shows
from tests.support.soft_passkey import SoftPasskey

SET_UP = "/account/authenticator"


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


def events(trial: Trial) -> list[str]:
    with trial.units.reading() as uow:
        return [entry.event for entry in audit.entries(uow.session, INSTALLATION, most=8)]


def with_code(app: Flask, trial: Trial, who: str, phone: Phone) -> Browser:
    browser, name = Browser(app), "admin" if who == "administrator" else who
    trial.clock.move(minutes=1)
    said = {"user_name": f"{name}.test", "password": PASSWORD, "one_time_code": phone.code()}
    assert browser.send("/sign-in", said).status_code == 303
    return browser


def person(app: Flask, trial: Trial, who: str) -> tuple[Browser, Phone, SoftPasskey]:
    """Somebody with an authenticator and a passkey."""
    phone, _ = authenticator.set_up(trial, who)
    browser, device = with_code(app, trial, who, phone), SoftPasskey(who)
    assert makes(browser, device).headers["Location"] == f"{PAGE}?done=passkey_made"
    return browser, phone, device


def test_a_passkey_takes_the_place_of_the_code(app: Flask, trial: Trial) -> None:
    """G7: password and passkey; the code goes on working beside it."""
    _, phone, device = person(app, trial, "nurse")
    assert events(trial)[0] == "passkey_made"
    browser = half_way(app, "nurse")
    assert "Sign in with a passkey" in text_of(browser.get(STEP))
    assert shows(browser, device).headers["Location"] == "/"
    assert browser.get("/account").status_code == 200
    assert events(trial)[:2] == ["signed_in", "password_accepted"]
    with_code(app, trial, "nurse", phone)


def test_the_password_comes_first(app: Flask, trial: Trial) -> None:
    """No enumeration: before the right password nothing tells whether somebody has a passkey."""
    person(app, trial, "nurse")
    authenticator.set_up(trial, "nurse2")
    pages = set()
    for name in ("nurse", "nurse2", "nobody"):
        said = {"user_name": f"{name}.test", "password": "wrong", "one_time_code": ""}
        text = Browser(app).send("/sign-in", said).get_data(as_text=True)
        text = text.replace(f"{name}.test", "NAME")
        pages.add(re.sub(r'operation_id" value="\w+"', "", text))
    assert len(pages) == 1
    assert "data-passkey" not in pages.pop()


def test_an_answer_is_taken_once(app: Flask, trial: Trial) -> None:
    """G7: replayed in the same sign-in, in another, and in one's own next: refused."""
    _, _, device = person(app, trial, "nurse")
    browser = half_way(app, "nurse")
    answer, fields = device.show(asked(browser, STEP)), browser.hidden(STEP)
    limited = browser.token()
    assert browser.send(STEP, {**fields, "passkey": answer}).headers["Location"] == "/"
    old = Browser(app)
    old.bring(limited)
    assert old.send(STEP, {**fields, "passkey": answer}).headers["Location"] == "/sign-in"
    again = half_way(app, "nurse").fill(STEP, passkey=answer)
    assert (again.status_code, "not accepted" in text_of(again)) == (400, True)


def test_two_at_once_with_one_answer_are_one_sign_in(app: Flask, trial: Trial) -> None:
    """The counter moves by a compare-and-set: the slower of two finds it moved."""
    person(app, trial, "nurse")
    with trial.units.acting() as uow:
        (row,) = passkeys.of(uow.session, trial.ids["nurse"])
        before = row.counter
        assert passkeys.move_counter(uow.session, row.id, before, bytes(113))
        assert not passkeys.move_counter(uow.session, row.id, before, bytes(113))


WRONGS = [
    {"origin": "http://localhost:8001"},
    {"origin": "https://pharmacy.example.evil.example"},
    {"host": "evil.example"},
    {"verified": False},
]


@pytest.mark.parametrize("wrong", WRONGS)
def test_a_wrong_answer_is_a_miss(app: Flask, trial: Trial, wrong: dict) -> None:
    """Wrong origin, wrong relying party, nobody verified: refused, counted, and not used up."""
    _, _, device = person(app, trial, "nurse")
    browser = half_way(app, "nurse")
    refused = shows(browser, device, **wrong)
    assert (refused.status_code, "not accepted" in text_of(refused)) == (400, True)
    assert events(trial)[0] == "sign_in_refused"
    assert shows(browser, device).status_code == 303


def test_another_persons_passkey_opens_nothing(app: Flask, trial: Trial) -> None:
    """G19: neither shown for somebody else's password, nor made one's own."""
    _, _, device = person(app, trial, "nurse")
    browser, _, own = person(app, trial, "nurse2")
    other = half_way(app, "nurse2")
    assert shows(other, device).status_code == 400
    assert shows(other, own).status_code == 303
    refused = makes(browser, device, "not mine")
    assert (refused.status_code, "does not hold" in text_of(refused)) == (400, True)


def test_a_counter_that_goes_back_is_refused_and_told(app: Flask, trial: Trial) -> None:
    """A copied passkey: the person reads it, the trail keeps it, the administrator sees it."""
    _, _, device = person(app, trial, "nurse")
    shows(half_way(app, "nurse"), device, counts=5)
    browser = half_way(app, "nurse")
    for counts in (0, -3):
        refused = shows(browser, device, counts=counts)
        assert refused.status_code == 400
        assert "a copy of it may be about" in text_of(refused)
    assert events(trial)[:2] == ["sign_in_refused", "passkey_counter_went_back"]
    phone, _ = authenticator.set_up(trial, "administrator")
    admin = with_code(app, trial, "administrator", phone)
    assert "Its counter went back" in text_of(admin.get(f"/people/{trial.ids['nurse']}"))
    assert "counter went back" not in text_of(admin.get(f"/people/{trial.ids['nurse2']}"))


def test_a_device_that_does_not_count_is_taken(app: Flask, trial: Trial) -> None:
    """Synchronised passkeys answer zero each time."""
    _, _, device = person(app, trial, "nurse")
    for _ in range(2):
        assert shows(half_way(app, "nurse"), device, counts=0).status_code == 303


@pytest.mark.parametrize(("minutes", "status"), [(9, 303), (21, 400)])
def test_a_challenge_expires(app: Flask, trial: Trial, minutes: int, status: int) -> None:
    """Ten minutes at least, twenty at most."""
    _, _, device = person(app, trial, "nurse")
    browser = half_way(app, "nurse")
    answer, fields = device.show(asked(browser, STEP)), browser.hidden(STEP)
    for _ in range(minutes):
        trial.clock.move(minutes=1)
        browser.get(STEP)
    assert browser.send(STEP, {**fields, "passkey": answer}).status_code == status


def test_making_one_takes_the_password_a_name_and_an_answer(app: Flask, trial: Trial) -> None:
    """ASVS 7.5.1: an open browser alone adds no second factor."""
    browser, _, _ = person(app, trial, "nurse")
    assert makes(browser, SoftPasskey("b"), "blue key", password="wrong").status_code == 403
    assert makes(browser, SoftPasskey("b"), " ").status_code == 400
    assert makes(browser, SoftPasskey("b"), "x" * 41).status_code == 400
    assert "of this name" in text_of(makes(browser, SoftPasskey("b"), "Work  Computer"))
    assert "made no passkey" in text_of(makes(browser, SoftPasskey("b"), "blue key", passkey=""))
    assert "does not hold" in text_of(makes(browser, SoftPasskey("b"), "blue key", passkey="{}"))
    assert makes(browser, SoftPasskey("b"), "blue key").status_code == 303
    page = text_of(browser.get(PAGE))
    assert "work computer" in page
    assert "blue key" in page
    assert "blue key" in text_of(browser.get("/account"))


def test_an_answer_makes_one_passkey_once(app: Flask, trial: Trial) -> None:
    """The challenge is used up with the passkey that it made."""
    browser, _, _ = person(app, trial, "nurse")
    answer = SoftPasskey("b").make(asked(browser, PAGE))
    said = {"name": "blue key", "password": PASSWORD, "passkey": answer}
    fields = {**browser.hidden(PAGE), **said}
    assert {browser.send(PAGE, fields).status_code for _ in range(2)} == {303}
    assert browser.fill(PAGE, **{**said, "name": "another"}).status_code == 400


def test_it_is_removed_with_the_password_and_other_sign_ins_end(app: Flask, trial: Trial) -> None:
    """G21: what was removed opens nothing; somebody else's cannot be removed."""
    browser, _, device = person(app, trial, "nurse")
    other = half_way(app, "nurse")
    shows(other, device)
    (link,) = re.findall(rf"{PAGE}/[0-9a-f]{{32}}/remove", text_of(browser.get(PAGE)))
    stranger, _, _ = person(app, trial, "nurse2")
    assert stranger.get(link).status_code == 404
    assert browser.fill(link, password="wrong").status_code == 403
    assert browser.fill(link, password=PASSWORD).headers["Location"].startswith(PAGE)
    assert events(trial)[0] == "passkey_removed"
    assert browser.get("/account").status_code == 200
    assert other.get("/account").headers["Location"] == "/sign-in"
    assert "data-passkey" not in text_of(half_way(app, "nurse").get(STEP))


def test_the_last_second_factor_is_not_removed(app: Flask, offering: Flask, trial: Trial) -> None:
    """G7: where one is asked of everybody; made where it was only offered."""
    browser, device = signed_in(offering, "nurse"), SoftPasskey()
    assert makes(browser, device).status_code == 303
    there = half_way(app, "nurse")
    assert shows(there, device).headers["Location"] == "/"
    assert there.get("/account").status_code == 200
    (link,) = re.findall(rf"{PAGE}/[0-9a-f]{{32}}/remove", text_of(there.get(PAGE)))
    refused = there.fill(link, password=PASSWORD)
    assert (refused.status_code, "only second factor" in text_of(refused)) == (409, True)
    assert browser.fill(link, password=PASSWORD).status_code == 303


def test_who_works_unblinded_is_asked_for_one(app: Flask, trial: Trial) -> None:
    """G7: asked after the sign-in, put off for that sign-in alone; the administrator sees it."""
    phone, _ = authenticator.set_up(trial, "pharmacist")
    browser = with_code(app, trial, "pharmacist", phone)
    assert browser.get("/").headers["Location"] == PAGE
    assert "Please make a passkey" in text_of(browser.get(PAGE))
    assert browser.fill(PAGE, f"{PAGE}/not-now").headers["Location"] == "/"
    assert browser.get("/").headers["Location"] != PAGE
    assert "Please make" not in text_of(browser.get(PAGE))
    again = with_code(app, trial, "pharmacist", phone)
    assert again.get("/").headers["Location"] == PAGE
    admin_phone, _ = authenticator.set_up(trial, "administrator")
    admin = with_code(app, trial, "administrator", admin_phone)
    assert "No passkey yet" in text_of(admin.get("/people"))
    shown = text_of(admin.get(f"/people/{trial.ids['pharmacist']}"))
    assert "None, and the work is unblinded" in shown
    makes(again, SoftPasskey("tom"))
    assert again.get("/").headers["Location"] != PAGE
    assert "work computer" in text_of(admin.get(f"/people/{trial.ids['pharmacist']}"))


def test_nobody_blinded_is_asked_and_nobody_where_it_is_offered(
    app: Flask, offering: Flask, trial: Trial
) -> None:
    """G7: offered to everybody on the account's page."""
    phone, _ = authenticator.set_up(trial, "coordinator")
    browser = with_code(app, trial, "coordinator", phone)
    assert browser.get("/").headers["Location"] != PAGE
    assert PAGE in text_of(browser.get("/account"))
    assert signed_in(offering, "pharmacist").get("/").headers["Location"] != PAGE


def test_a_lost_device_ends_passkeys_too(app: Flask, trial: Trial) -> None:
    """G21: the administrator's link is for phone and passkeys; the password is still needed."""
    browser, _, _ = person(app, trial, "nurse")
    admin_phone, _ = authenticator.set_up(trial, "administrator")
    admin = with_code(app, trial, "administrator", admin_phone)
    page = f"/people/{trial.ids['nurse']}/authenticator"
    answer = admin.fill(page, reason="The device was lost")
    (link,) = re.findall(r"/new-authenticator/[0-9a-f]{48}", text_of(answer))
    assert browser.get("/account").headers["Location"] == "/sign-in"
    assert "data-passkey" not in text_of(half_way(app, "nurse").get(STEP))
    back = Browser(app)
    assert back.send(link, {"password": PASSWORD}).status_code == 303
    assert back.get("/").headers["Location"] == SET_UP
    with trial.units.reading() as uow:
        assert not passkeys.exist(uow.session, trial.ids["nurse"])


def test_removing_one_ends_no_running_infusion(offering: Flask, trial: Trial) -> None:
    """G8: the bedside stays as it is."""
    running_bag(trial)
    bedside, desk = signed_in(offering, "nurse"), signed_in(offering, "nurse")
    makes(desk, SoftPasskey())
    (link,) = re.findall(rf"{PAGE}/[0-9a-f]{{32}}/remove", text_of(desk.get(PAGE)))
    assert desk.fill(link, password=PASSWORD).status_code == 303
    assert bedside.get("/account").status_code == 200


def test_where_the_address_is_a_number_none_is_offered(
    trial: Trial, sqlite_url: str, tmp_path: Path
) -> None:
    """A passkey belongs to a name."""
    number = {"public_url": "http://127.0.0.1:8000", "second_factor": True}
    app = open_house(trial, sqlite_url, tmp_path, **number)
    phone, _ = authenticator.set_up(trial, "pharmacist")
    browser = with_code(app, trial, "pharmacist", phone)
    assert browser.get("/").headers["Location"] != PAGE
    assert "do not work at this address" in text_of(browser.get(PAGE))
    sent = browser.send(
        PAGE,
        {
            "csrf_token": csrf_of(browser),
            "operation_id": "1" * 32,
            "name": "x",
            "password": PASSWORD,
            "passkey": "{}",
        },
    )
    assert (sent.status_code, "address with a name" in text_of(sent)) == (409, True)


def csrf_of(browser: Browser) -> str:
    return text_of(browser.get("/account")).partition('name="csrf_token" value="')[2][:64]


def test_no_counter_lies_in_the_clear(app: Flask, trial: Trial) -> None:
    """B6: how often a passkey was shown is sealed, like an authenticator's last step."""
    _, _, device = person(app, trial, "nurse")
    shows(half_way(app, "nurse"), device, counts=0x01020304)
    assert (0x01020304).to_bytes(8, "big") not in stored_bytes(trial)
