"""The headers of every answer, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import Trial, make_trial
from tests.web.test_doors import address, doors, who_may

STRICT = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    from tests.support.builders import add_person
    from tests.web.test_doors import STATISTICIAN

    trial = make_trial(sqlite_url)
    trial.ids["statistician"] = add_person(trial, "statistician", *STATISTICIAN)
    return trial


@pytest.fixture
def app(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    return open_house(trial, sqlite_url, tmp_path)


def check(answer, path: str) -> None:
    """Every strict header; nothing that may be kept; a policy without inline anything."""
    for name, value in STRICT.items():
        assert answer.headers.get(name) == value, (path, name)
    policy = dict(
        part.strip().partition(" ")[::2]
        for part in answer.headers["Content-Security-Policy"].split(";")
    )
    assert policy["default-src"] == policy["object-src"] == policy["base-uri"] == "'none'", path
    assert policy["frame-ancestors"] == "'none'", path
    assert policy["form-action"] == "'self'", path
    assert policy["script-src"] in ("'self'", "'self' 'wasm-unsafe-eval'"), path
    assert policy["style-src"] == "'self'", path
    assert answer.headers["Permissions-Policy"], path
    assert "Server" not in answer.headers, path


def test_every_route_answers_with_them(app: Flask, trial: Trial) -> None:
    """G10, G11: signed in and not, reading and writing."""
    for method in ("GET", "POST"):
        for rule, door in doors(app, method):
            path = address(trial, rule)
            for browser in (Browser(app), signed_in(app, who_may(door))):
                answer = browser.get(path) if method == "GET" else browser.send(path, {})
                assert answer.status_code < 500, path
                check(answer, path)
                assert answer.headers["Cache-Control"] == "no-store", path
                assert "ETag" not in answer.headers, path
                assert "Last-Modified" not in answer.headers, path


@pytest.mark.parametrize("path", ["/nothing", "/static/nothing", "/.git/config", "/people/"])
def test_failures_answer_with_them(app: Flask, path: str) -> None:
    """G11, G17."""
    answer = Browser(app).get(path)
    assert answer.status_code == 404
    check(answer, path)


def test_other_methods_are_refused_with_them(app: Flask) -> None:
    """G11."""
    for method in ("PUT", "DELETE", "PATCH", "TRACE"):
        answer = Browser(app).client.open(
            "/sign-in", method=method, base_url="http://127.0.0.1:8000"
        )
        assert answer.status_code == 405
        check(answer, method)


def test_a_name_that_is_not_ours_gets_them_too(app: Flask) -> None:
    """G11."""
    answer = Browser(app, "http://evil.example").get("/sign-in")
    assert answer.status_code == 400
    check(answer, "/sign-in")


def test_static_files_may_be_kept(app: Flask) -> None:
    """Fonts and styles are no secret."""
    with Browser(app).get("/static/css/tokens.css") as answer:
        assert answer.status_code == 200
        assert answer.headers.get("Cache-Control") != "no-store"
        check(answer, "/static/css/tokens.css")


def test_no_page_has_anything_inline(app: Flask, trial: Trial) -> None:
    """G11: so that the policy holds without exceptions."""
    for rule, door in doors(app, "GET"):
        browser = signed_in(app, who_may(door))
        text = browser.get(address(trial, rule)).get_data(as_text=True)
        for inline in ("<style", " style=", " onclick=", " onload=", "javascript:"):
            assert inline not in text, (rule.rule, inline)
        assert "<script>" not in text, rule.rule


def test_transport_security_goes_with_secure_cookies(
    trial: Trial, sqlite_url: str, tmp_path: Path
) -> None:
    """G11: one year, with subdomains; not on plain localhost."""
    secure = open_house(trial, sqlite_url, tmp_path, secure_cookies=True)
    answer = Browser(secure, "https://127.0.0.1").get("/sign-in")
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    plain = open_house(trial, sqlite_url, tmp_path)
    assert "Strict-Transport-Security" not in Browser(plain).get("/sign-in").headers
