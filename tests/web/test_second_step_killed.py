"""Going on to a code break without the second factor, killed at any step (K8, K9, D6).

The limited sign-in ends with it, so that the same form sent again may only lead to a new sign-in;
what must hold is that no way of dying leaves somebody without a way to the break.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import authenticator
from tests.support.browser import Browser, open_house
from tests.support.builders import PASSWORD
from tests.support.killing import Form, Ground, events_of, unsound
from tests.support.killing_grounds import ground_at
from tests.support.lit_builders import LitStudy, open_study
from tests.support.passkeys import STEP, half_way

WENT_ON = "signed_in_without_second_factor"


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """An investigator with shares whose phone is lost."""
    made = open_study(sqlite_url, enrolled=("M-008",))
    made.enrol_breaker()
    authenticator.set_up(made.trial, "investigator")
    return made


def _filled(study: LitStudy, url: str, folder: Path) -> tuple[Ground, Form]:
    app = open_house(study.trial, url, folder, second_factor=True)
    browser = half_way(app, "investigator")
    action = f"/sign-in/break/{study.study_id}"
    form = Form(action, browser.hidden(STEP, action), browser.token())
    app.extensions["twinbag"].units.close()
    return ground_at(study.trial, folder, second_factor=True), form


def _comes_to_the_break(study: LitStudy, url: str, folder: Path) -> bool:
    """Whether name and password lead to the break, from the very beginning."""
    app, door = open_house(study.trial, url, folder, second_factor=True), f"/break/{study.study_id}"
    browser = Browser(app)
    typed = {"user_name": "investigator.test", "password": PASSWORD}
    assert browser.send("/sign-in", typed).headers["Location"] == STEP
    browser.fill(STEP, f"/sign-in{door}")
    shown = browser.get(door)
    app.extensions["twinbag"].units.close()
    return shown.status_code == 200 and "M-008" in shown.text


def test_however_it_dies_the_break_is_still_reached(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """Entry and session together or neither; afterwards the way is open, from the sign-in on."""
    ground, form = _filled(study, sqlite_url, tmp_path)
    door, led, step = f"/break/{study.study_id}", set[str](), 0
    while True:
        step += 1
        url = ground.fresh()
        if (answer := ground.send(url, form, step)) is not None:
            assert answer.location == door
            break
        assert unsound(url) == [], step
        done = events_of(url).count(WENT_ON)
        again = ground.send(url, form)
        assert again is not None
        led.add(again.location)
        assert again.location == ("/sign-in" if done else door), step
        assert events_of(url).count(WENT_ON) == 1, step
        assert _comes_to_the_break(study, url, tmp_path), step
    assert led == {"/sign-in", door}, "it was not killed on both sides of its commit"
