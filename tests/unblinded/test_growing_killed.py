"""Growing a list killed at any step: the whole part or nothing, and once when sent again (K8)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.services.act import Act
from pharmacy.unblinded import list_growing
from pharmacy.unblinded.doorway import lit_cookie_name
from tests.support.killing import Form, Rows, die_at, events_of, rows_of, unsound
from tests.support.killing_grounds import ground_at
from tests.support.lit_builders import BASE_URL, LitStudy, open_study
from tests.unblinded.list_acts import typed

_ROOM = "lit_session"


class Growing:
    """A filled form of the statistician's open room, and copies of its database to kill on."""

    def __init__(self, url: str, folder: Path) -> None:
        study = open_study(url)
        study.enrol_breaker()
        self.ground = ground_at(study.trial, folder)
        app = self.ground.app(url)
        self.cookies, self.form = self._filled(app, study)
        app.extensions["twinbag"].units.close()
        study.trial.units.close()

    def _filled(self, app: Flask, study: LitStudy) -> tuple[dict[str, str], Form]:
        browser = study.lit_browser(app, "statistician")
        with app.test_request_context():
            lit = lit_cookie_name()
        path = browser.lit("list/parts/make")
        cookies = {}
        for name, at in (("twinbag", "/"), (lit, "/lit")):
            cookie = browser.client.get_cookie(name, domain="127.0.0.1", path=at)
            assert cookie is not None
            cookies[name] = cookie.value
        fields = {
            "csrf_token": browser._token,
            "operation_id": "the-form-that-is-killed",
            "part": "2",
            "rows_0": "4",
            **typed(browser),
        }
        return cookies, Form(path, fields, "")

    def sent(self, url: str, kill_at: int | None) -> bytes | None:
        """Where a process of its own was led to; None when it was killed first."""
        app = self.ground.waiting(url)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            self._answer_and_end(app, kill_at, writing)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            said = pipe.read()
        _, ended = os.waitpid(child, 0)
        if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL:
            return None
        assert os.waitstatus_to_exitcode(ended) == 0, "the request's process broke"
        return said

    def _answer_and_end(self, app: Flask, kill_at: int | None, writing: int) -> None:
        try:
            if kill_at is not None:
                die_at(app, kill_at)
            client = app.test_client()
            for name, value in self.cookies.items():
                at = "/" if name == "twinbag" else "/lit"
                client.set_cookie(name, value, domain="127.0.0.1", path=at)
            answer = client.post(self.form.action, data=self.form.fields, base_url=BASE_URL)
            os.write(writing, f"{answer.status_code} {answer.headers.get('Location')}".encode())
            os._exit(0)
        finally:
            os._exit(1)


def kill_everywhere(growing: Growing) -> tuple[int, list[str]]:
    """Kill it at step 1, 2, 3 ... until it survives: how often, and what was wrong."""
    untouched = _shape(growing.ground.fresh())
    url = growing.ground.fresh()
    answer = growing.sent(url, None)
    assert answer is not None
    assert answer.startswith(b"303 "), answer
    done = _shape(url)
    assert done != untouched
    faults: list[str] = []
    step = 0
    while True:
        step += 1
        url = growing.ground.fresh()
        if growing.sent(url, step) is not None:
            return step - 1, faults
        faults += [f"step {step}: {fault}" for fault in unsound(url)]
        if _shape(url) not in (untouched, done):
            faults.append(f"step {step}: half done")
        if growing.sent(url, None) != answer or _shape(url) != done:
            faults.append(f"step {step}: sent again it is not done once")
        faults += [f"step {step}, sent again: {fault}" for fault in unsound(url)]


def _shape(url: str) -> tuple[dict[str, int], list[str]]:
    """How many rows each table has, and the events: ciphertexts differ with each wrapped key."""
    rows: Rows = rows_of(url)
    return {name: len(rows[name]) for name in rows if name != _ROOM}, sorted(events_of(url))


def test_killed_at_any_step_a_part_is_there_wholly_or_not_at_all(
    sqlite_url: str, tmp_path: Path
) -> None:
    """K8: slots, shares, commitment, counts, both trails and the pins, together and once."""
    killed, faults = kill_everywhere(Growing(sqlite_url, tmp_path))
    assert faults == []
    assert killed >= 30, "too few steps were met"


def _commits_half_way(write_down: Callable[..., None]) -> Callable[..., None]:
    def write_down_in_two(act: Act, *more: object) -> None:
        act.record("half_way_by_test", f"study:{act.in_study.id}")
        act.uow.commit()
        write_down(act, *more)

    return write_down_in_two


def test_a_planted_commit_half_way_is_found(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slots in one transaction and both trails in the next."""
    planted = _commits_half_way(list_growing._write_down)
    monkeypatch.setattr(list_growing, "_write_down", planted)
    _killed, faults = kill_everywhere(Growing(sqlite_url, tmp_path))
    assert any("half done" in fault for fault in faults)
