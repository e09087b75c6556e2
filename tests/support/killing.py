"""One request in a process of its own that is killed before its n-th step, for every n.

A step is a statement, a commit, or the moment after a commit. The process is a fork, so that
SIGKILL takes everything with it that was not yet kept, as a power cut does; whoever looks
afterwards opens the database anew.
"""

from __future__ import annotations

import json
import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from pharmacy.app import create_app
from pharmacy.persistence.audit import AuditEntry
from pharmacy.persistence.engine import make_engine
from tests.architecture.trails import trail_faults
from tests.support.browser import Browser, signed_in
from tests.support.builders import Trial
from tests.support.nurse_acts import Sending
from tests.support.world import KeyedChance, make_config, make_surroundings

# They are written beside the act and say nothing about it.
_NOT_COMPARED = frozenset({"sign_in_session", "throttle", "alembic_version"})

Rows = dict[str, list[str]]


@dataclass(frozen=True)
class Form:
    """A form as a browser holds it, number and token with it, and the browser's sign-in."""

    action: str
    fields: dict[str, str]
    cookie: str


@dataclass(frozen=True)
class Answer:
    """What came back before the process ended."""

    status: int
    location: str


@dataclass
class Ground:
    """Where kills happen: `fresh` gives the address of another copy of the same database.

    `settings` are those of the installation that answers, where they are not the usual ones.
    """

    trial: Trial
    folder: Path
    fresh: Callable[[], str]
    settings: dict[str, object] = field(default_factory=dict)
    _waits: tuple[str, Flask] | None = None

    def app(self, url: str, **settings: object) -> Flask:
        """The product on one copy, with chance from its beginning."""
        around = make_surroundings(self.trial.clock, KeyedChance("kill"))
        return create_app(make_config(url, self.folder, **settings), around)

    def waiting(self, url: str) -> Flask:
        """The product as each process of a kill takes it over: asked nothing, connected nowhere.

        It is made once for an address, since making it costs more than what is killed.
        """
        if self._waits is None or self._waits[0] != url:
            self._waits = (url, self.app(url, **self.settings))
        return self._waits[1]

    def filled(self, url: str, who: str, sending: Sending) -> Form:
        """Sign in on a copy, open the page and fill the form; the copy keeps the sign-in."""
        app = self.app(url)
        browser = signed_in(app, who)
        fields = {**browser.hidden(sending.page, sending.action), **sending.fields}
        app.extensions["twinbag"].units.close()
        return Form(sending.action, fields, browser.token())

    def send(self, url: str, form: Form, kill_at: int | None = None) -> Answer | None:
        """Send the form in a process of its own; None when it was killed at its step first."""
        app = self.waiting(url)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            _answer_and_end(app, form, kill_at, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            said = pipe.read()
        _, ended = os.waitpid(child, 0)
        if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL:
            assert said == ""
            return None
        assert os.waitstatus_to_exitcode(ended) == 0, "the request's process broke"
        return Answer(**json.loads(said))


@dataclass(frozen=True)
class Killed:
    """What came of killing one request at each of its steps."""

    kills: int
    before: int
    after: int
    written: list[str]
    faults: list[str]


def kill_everywhere(ground: Ground, form: Form) -> Killed:
    """Kill the request at step 1, 2, 3 ... until it survives; after each kill look, and send again.

    A fault is: a database or a trail that is not sound; a state that is neither wholly before
    nor wholly after; an end that is not the one effect of one sending.
    """
    url = ground.fresh()
    before, written = rows_of(url), events_of(url)
    answer = ground.send(url, form)
    assert answer is not None
    assert answer.status == 303, answer
    after = rows_of(url)
    assert after != before, "the act has no effect"
    written = sorted((Counter(events_of(url)) - Counter(written)).elements())
    faults: list[str] = []
    counts = {"before": 0, "after": 0}
    step = 0
    while True:
        step += 1
        url = ground.fresh()
        if ground.send(url, form, step) is not None:
            break
        faults += [f"step {step}: {fault}" for fault in unsound(url)]
        found = rows_of(url)
        if found == before:
            counts["before"] += 1
        elif found == after:
            counts["after"] += 1
        else:
            faults.append(f"step {step}: half done: {_differing(found, before)}")
        if ground.send(url, form) != answer:
            faults.append(f"step {step}: sent again it is answered otherwise")
        if rows_of(url) != after:
            faults.append(f"step {step}: sent again: {_differing(rows_of(url), after)}")
        faults += [f"step {step}, sent again: {fault}" for fault in unsound(url)]
    return Killed(step - 1, counts["before"], counts["after"], written, faults)


def rows_of(url: str) -> Rows:
    """Every row of every table that is compared, as text in a fixed order."""
    engine = make_engine(url)
    with engine.execution_options(reading=True).connect() as connection:
        tables = sorted(set(sa.inspect(connection).get_table_names()) - _NOT_COMPARED)
        found = {
            table: sorted(
                repr(tuple(_plain(value) for value in row))
                for row in connection.exec_driver_sql(f'SELECT * FROM "{table}"')
            )
            for table in tables
        }
    engine.dispose()
    return found


def events_of(url: str) -> list[str]:
    """The events of every blinded trail."""
    engine = make_engine(url)
    with Session(engine.execution_options(reading=True)) as session:
        found = list(session.scalars(sa.select(AuditEntry.event)))
    engine.dispose()
    return found


def unsound(url: str) -> list[str]:
    """What the database finds wrong with itself, and what is wrong with the trails."""
    engine = make_engine(url)
    found: list[str] = []
    with Session(engine.execution_options(reading=True)) as session:
        if engine.dialect.name == "sqlite":
            said = [str(row[0]) for row in session.execute(sa.text("PRAGMA integrity_check"))]
            found += [line for line in said if line != "ok"]
            said = [str(row) for row in session.execute(sa.text("PRAGMA foreign_key_check"))]
            found += said
        found += trail_faults(session)
    engine.dispose()
    return found


def _answer_and_end(app: Flask, form: Form, kill_at: int | None, writing: int) -> None:
    """The child's whole life. It never comes back into the test."""
    try:
        if kill_at is not None:
            die_at(app, kill_at)
        browser = Browser(app)
        browser.bring(form.cookie)
        answer = browser.send(form.action, form.fields)
        said = {"status": answer.status_code, "location": answer.headers.get("Location", "")}
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    finally:
        os._exit(1)


def die_at(app: Flask, kill_at: int) -> None:
    """Kill this process before its n-th statement, commit or moment after a commit."""
    steps = iter(range(1, 1_000_000))

    def step(*_said: Any) -> None:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    engine = app.extensions["twinbag"].units.acting().session.get_bind()
    sa.event.listen(engine, "before_cursor_execute", step)
    sa.event.listen(engine, "commit", step)
    sa.event.listen(Session, "after_commit", step)


def _plain(value: Any) -> Any:
    return bytes(value).hex() if isinstance(value, bytes | memoryview) else value


def _differing(found: Rows, wanted: Rows) -> str:
    return ", ".join(
        f"{table} has {len(found[table])} rows where there should be {len(wanted[table])}"
        for table in found
        if found[table] != wanted[table]
    )
