"""Making a passkey and removing one, killed at any step: all of it or nothing, and once."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.support.browser import Browser, signed_in
from tests.support.builders import PASSWORD, Trial, make_trial
from tests.support.killing import Form, Ground
from tests.support.killing_grounds import ground_at, need_whole, on_sqlite
from tests.support.nurse_acts import ReadyAct, Sending
from tests.support.passkeys import PAGE, asked, makes
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
    need_whole(ground, _with_the_devices_answer(ground, sqlite_url, form), act.events, least=5)


def test_removing_one_is_done_wholly_or_not_at_all(sqlite_url: str, tmp_path: Path) -> None:
    """D6: gone with its entry, or there without one. Whoever removes it stays signed in."""
    trial = make_trial(sqlite_url)
    ground = ground_at(trial, tmp_path)
    app = ground.app(sqlite_url)
    browser = signed_in(app, "nurse")
    assert makes(browser, SoftPasskey()).status_code == 303
    page = str(browser.get(PAGE).text)
    (removing,) = set(re.findall(rf"{PAGE}/[0-9a-f]+/remove", page))
    fields = {**browser.hidden(removing), "password": PASSWORD}
    form = Form(removing, fields, browser.token())
    app.extensions["twinbag"].units.close()
    need_whole(ground, form, ("passkey_removed",), least=5)
