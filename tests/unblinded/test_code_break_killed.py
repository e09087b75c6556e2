"""The code break killed at any step: what was opened is written down, durably, before (K8)."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from pharmacy.services.act import Act
from pharmacy.unblinded import envelope
from pharmacy.unblinded.code_break import breaking
from pharmacy.unblinded.warrants import CODE_BREAK_OPENED, BreakWarrant
from tests.support.killing import Form, Ground, die_at, events_of, rows_of, unsound
from tests.support.killing_grounds import ground_at
from tests.support.lit_builders import BASE_URL, Browser, open_study

OPENED = b"<opened>"
WORDS = "immune globulin intravenous (human) 10%"
FORM = "the-form-that-is-killed"


@dataclass
class Killed:
    """What came of killing one break at each of its steps, and sending the form again."""

    kills: int = 0
    opened: int = 0
    faults: list[str] = field(default_factory=list)


@pytest.fixture
def ground(sqlite_url: str, tmp_path: Path) -> tuple[Ground, Form]:
    """A filled form in one SQLite file, of which each kill gets a copy."""
    study = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    study.enrol_breaker()
    made = ground_at(study.trial, tmp_path)
    app = made.app(sqlite_url)
    browser = Browser(app.test_client(), study, "investigator")
    with study.trial.look("investigator") as act:
        one = next(choice.id for choice in breaking.choices(act) if choice.code == "M-008")
    fields = {
        "csrf_token": browser._token,
        "operation_id": FORM,
        "reason": "treatment",
        "said": "",
        "passphrase": study.passphrases["investigator"],
    }
    cookie = browser.client.get_cookie("twinbag", domain="127.0.0.1")
    assert cookie is not None
    form = Form(f"/break/{study.study_id}/{one}", fields, cookie.value)
    app.extensions["twinbag"].units.close()
    study.trial.units.close()
    return made, form


def kill_everywhere(ground: Ground, form: Form, *, to_first_fault: bool = False) -> Killed:
    """Kill the break at step 1, 2, 3 ... until it survives; look, and send the form again."""
    killed = Killed()
    while not (to_first_fault and killed.faults):
        url = ground.fresh()
        said, ended = _sent(ground, url, form, killed.kills + 1)
        if not ended:
            assert WORDS in said.decode(), "the break does not survive"
            killed.faults += _looked(url, said, "not killed")
            return killed
        killed.kills += 1
        killed.opened += OPENED in said
        at = f"step {killed.kills}"
        killed.faults += _looked(url, said, at)
        again, ended = _sent(ground, url, form, None)
        if ended or WORDS not in again.decode():
            killed.faults.append(f"{at}: sent again it does not answer")
        killed.faults += _looked(url, again, f"{at}, sent again")
        rows = rows_of(url)
        counts = {name: len(rows[name]) for name in ("lit_inbox", "learned_arm", "notice")}
        if set(counts.values()) != {1} or events_of(url).count(CODE_BREAK_OPENED) != 1:
            killed.faults.append(f"{at}, sent again: not one effect: {counts}")
    return killed


def _looked(url: str, said: bytes, at: str) -> list[str]:
    """What was opened, or told, must have been written down by then, and the trails be whole."""
    found = [f"{at}: {fault}" for fault in unsound(url)]
    events = events_of(url)
    if OPENED in said and CODE_BREAK_OPENED not in events:
        found.append(f"{at}: opened and not written down")
    if WORDS.encode() in said and breaking.SHOWN not in events:
        found.append(f"{at}: told and not written down")
    return found


def _sent(
    ground: Ground, url: str, form: Form, kill_at: int | None, after_s: float | None = None
) -> tuple[bytes, bool]:
    """What a process of its own said, and whether it was killed: at a step, or after a while."""
    app = ground.waiting(url)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer_and_end(app, form, kill_at, writing)
    os.close(writing)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, ended = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL
    assert killed or os.waitstatus_to_exitcode(ended) == 0, "the request's process broke"
    return said, killed


def _answer_and_end(app: Flask, form: Form, kill_at: int | None, writing: int) -> None:
    """The child's whole life. It says when an envelope is open, and then what it answers."""
    try:
        opener: Callable[..., Any] = breaking.open_envelope

        def told(*given: Any) -> Any:
            arm = opener(*given)
            os.write(writing, OPENED)
            return arm

        breaking.open_envelope = told
        if kill_at is not None:
            die_at(app, kill_at)
        client = app.test_client()
        client.set_cookie("twinbag", form.cookie, domain="127.0.0.1")
        answer = client.post(form.action, data=form.fields, base_url=BASE_URL)
        os.write(writing, answer.get_data())
        os._exit(0)
    finally:
        os._exit(1)


def test_what_is_opened_is_written_down_whenever_it_is_killed(ground: tuple[Ground, Form]) -> None:
    """K8: an answer with an arm, and an envelope that is open, imply the durable entry."""
    killed = kill_everywhere(*ground)
    assert killed.faults == []
    assert killed.kills >= 40, "too few steps were met"
    assert 10 <= killed.opened < killed.kills, "no step was met between opening and answer"


@pytest.mark.deep
def test_killed_two_hundred_times_at_any_moment(ground: tuple[Ground, Form]) -> None:
    """K8: not between two statements but anywhere, from before the first to after the answer."""
    here, form = ground
    begun = time.monotonic()
    _sent(here, here.fresh(), form, None)
    lasts_s, faults, ended = time.monotonic() - begun, [], set()
    for turn in range(200):
        url = here.fresh()
        said, killed = _sent(here, url, form, None, lasts_s * turn / 150)
        faults += _looked(url, said, f"turn {turn}")
        again, _ = _sent(here, url, form, None)
        faults += _looked(url, again, f"turn {turn}, sent again")
        ended.add((killed, OPENED in said, WORDS in again.decode(errors="replace")))
    assert faults == []
    assert {(True, False, True), (True, True, True), (False, True, True)} >= ended
    assert (True, False, True) in ended


def _writes_down_afterwards(
    act: Act, subject: str, reason: str, form: str, **facts: object
) -> BreakWarrant:
    act.record(CODE_BREAK_OPENED, subject, new={"form": form, **facts}, reason=reason)
    return BreakWarrant(act.in_study.id, 0, act.person.id, subject, reason, form)


def test_a_planted_entry_after_the_opening_is_found(
    ground: tuple[Ground, Form], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry is committed with the showing, and the act does not ask for it."""
    monkeypatch.setattr(breaking, "commit_break_warrant", _writes_down_afterwards)
    monkeypatch.setattr(envelope, "_check", lambda *_: None)
    faults = kill_everywhere(*ground, to_first_fault=True).faults
    assert any("opened and not written down" in fault for fault in faults), json.dumps(faults)
