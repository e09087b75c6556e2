"""A code is broken with nobody and nothing else there: no pharmacist, no mail, no REDCap (K9).

Of REDCap this program has only files that people bring, so that a dead one stands in no way. What a
break does need is a database that takes its entry: without one the page names the sealed card.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.app import create_app, start_postman
from pharmacy.postman import by_smtp
from pharmacy.services.notices import Letter
from pharmacy.unblinded.code_break import breaking
from tests.support.browsing import words
from tests.support.builders import PASSWORD
from tests.support.lit_builders import Browser, LitStudy, open_study
from tests.support.mail_server import dead_url
from tests.support.temp_postgres import Database
from tests.support.world import make_config, make_surroundings
from tests.web.break_pages import IVIG, door, filled

CARD = "have the participant's sealed code-break card opened"


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants with a place, and an investigator who has shares."""
    made = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    made.enrol_breaker()
    return made


@pytest.fixture
def alone(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Iterator[Flask]:
    """A process without the lit room, whose postman knocks at a mail server that is not there."""
    config = make_config(
        sqlite_url, tmp_path, lit_room=False, smtp_url=dead_url(), notice_to=("s@example.org",)
    )
    app = create_app(config, make_surroundings(study.trial.clock, study.trial.chance))
    postman = start_postman(app, config)
    assert postman is not None
    yield app
    postman.end()
    app.extensions["twinbag"].units.close()


def breaks(study: LitStudy, app: Flask) -> bool:
    """Whether somebody who signs in now is told M-008's arm, and the pharmacy of it afterwards."""
    browser = study.browser(app, "investigator")
    answer = browser.post(door(study, "M-008"), **filled(study))
    told = study.browser(app, "pharmacist").get(f"/study/{study.study_id}/notices").text
    assert "M-008" not in told
    known = "The code of a participant was broken by Ana Rivera" in words(told)
    return IVIG in words(answer.text) and known


def test_nobody_else_is_there_and_mail_is_dead(study: LitStudy, alone: Flask) -> None:
    """K9: from the sign-in to the answer, and the notice waits for its mail."""
    begun = time.monotonic()
    assert breaks(study, alone)
    assert time.monotonic() - begun < 60
    browser = study.browser(alone, "investigator")
    assert browser.get(f"/lit/{study.study_id}/board").status_code == 404


def test_control_a_notice_that_is_mailed_with_the_break_is_found(
    study: LitStudy, alone: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plant of K9: the mail is sent in the act itself, which a dead server then breaks off."""
    told = breaking.notices.code_broken
    send = by_smtp(dead_url(), ("s@example.org",), "localhost")

    def mailing(act: Any, form: str, *, again: bool) -> None:
        told(act, form, again=again)
        send(Letter("1", "Code broken", "A code was broken.", act.now))

    monkeypatch.setattr(breaking.notices, "code_broken", mailing)
    assert not breaks(study, alone)


@pytest.fixture
def standby(postgres: Database, tmp_path: Path) -> Iterator[tuple[LitStudy, Browser]]:
    """Somebody signed in before the database took nothing any more, as a standby does."""
    study = open_study(postgres.app_url, enrolled=("M-002", "M-008"))
    study.enrol_breaker()
    around = make_surroundings(study.trial.clock, study.trial.chance)
    app = create_app(make_config(postgres.app_url, tmp_path), around)
    browser = study.browser(app, "investigator")
    owner = sa.create_engine(postgres.owner_url)
    with owner.begin() as connection:
        said = f"ALTER DATABASE {postgres.name} SET default_transaction_read_only = on"
        connection.exec_driver_sql(said)
    for engine in (owner, study.trial.engine):
        engine.dispose()
    app.extensions["twinbag"].units.close()
    yield study, browser
    app.extensions["twinbag"].units.close()
    study.trial.engine.dispose()


def test_a_standby_breaks_nothing_and_names_the_card(standby: tuple[LitStudy, Browser]) -> None:
    """K9: nothing is opened that cannot be written down; the page says what does open."""
    study, browser = standby
    page = browser.get(f"{door(study)}?participant={door(study, 'M-008').rpartition('/')[2]}")
    assert page.status_code == 200, "reading needs no writing"
    answer = browser.post(door(study, "M-008"), **filled(study))
    assert answer.status_code == 503
    assert CARD in words(answer.text)
    assert "immune globulin" not in answer.text
    typed = {"user_name": "investigator.test", "password": "any"}
    signing_in = browser.client.post("/sign-in", data=typed, base_url="http://127.0.0.1:8000")
    assert signing_in.status_code == 503
    assert CARD in words(signing_in.text)


def test_elsewhere_nobody_is_sent_to_a_card(standby: tuple[LitStudy, Browser]) -> None:
    """The control of the sentence: who signs that somebody left is on no way to a code."""
    study, browser = standby
    participant = door(study, "M-008").rpartition("/")[2]
    said = {"left_on": study.trial.today().isoformat(), "reason": "lost", "password": PASSWORD}
    answer = browser.post(f"/study/{study.study_id}/participants/{participant}/leave", **said)
    assert answer.status_code == 503
    assert CARD not in words(answer.text)
