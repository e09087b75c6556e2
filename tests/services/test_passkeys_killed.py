"""Making a passkey, killed at any step: all of it or nothing, and once when it is sent again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.services.test_killed_at_any_statement import on_sqlite
from tests.support.browser import Browser
from tests.support.builders import PASSWORD, Trial
from tests.support.killing import Form, Ground, kill_everywhere
from tests.support.nurse_acts import ReadyAct, Sending
from tests.support.passkeys import PAGE, asked
from tests.support.soft_passkey import SoftPasskey


def _ready_to_make(_trial: Trial) -> Sending:
    return Sending(PAGE, PAGE, {"name": "blue key", "password": PASSWORD})


def _with_the_devices_answer(ground: Ground, url: str, form: Form) -> Form:
    app = ground.app(url)
    browser = Browser(app)
    browser.bring(form.cookie)
    answer = SoftPasskey().make(asked(browser, PAGE))
    app.extensions["twinbag"].units.close()
    return replace(form, fields={**form.fields, "passkey": answer})


def test_making_one_is_done_wholly_or_not_at_all(sqlite_url: str, tmp_path: Path) -> None:
    """D6: never a passkey without its entry, nor two of one answer."""
    act = ReadyAct("making", ("passkey_made",), _ready_to_make)
    ground, form = on_sqlite(act, sqlite_url, tmp_path)
    killed = kill_everywhere(ground, _with_the_devices_answer(ground, sqlite_url, form))
    assert killed.faults == []
    assert killed.written == ["passkey_made"]
    assert killed.before >= 5
    assert killed.after >= 1
