"""Killing a form of the lit room that opens envelopes: whatever is told must be written down.

As `killing`, with two words more out of the dying process: that an envelope is open, and the whole
answer. Looked for in the database afterwards is the entry that must have been there before.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pypdfium2
from flask import Flask

from tests.support.killing import die_at, events_of, rows_of, unsound
from tests.support.killing_grounds import ground_at
from tests.support.lit_builders import BASE_URL, LitStudy

OPENED = b"<opened>"
FORM = "the-form-that-is-killed"


@dataclass
class Killed:
    """What came of killing one form at each of its steps, and sending it again."""

    kills: int = 0
    opened: int = 0
    faults: list[str] = field(default_factory=list)
    rows: dict[str, set[int]] = field(default_factory=dict)


class Killing:
    """A filled form with its browser's cookies, and a database of which each kill gets a copy.

    `words` stand in the answer of a form that was done; `event` is the blinded trail's entry that
    must be there before, or empty where only the unblinded trail grows, by `before` entries.
    """

    def __init__(
        self,
        study: LitStudy,
        folder: Path,
        path: str,
        fields: dict[str, str],
        opens: ModuleType,
        words: str,
        event: str,
        who: str = "pharmacist",
        before: int = 1,
    ) -> None:
        self.path, self.opens, self.words, self.event = path, opens, words, event
        self.ground = ground_at(study.trial, folder)
        app = self.ground.app(str(study.trial.engine.url))
        browser = study.lit_browser(app, who)
        self.fields = {"csrf_token": browser._token, "operation_id": FORM, **fields}
        self.cookies = [
            (name, found.value, at)
            for name, at in (("twinbag", "/"), ("twinbag-lit", "/lit"))
            if (found := browser.client.get_cookie(name, domain="127.0.0.1", path=at)) is not None
        ]
        assert len(self.cookies) == 2
        app.extensions["twinbag"].units.close()
        study.trial.units.close()
        self.wanted = self.sizes(self.ground.fresh()) + before

    def sizes(self, url: str) -> int:
        """How many entries the unblinded trail has."""
        return len(rows_of(url)["lit_audit_entry"])


def kill_everywhere(killing: Killing, *, to_first_fault: bool = False) -> Killed:
    """Kill the form at step 1, 2, 3 ... until it survives; after each kill look, and send again.

    `to_first_fault` is for plants: what comes after the first fault shows nothing more.
    """
    killed = Killed()
    while not (to_first_fault and killed.faults):
        url = killing.ground.fresh()
        said, ended = _sent(killing, url, killed.kills + 1)
        killed.faults += _looked(killing, url, said, f"step {killed.kills + 1}")
        if not ended:
            assert killing.words in _text(said), "the form does not survive"
            _count(killed, url)
            return killed
        killed.kills += 1
        killed.opened += OPENED in said
        again, ended = _sent(killing, url, None)
        if ended or killing.words not in _text(again):
            killed.faults.append(f"step {killed.kills}: sent again it does not answer")
        killed.faults += _looked(killing, url, again, f"step {killed.kills}, sent again")
        _count(killed, url)
    return killed


def _count(killed: Killed, url: str) -> None:
    for table, rows in rows_of(url).items():
        killed.rows.setdefault(table, set()).add(len(rows))


def _looked(killing: Killing, url: str, said: bytes, at: str) -> list[str]:
    """What was opened, or told, must have been written down by then, and the trails be whole."""
    found = [f"{at}: {fault}" for fault in unsound(url)]
    blinded = not killing.event or killing.event in events_of(url)
    written = blinded and killing.sizes(url) >= killing.wanted
    if OPENED in said and not written:
        found.append(f"{at}: opened and not written down")
    if killing.words in _text(said) and not written:
        found.append(f"{at}: told and not written down")
    return found


def _text(said: bytes) -> str:
    """What an answer says, on a page or on paper."""
    start = said.find(b"%PDF-")
    if start < 0:
        return said.decode(errors="replace")
    pages: Iterator[Any] = iter(pypdfium2.PdfDocument(BytesIO(said[start:])))
    return " ".join(" ".join(page.get_textpage().get_text_range().split()) for page in pages)


def _sent(killing: Killing, url: str, kill_at: int | None) -> tuple[bytes, bool]:
    """What a process of its own said, and whether it was killed."""
    app = killing.ground.waiting(url)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _answer_and_end(killing, app, kill_at, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, ended = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL
    assert killed or os.waitstatus_to_exitcode(ended) == 0, "the request's process broke"
    return said, killed


def _answer_and_end(killing: Killing, app: Flask, kill_at: int | None, writing: int) -> None:
    """The child's whole life. It says when an envelope is open, and then what it answers."""
    try:
        opener: Any = vars(killing.opens)["open_envelope"]

        def told(*given: Any) -> Any:
            arm = opener(*given)
            os.write(writing, OPENED)
            return arm

        vars(killing.opens)["open_envelope"] = told
        if kill_at is not None:
            die_at(app, kill_at)
        client = app.test_client()
        for name, value, path in killing.cookies:
            client.set_cookie(name, value, domain="127.0.0.1", path=path)
        answer = client.post(killing.path, data=killing.fields, base_url=BASE_URL)
        with os.fdopen(writing, "wb", closefd=False) as pipe:
            pipe.write(answer.get_data())
        os._exit(0)
    finally:
        os._exit(1)
