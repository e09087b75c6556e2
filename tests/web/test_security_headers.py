"""The headers of every answer, whatever it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, g

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


# The routes whose page carries the camera, whatever stands in the path.
CAMERA = {"scanning.scan", "arrivals.receive"}


def opens_the_camera(answer) -> bool:
    """Whether a page may open the camera."""
    said = answer.headers["Permissions-Policy"].partition(",")[0]
    assert said in ("camera=()", "camera=(self)")
    return said == "camera=(self)"


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
    scripts = "'self' 'wasm-unsafe-eval'" if opens_the_camera(answer) else "'self'"
    assert policy["script-src"] == scripts, path
    assert policy["style-src"] == "'self'", path
    assert "microphone=(), geolocation=()" in answer.headers["Permissions-Policy"], path
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


def camera_routes(app: Flask, trial: Trial) -> set[str]:
    """The routes that open the camera for somebody, signed in or not, reading or writing."""
    found = set()
    for method in ("GET", "POST"):
        for rule, door in doors(app, method):
            path = address(trial, rule)
            for browser in (Browser(app), signed_in(app, who_may(door))):
                answer = browser.get(path) if method == "GET" else browser.send(path, {})
                assert opens_the_camera(answer) == (b"data-camera=" in answer.data), path
                if opens_the_camera(answer):
                    found.add(rule.endpoint)
    return found


def test_only_pages_that_carry_the_camera_open_it(app: Flask, trial: Trial) -> None:
    """G11: camera and WebAssembly are had where a label is read, and nowhere else."""
    assert camera_routes(app, trial) == CAMERA


def test_a_route_that_opens_the_camera_for_nothing_is_found(app: Flask, trial: Trial) -> None:
    """Planted: the account page says that it carries the camera, and has none."""
    shown = app.view_functions["home.account"]

    def planted() -> object:
        answered = shown()
        g.camera = True
        return answered

    planted.__dict__.update(shown.__dict__)
    app.view_functions["home.account"] = planted
    with pytest.raises(AssertionError, match="/account"):
        camera_routes(app, trial)


def test_of_the_answers_to_a_scan_only_the_neutral_one_opens_the_camera(
    app: Flask, trial: Trial
) -> None:
    """A11: go, stop and resume have nothing more to read."""
    nurse, page = signed_in(app, "nurse"), f"/study/{trial.study_id}/scan"
    bag_id = trial.ready_bag()
    nurse = signed_in(app, "nurse")
    stopped = nurse.fill(page, code="nonsense", method="camera").location
    assert not opens_the_camera(nurse.get(stopped))
    known = nurse.fill(page, code=trial.code(bag_id), method="camera").location
    assert opens_the_camera(nurse.get(known))
    refused = nurse.fill(known, f"{known}/person", card=trial.card())
    assert refused.status_code == 400
    assert opens_the_camera(refused)
    nurse.fill(known, f"{known}/person", card=trial.card(), spoken_confirmed="y")
    assert not opens_the_camera(nurse.get(known))


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
