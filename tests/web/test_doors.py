"""Every door: who may pass, whose forms are taken, and one effect however often a form is sent."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from pharmacy.domain.roles import PERMISSIONS, Permission, Role
from pharmacy.persistence import audit
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.web.access import Door, door_of
from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import PEOPLE, Trial, add_person, make_trial

STATISTICIAN = ("Sten Atkins", Role.STATISTICIAN)
EVERYBODY = {**PEOPLE, "statistician": STATISTICIAN}


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    trial = make_trial(sqlite_url)
    trial.ids["statistician"] = add_person(trial, "statistician", *STATISTICIAN)
    return trial


@pytest.fixture
def app(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    return open_house(trial, sqlite_url, tmp_path)


def doors(app: Flask, method: str) -> Iterator[tuple[Rule, Door]]:
    """Every route that takes the method, static files aside."""
    for rule in app.url_map.iter_rules():
        found = door_of(app, rule.endpoint)
        if rule.endpoint != "static" and method in (rule.methods or ()) and found:
            yield rule, found


def address(trial: Trial, rule: Rule) -> str:
    """A path for a route: the trial's study where it asks for one, else a number."""
    values = dict.fromkeys(rule.arguments, "1")
    for name in {"study_id", "of_study"} & rule.arguments:
        values[name] = trial.study_id
    if "person_id" in rule.arguments:
        values["person_id"] = trial.ids["nurse"]
    path = rule.rule
    for name in rule.arguments:
        for kind in ("", "int:", "string:"):
            path = path.replace(f"<{kind}{name}>", values[name])
    assert "<" not in path, path
    return path


def who_may(door: Door) -> str:
    """Somebody whom this door lets in."""
    if door.permission is Permission.ADMINISTER:
        return "administrator"
    if door.permission is None:
        return "nurse"
    roles = PERMISSIONS[door.permission]
    return next(name for name, (_, role) in EVERYBODY.items() if role in roles)


def test_nobody_passes_without_signing_in(app: Flask, trial: Trial) -> None:
    """G11, E16: every route but the public ones leads to the sign-in page, reading and writing."""
    seen = 0
    for method in ("GET", "POST"):
        for rule, door in doors(app, method):
            if door.public:
                continue
            browser = Browser(app)
            path = address(trial, rule)
            answer = browser.get(path) if method == "GET" else browser.send(path, {})
            assert (answer.status_code, answer.headers.get("Location")) == (303, "/sign-in"), path
            seen += 1
    assert seen >= 12


def test_only_these_doors_are_public(app: Flask) -> None:
    """E16: a new public page is a decision, not an accident."""
    public = {rule.endpoint for rule, door in doors(app, "GET") if door.public}
    assert public == {
        "authenticators.link",
        "home.health",
        "sign_in.page",
        "sign_in.password",
        "sign_in.set_up",
    }


def test_each_permission_is_asked_of_each_role(app: Flask, trial: Trial) -> None:
    """E16: the whole matrix; whoever lacks the permission gets 403 and nothing else."""
    browsers = {name: signed_in(app, name) for name in [*EVERYBODY, "administrator"]}
    for method in ("GET", "POST"):
        for rule, door in doors(app, method):
            if door.public or door.permission is None:
                continue
            path = address(trial, rule)
            for name, browser in browsers.items():
                role = EVERYBODY[name][1] if name in EVERYBODY else None
                allowed = (
                    name == "administrator"
                    if door.permission is Permission.ADMINISTER
                    else role in PERMISSIONS[door.permission]
                )
                if allowed:
                    continue
                answer = browser.get(path) if method == "GET" else browser.send(path, {})
                assert answer.status_code == 403, (method, path, name)
                assert "Your roles in this study do not include this" in answer.get_data(
                    as_text=True
                ), (method, path, name)


def test_a_form_without_the_sessions_token_is_refused_everywhere(app: Flask, trial: Trial) -> None:
    """G11: every POST of the URL map, with no token, a made-up one and somebody else's."""
    other = signed_in(app, "monitor").get("/account").get_data(as_text=True)
    foreign = other.partition('name="csrf_token" value="')[2][:64]
    assert len(foreign) == 64
    for rule, door in doors(app, "POST"):
        if door.public:
            continue
        browser, path = signed_in(app, who_may(door)), address(trial, rule)
        for token in (None, "0" * 64, foreign, "é"):
            fields = {"operation_id": "1" * 32} | ({} if token is None else {"csrf_token": token})
            answer = browser.send(path, fields)
            assert answer.status_code == 403, path
            assert "out of date" in answer.get_data(as_text=True), path


FOREIGN = [
    {"Origin": "https://elsewhere.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8001"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "null"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"},
]


def test_a_form_of_another_site_is_refused_everywhere(app: Flask, trial: Trial) -> None:
    """G11, ASVS 3.5.1: every POST, the public ones too, before anything is read."""
    for rule, door in doors(app, "POST"):
        browser = Browser(app) if door.public else signed_in(app, who_may(door))
        for headers in FOREIGN:
            answer = browser.send(address(trial, rule), {}, headers=headers)
            assert answer.status_code == 403, (rule.rule, headers)
            assert "another site" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
        {"Sec-Fetch-Site": "none", "Origin": "null"},
    ],
)
def test_our_own_forms_are_taken(app: Flask, headers: dict[str, str]) -> None:
    """G11: as browsers send them; a page that tells no referrer sends the origin `null`."""
    fields = {"user_name": "nurse.test", "password": "lantern orchard violet stream"}
    assert Browser(app).send("/sign-in", fields, headers=headers).status_code == 303


