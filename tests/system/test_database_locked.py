"""Somebody else holds the database: a sentence after a short wait, and later the act, once. D6."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.app import create_app
from pharmacy.persistence.engine import WAIT_MS
from tests.support.browser import Browser, signed_in
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.killing import events_of, rows_of, unsound
from tests.support.nurse_acts import ACTS, ReadyAct, act_named
from tests.support.unavailable import need_kept, sent_again
from tests.support.world import make_config, make_surroundings

BUSY = "The database is busy with other work."
_SHORT_MS = 300
_SQLITE_HOLDER = """
import sqlite3, sys
held = sqlite3.connect(sys.argv[1], isolation_level=None)
held.execute("BEGIN IMMEDIATE")
"""
# The last row that every act locks: what it did before has to be undone.
_POSTGRES_HOLDER = """
import psycopg, sys
held = psycopg.connect(sys.argv[1])
held.execute("SELECT * FROM audit_head FOR UPDATE")
held.execute("LOCK TABLE throttle IN SHARE MODE")
"""
_UNTIL_TOLD = "print('held', flush=True)\nsys.stdin.readline()\n"


@contextmanager
def held(trial: Trial) -> Iterator[None]:
    """Another process holds what an act needs, with a transaction left open."""
    url = trial.engine.url
    if url.get_backend_name() == "sqlite":
        program, address = _SQLITE_HOLDER, str(url.database)
    else:
        program = _POSTGRES_HOLDER
        address = f"host={url.query['host']} user={url.username} dbname={url.database}"
    with subprocess.Popen(
        [sys.executable, "-c", program + _UNTIL_TOLD, address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        try:
            yield
        finally:
            other.stdin.close()
            other.wait(10)


@pytest.fixture
def trial(database_url: str) -> Iterator[Trial]:
    trial = make_trial(database_url)
    yield trial
    trial.units.close()


@pytest.fixture
def app(trial: Trial, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    surroundings = make_surroundings(trial.clock, trial.chance)
    app = create_app(make_config(database_url, tmp_path), surroundings, wait_ms=_SHORT_MS)
    yield app
    app.extensions["twinbag"].units.close()


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_a_locked_database_is_a_sentence_and_the_form_waits(
    act: ReadyAct, trial: Trial, app: Flask, database_url: str
) -> None:
    """D6: nothing half done; what was sent is sent again from that very page, and done once."""
    sending = act.ready(trial)
    nurse = signed_in(app, act.who)
    fields = {**nurse.hidden(sending.page, sending.action), **sending.fields}
    before, events = rows_of(database_url), events_of(database_url)
    with held(trial):
        began = time.monotonic()
        answer = nurse.send(sending.action, fields)
        assert time.monotonic() - began < 10 * _SHORT_MS / 1000
        need_kept(answer, sending, BUSY)
    assert rows_of(database_url) == before
    again = [nurse.send(*sent_again(answer)) for _ in range(2)]
    assert {done.status_code for done in again} == {303}
    assert len({done.headers["Location"] for done in again}) == 1
    assert sorted(events_of(database_url)) == sorted([*events, *act.events])
    assert unsound(database_url) == []


def test_signing_in_is_a_sentence_too(trial: Trial, app: Flask) -> None:
    """The user name is kept; the password is asked for again and stands on no page."""
    guest = Browser(app)
    with held(trial):
        answer = guest.sign_in("nurse")
    assert answer.status_code == 503
    assert BUSY in answer.text
    assert PASSWORD not in answer.text
    action, fields = sent_again(answer)
    assert fields == {"user_name": "nurse.test", "password": PASSWORD}
    assert guest.send(action, fields).headers["Location"] == "/"


def test_pages_are_read_meanwhile(trial: Trial, app: Flask) -> None:
    """Reading needs no lock: not even to note that the person is still here."""
    sending = act_named("start").ready(trial)
    nurse = signed_in(app, "nurse")
    with held(trial):
        trial.clock.move(minutes=2)
        began = time.monotonic()
        for page in (sending.page, f"/study/{trial.study_id}/today", "/account"):
            assert nurse.get(page).status_code == 200
        assert time.monotonic() - began < 3
    if trial.engine.dialect.name == "sqlite":
        trial.clock.move(minutes=14)
        assert nurse.get("/account").status_code == 303, "the idle clock moved without the lock"


def test_health_says_busy(trial: Trial, app: Flask) -> None:
    """An answer `ok` means that an act would have been kept."""
    watcher = Browser(app)
    with held(trial):
        answer = watcher.get("/health")
        assert (answer.status_code, answer.text) == (503, "busy\n")
    assert watcher.get("/health").text == "ok\n"


def test_a_proof_holds_for_a_moment_only(trial: Trial, app: Flask) -> None:
    """A public page writes at most one row in ten seconds, and tells no older truth."""
    watcher = Browser(app)
    assert watcher.get("/health").text == "ok\n"
    with held(trial):
        assert watcher.get("/health").text == "ok\n"
        trial.clock.move(seconds=10)
        assert watcher.get("/health").text == "busy\n"


def test_the_log_says_what_lacks_and_nothing_of_anybody(
    trial: Trial, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """G13: one word for the operator; no path, person, code or password."""
    sending = act_named("end").ready(trial)
    nurse = signed_in(app, "nurse")
    fields = {**nurse.hidden(sending.page, sending.action), **sending.fields}
    caplog.clear()
    with caplog.at_level(logging.INFO, "twinbag"), held(trial):
        nurse.send(sending.action, fields)
    told = [record.getMessage() for record in caplog.records if record.name == "twinbag"]
    assert told[0] == "unavailable lack=busy"
    assert all("nurse" not in line and trial.study_id not in line for line in told)


def test_the_lit_room_logs_nothing_and_keeps_no_secret(
    trial: Trial, app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    """Lines could be counted; and a passphrase stands on no page."""
    pharmacist = signed_in(app, "pharmacist")
    token = pharmacist.get("/account").text.partition('name="csrf_token" value="')[2][:64]
    said = {"csrf_token": token, "operation_id": "1" * 32, "passphrase": "anvil brook cedar"}
    told = []
    with caplog.at_level(logging.INFO, "twinbag"):
        for place in ("keys/make", "keys/confirm", "open", "board/serve"):
            caplog.clear()
            with held(trial):
                answer = pharmacist.send(f"/lit/{trial.study_id}/{place}", said)
            told += [record.getMessage() for record in caplog.records if record.name == "twinbag"]
            if trial.engine.dialect.name == "sqlite":
                assert answer.status_code == 503
                assert "Nothing was saved. The database is busy" in answer.text
            assert "<form" not in answer.text or answer.status_code != 503
            assert "anvil" not in answer.text
    assert told == []


def test_a_break_that_cannot_be_written_names_the_other_ways(trial: Trial, app: Flask) -> None:
    """security.md K9: nothing is opened that is not recorded, and nobody is left waiting."""
    investigator = signed_in(app, "investigator")
    token = investigator.get("/account").text.partition('name="csrf_token" value="')[2][:64]
    said = {"csrf_token": token, "operation_id": "1" * 32, "passphrase": "anvil brook cedar"}
    with held(trial):
        answer = investigator.send(f"/break/{trial.study_id}/keys/make", said)
    if trial.engine.dialect.name == "sqlite":
        assert answer.status_code == 503
        assert "sealed code-break card opened" in answer.text
    assert "anvil" not in answer.text


def test_words_that_no_page_may_carry_are_not_said_to_be_kept(trial: Trial, app: Flask) -> None:
    nurse = signed_in(app, "nurse")
    token = nurse.get("/account").text.partition('name="csrf_token" value="')[2][:64]
    said = {"csrf_token": token, "operation_id": "1" * 32, "said": "A carton stood open."}
    with held(trial):
        answer = nurse.send(f"/study/{trial.study_id}/reports/{'0' * 32}/words", said)
    if answer.status_code == 503:
        assert "What you sent is kept here" not in answer.text
        assert "go back and send it again" in answer.text
    assert "carton" not in answer.text


def test_nobody_at_a_bedside_waits_long() -> None:
    """Half a minute with a bag in the hand is no answer."""
    assert WAIT_MS <= 5_000
