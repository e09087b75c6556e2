"""Run by test_disk_full.py where TWINBAG_SMALL_DISK names a small file system of its own."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.killing import events_of, rows_of, unsound
from tests.support.nurse_acts import ACTS, ReadyAct, act_named
from tests.support.real_server import RealServer
from tests.support.small_disk import Ballast
from tests.support.socket_browser import SocketBrowser
from tests.support.unavailable import need_kept, sent_again

FULL = "The disk of the database is full."


@pytest.fixture
def disk() -> Iterator[Path]:
    """The small file system, empty again after each test."""
    folder = Path(os.environ["TWINBAG_SMALL_DISK"])
    assert os.path.ismount(folder)
    yield folder
    for path in folder.iterdir():
        path.unlink()


@pytest.fixture
def url(disk: Path, sqlite_template: Path) -> str:
    shutil.copyfile(sqlite_template, disk / "twinbag.db")
    return f"sqlite:///{disk}/twinbag.db"


@pytest.fixture
def trial(url: str) -> Iterator[Trial]:
    trial = make_trial(url)
    yield trial
    trial.units.close()


@pytest.fixture
def app(trial: Trial, url: str, tmp_path: Path) -> Iterator[Flask]:
    app = open_house(trial, url, tmp_path)
    yield app
    app.extensions["twinbag"].units.close()


def fill(disk: Path) -> Ballast:
    """Take every byte, and the room that SQLite's log still had of its own."""
    with closing(sqlite3.connect(disk / "twinbag.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    ballast = Ballast(disk)
    ballast.fill()
    return ballast


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_a_full_disk_is_a_sentence_and_the_form_waits(
    act: ReadyAct, trial: Trial, app: Flask, url: str, disk: Path
) -> None:
    """D6: nothing half done; with room again the same form does it, once."""
    sending = act.ready(trial)
    person = signed_in(app, act.who)
    fields = {**person.hidden(sending.page, sending.action), **sending.fields}
    before, events = rows_of(url), events_of(url)
    ballast = fill(disk)
    answer = person.send(sending.action, fields)
    need_kept(answer, sending, FULL)
    assert unsound(url) == []
    assert rows_of(url) == before
    assert person.get(sending.page).status_code == 200, "reading needs no room"
    ballast.throw_out()
    again = [person.send(*sent_again(answer)) for _ in range(2)]
    assert {done.status_code for done in again} == {303}
    assert len({done.headers["Location"] for done in again}) == 1
    assert sorted(events_of(url)) == sorted([*events, *act.events])
    assert unsound(url) == []


def test_signing_in_and_health_say_so(trial: Trial, app: Flask, url: str, disk: Path) -> None:
    """The door needs a row of its own; the answer `ok` would be a lie."""
    guest = Browser(app)
    assert guest.get("/health").text == "ok\n"
    trial.clock.move(minutes=1)
    ballast = fill(disk)
    answer = guest.sign_in("nurse")
    assert answer.status_code == 503
    assert FULL in answer.text
    assert PASSWORD not in answer.text
    health = guest.get("/health")
    assert (health.status_code, health.text) == (503, "full\n")
    ballast.throw_out()
    assert guest.send(*sent_again(answer)).headers["Location"] == "/"
    assert guest.get("/health").text == "ok\n"
    assert unsound(url) == []


def test_a_real_server_says_so_and_goes_on(
    trial: Trial, url: str, disk: Path, tmp_path: Path
) -> None:
    """D6: gunicorn's own processes, asked over a socket, on the full disk and after it."""
    sending = act_named("start").ready(trial)
    trial.units.close()
    with RealServer(trial, url, tmp_path) as server:
        nurse = SocketBrowser(server.address)
        assert nurse.sign_in("nurse")[0] == 303
        fields = nurse.hidden(sending.page, sending.action)
        ballast = fill(disk)
        status, text, _ = nurse.send(sending.action, fields)
        assert status == 503
        assert f"Nothing was saved. {FULL}" in text
        ballast.throw_out()
        answers = [nurse.send(sending.action, fields) for _ in range(2)]
        assert [status for status, _, _ in answers] == [303, 303]
        assert answers[0][2] == answers[1][2]
    assert events_of(url).count("infusion_started") == 1
    assert unsound(url) == []
