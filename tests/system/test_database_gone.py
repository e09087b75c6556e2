"""The database goes away under a running server: a sentence, no new and empty one, once. D6."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import Trial, make_trial
from tests.support.killing import events_of
from tests.support.nurse_acts import act_named
from tests.support.unavailable import need_kept, sent_again

GONE = "The database cannot be reached."


@pytest.fixture
def trial(database_url: str) -> Iterator[Trial]:
    trial = make_trial(database_url)
    yield trial
    trial.units.close()


@pytest.fixture
def app(trial: Trial, database_url: str, tmp_path: Path) -> Iterator[Flask]:
    app = open_house(trial, database_url, tmp_path)
    yield app
    app.extensions["twinbag"].units.close()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_file_that_was_moved_away_is_not_written_on_nor_made_anew(
    trial: Trial, app: Flask, database_url: str
) -> None:
    """D6: what is acknowledged is in the file that the next start will open."""
    sending = act_named("start").ready(trial)
    nurse = signed_in(app, "nurse")
    fields = {**nurse.hidden(sending.page, sending.action), **sending.fields}
    trial.units.close()
    path = Path(trial.engine.url.database)
    parts = [part for part in path.parent.glob(f"{path.name}*") if part.is_file()]
    for part in parts:
        part.rename(part.with_name(f"away-{part.name}"))
    answer = nurse.send(sending.action, fields)
    need_kept(answer, sending, GONE)
    assert nurse.get("/health").text == "not-there\n"
    page = nurse.get(sending.page)
    assert page.status_code == 503
    assert "Nothing is lost." in page.text
    assert not path.exists()
    for part in parts:
        part.with_name(f"away-{part.name}").rename(part)
    assert nurse.send(*sent_again(answer)).status_code == 303
    assert events_of(database_url).count("infusion_started") == 1


def test_a_server_that_is_not_there_is_a_sentence(tmp_path: Path, sqlite_url: str) -> None:
    """PostgreSQL before it was started: pages that need nothing of it, and their sentence."""
    trial = make_trial(sqlite_url)
    app = open_house(trial, f"postgresql+psycopg://nobody@/none?host={tmp_path}", tmp_path)
    guest = Browser(app)
    with guest.get("/static/css/tokens.css") as style:
        assert style.status_code == 200
    answer = guest.sign_in("nurse")
    assert answer.status_code == 503
    assert GONE in answer.text
    assert "Nothing was saved." in answer.text
    assert guest.get("/health").text == "not-there\n"


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
@pytest.mark.parametrize("moment", ["INSERT INTO operation", "commit", "committed"])
def test_a_connection_that_breaks_off_promises_nothing(
    moment: str, trial: Trial, app: Flask, database_url: str
) -> None:
    """Whether a commit that got no answer took place nobody knows; sent again it is done once."""
    sending = act_named("start").ready(trial)
    nurse = signed_in(app, "nurse")
    fields = {**nurse.hidden(sending.page, sending.action), **sending.fields}
    engine = app.extensions["twinbag"].units.acting().session.get_bind()
    cut = _cut_once(engine, moment)
    answer = nurse.send(sending.action, fields)
    assert cut == [moment]
    assert answer.status_code == 503
    assert "It is not certain that this was saved." in answer.text
    assert "done once, however often it is sent" in answer.text
    assert {nurse.send(*sent_again(answer)).status_code for _ in range(2)} == {303}
    assert events_of(database_url).count("infusion_started") == 1


def _cut_once(engine: sa.Engine, moment: str) -> list[str]:
    """Have the server end this connection before a statement, before or after the commit."""
    done: list[str] = []

    def cut(connection: sa.Connection) -> None:
        done.append(moment)
        url = engine.url
        with psycopg.connect(
            host=str(url.query["host"]), user="postgres", dbname=url.database, autocommit=True
        ) as other:
            pid = connection.connection.driver_connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    def before(connection: sa.Connection, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(moment) and not done:
            cut(connection)

    def committing(connection: sa.Connection) -> None:
        if moment == "INSERT INTO operation" or done:
            return
        if moment == "committed":
            connection.connection.driver_connection.commit()
        cut(connection)
        if moment == "committed":
            connection.exec_driver_sql("SELECT 1")

    sa.event.listen(engine, "before_cursor_execute", before)
    sa.event.listen(engine, "commit", committing)
    return done