def test_another_host_name_is_not_answered(app: Flask) -> None:
    """G11: a rebound name is no name of ours."""
    assert Browser(app, "http://evil.example").get("/sign-in").status_code == 400


def test_a_nul_is_refused_before_it_meets_a_database(app: Flask, trial: Trial) -> None:
    """G13: on PostgreSQL no text holds one."""
    browser = signed_in(app, "administrator")
    assert browser.get("/people/%00").status_code == 400
    assert browser.get("/trail?text=%00").status_code == 400
    assert browser.send("/sign-in", {"user_name": "a\0", "password": "b"}).status_code == 400


def roles_page(trial: Trial) -> str:
    return f"/people/{trial.ids['nurse']}/roles/{trial.study_id}"


def count(trial: Trial, event: str) -> int:
    with trial.units.reading() as uow:
        found = audit.entries(uow.session, INSTALLATION, most=1000)
    return sum(entry.event == event for entry in found)


def test_the_same_form_twice_is_one_effect_and_the_same_answer(app: Flask, trial: Trial) -> None:
    """Operation ids: double click, back button, resend."""
    browser = signed_in(app, "administrator")
    before = count(trial, "roles_given")
    fields = {**browser.hidden(roles_page(trial)), "roles": ["nurse", "coordinator"]}
    answers = [browser.send(roles_page(trial), fields) for _ in range(3)]
    assert {(a.status_code, a.headers["Location"]) for a in answers} == {
        (303, f"/people/{trial.ids['nurse']}?done=roles_given")
    }
    assert count(trial, "roles_given") == before + 1


def test_the_same_id_with_another_body_or_person_is_refused(app: Flask, trial: Trial) -> None:
    """Operation ids: an id answers for one person and one body."""
    browser = signed_in(app, "administrator")
    fields = {**browser.hidden(roles_page(trial)), "roles": ["nurse", "coordinator"]}
    assert browser.send(roles_page(trial), fields).status_code == 303
    other_body = browser.send(roles_page(trial), {**fields, "roles": ["nurse"]})
    other_page = browser.send("/studies/make", fields)
    nurse = signed_in(app, "coordinator")
    text = nurse.get("/account").get_data(as_text=True)
    own = {**fields, "csrf_token": text.partition('name="csrf_token" value="')[2][:64]}
    for answer in (other_body, other_page):
        assert answer.status_code == 409
        assert "other contents" in answer.get_data(as_text=True)
    assert nurse.send(roles_page(trial), own).status_code == 403


def test_another_persons_id_is_refused(app: Flask, trial: Trial) -> None:
    """Operation ids: two who may do the same do not answer for each other."""
    with trial.act("administrator") as act:
        act.uow.session.get_one(type(act.person), trial.ids["monitor"]).administrator = True
        act.record("made_by_test", "person:monitor")
    first, second = signed_in(app, "administrator"), signed_in(app, "monitor")
    fields = {**first.hidden(roles_page(trial)), "roles": ["nurse", "coordinator"]}
    assert first.send(roles_page(trial), fields).status_code == 303
    own = second.hidden(roles_page(trial))["csrf_token"]
    answer = second.send(roles_page(trial), {**fields, "csrf_token": own})
    assert answer.status_code == 409
    assert "other contents" in answer.get_data(as_text=True)


@pytest.mark.parametrize("number", ["", "short", "x" * 65, "é" * 32, "1 " * 16, "'" * 32])
def test_a_form_without_a_number_of_its_own_is_refused(
    app: Flask, trial: Trial, number: str
) -> None:
    """Operation ids: of known shape, or not at all."""
    browser = signed_in(app, "administrator")
    fields = {**browser.hidden(roles_page(trial)), "operation_id": number}
    answer = browser.send(roles_page(trial), fields)
    assert answer.status_code == 409
    assert "no number of its own" in answer.get_data(as_text=True)


def test_fifty_identical_forms_at_once_are_one_effect(app: Flask, trial: Trial) -> None:
    """Operation ids: threads, a real database; every one of the fifty is led to the same page."""
    browser = signed_in(app, "administrator")
    before = count(trial, "roles_given")
    fields = {**browser.hidden(roles_page(trial)), "roles": ["nurse", "coordinator"]}
    cookie = browser.token()

    def send(_number: int) -> tuple[int, str | None]:
        twin = Browser(app)
        twin.bring(cookie)
        answer = twin.send(roles_page(trial), fields)
        return answer.status_code, answer.headers.get("Location")

    with ThreadPoolExecutor(10) as pool:
        answers = set(pool.map(send, range(50)))
    assert answers == {(303, f"/people/{trial.ids['nurse']}?done=roles_given")}
    assert count(trial, "roles_given") == before + 1


def test_fifty_of_the_same_person_at_once_are_one_person(app: Flask, trial: Trial) -> None:
    """The form that shows a link keeps no answer: the user name makes the repetition safe."""
    browser = signed_in(app, "administrator")
    fields = browser.hidden("/people/add") | {
        "full_name": "Rose Okafor", "user_name": "r.okafor", "initials": "RO"
    }  # fmt: skip
    cookie = browser.token()

    def send(_number: int) -> int:
        twin = Browser(app)
        twin.bring(cookie)
        return twin.send("/people/add", fields).status_code

    before = count(trial, "person_added")
    with ThreadPoolExecutor(10) as pool:
        answers = sorted(pool.map(send, range(50)))
    assert answers == [200] + [400] * 49
    assert count(trial, "person_added") == before + 1
