"""The open room: two halves of which neither is of use alone, and a clock that nobody can read."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, Response

from pharmacy.app import create_app
from pharmacy.domain.roles import Role
from pharmacy.persistence.base import Base
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.services import people as people_verbs
from pharmacy.services import sign_in
from pharmacy.services.act import Act
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.doorway import let_in, safe_next
from pharmacy.unblinded.tables import LitSession
from tests.domain.protocols import SECOND_FILE
from tests.support.builders import add_study
from tests.support.lit_builders import BASE_URL, PEPPER, Browser, LitStudy, open_study
from tests.support.world import build_app, make_config, make_surroundings


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with its list loaded."""
    return open_study(sqlite_url)


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """The product on the study's database."""
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def _is_open(browser: Browser) -> bool:
    return "Locks in" in browser.get(browser.lit("board")).text


def _rows(study: LitStudy, table: type[Base]) -> list[dict[str, Any]]:
    with study.trial.engine.connect() as connection:
        query = sa.select(table.__table__)
        return [dict(row._mapping) for row in connection.execute(query)]


def test_the_cookie_goes_to_the_lit_room_alone(study: LitStudy, app: Flask) -> None:
    """Path /lit, not readable by script, never sent from another site (G10)."""
    browser = study.browser(app, "pharmacist")
    header = browser.open_room().headers["Set-Cookie"]
    parts = {part.strip() for part in header.split(";")}
    assert {"Path=/lit", "HttpOnly", "SameSite=Strict"} <= parts
    assert _is_open(browser)


def test_the_cookie_is_secure_in_production(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """Behind https the name itself demands a secure connection."""
    config = make_config(sqlite_url, tmp_path, secure_cookies=True)
    app = create_app(config, make_surroundings(study.trial.clock, study.trial.chance))
    with app.test_request_context("/lit/x/open", base_url=BASE_URL):
        header = let_in(Response(), bytes(32)).headers["Set-Cookie"]
    assert header.startswith("__Secure-twinbag-lit=")
    assert "Secure" in header.split("; ")


def test_neither_half_opens_anything(study: LitStudy, app: Flask) -> None:
    """The cookie without its row, the row without its cookie, and a row of another person."""
    browser = study.browser(app, "pharmacist")
    browser.open_room()
    cookie = browser.client.get_cookie("twinbag-lit", "127.0.0.1", "/lit")
    assert cookie is not None

    stranger = study.lit_browser(app, "pharmacist2")
    stranger.client.set_cookie(
        "twinbag-lit", cookie.value, domain="127.0.0.1", path="/lit"
    )
    assert not _is_open(stranger), "a stolen cookie opens no other person's row"

    browser.client.delete_cookie("twinbag-lit", domain="127.0.0.1", path="/lit")
    assert not _is_open(browser), "the row alone"
    browser.client.set_cookie("twinbag-lit", cookie.value, domain="127.0.0.1", path="/lit")
    assert _is_open(browser)
    with study.trial.engine.begin() as connection:
        connection.execute(sa.delete(LitSession))
    assert not _is_open(browser), "the cookie alone"


@pytest.mark.parametrize("half", ["", "zz", "00" * 31, "00" * 32, "é", "00" * 2000])
def test_a_made_up_cookie_opens_nothing(study: LitStudy, app: Flask, half: str) -> None:
    """And is no bug either."""
    browser = study.lit_browser(app, "pharmacist")
    browser.client.set_cookie("twinbag-lit", half, domain="127.0.0.1", path="/lit")
    answer = browser.get(browser.lit("board"))
    assert answer.status_code == 200
    assert "Locks in" not in answer.text


def test_a_row_moved_to_another_person_does_not_open(study: LitStudy) -> None:
    """The sealed half is bound to its sign-in, person and study (H5)."""
    with study.trial.act("pharmacist") as act:
        row_session = _sign_in(act)
        cookie = rooms.open_room(
            act,
            row_session,
            study.passphrases["pharmacist"],
            study.six_words("statistician"),
            PEPPER,
        )
        assert rooms.look(act, row_session, cookie, PEPPER) is not None
        assert rooms.look(act, row_session, cookie, bytes(32)) is None, "another pepper"
    with study.trial.act("pharmacist2") as other:
        other.uow.session.execute(
            sa.update(LitSession).values(person_id=other.person.id)
        )
        assert rooms.look(other, row_session, cookie, PEPPER) is None


def _sign_in(act: Act) -> str:
    sign_in.begin_session(act.uow, act.surroundings, act.person)
    act.uow.session.flush()
    query = sa.select(SignInSession.id).where(SignInSession.person_id == act.person.id)
    return str(act.uow.session.scalars(query).one())


def test_it_locks_by_itself(study: LitStudy, app: Flask) -> None:
    """After 15 idle minutes, which every request begins anew; after 60 in any case (G8)."""
    browser = study.lit_browser(app, "pharmacist")
    for _ in range(3):
        study.trial.clock.move(minutes=14)
        assert _is_open(browser)
    study.trial.clock.move(minutes=15)
    assert browser.get(browser.lit("board")).status_code == 303, "idle: signed out as well"

    browser = study.lit_browser(app, "pharmacist")
    for _ in range(5):
        study.trial.clock.move(minutes=11)
        assert _is_open(browser)
    study.trial.clock.move(minutes=5)
    assert not _is_open(browser), "60 minutes, with work in each of them"


def test_asking_for_stops_does_not_keep_it_open(study: LitStudy, app: Flask) -> None:
    """The open board asks every few seconds; the room still locks after 15 idle minutes."""
    browser = study.lit_browser(app, "pharmacist")
    for _ in range(3):
        study.trial.clock.move(minutes=5)
        browser.get(browser.lit("board/stops"))
    assert not _is_open(browser)


def test_one_press_locks(study: LitStudy, app: Flask) -> None:
    """Both halves are gone; locking twice is the same; the person stays signed in."""
    browser = study.lit_browser(app, "pharmacist")
    cookie = browser.client.get_cookie("twinbag-lit", "127.0.0.1", "/lit")
    assert cookie is not None
    for _ in range(2):
        answer = browser.post(browser.lit("lock"))
        assert answer.status_code == 303
        assert "Nothing typed or scanned was lost" in browser.get(answer.location).text
    rows = _rows(study, LitSession)
    assert study.trial.ids["pharmacist"] not in [row["person_id"] for row in rows]
    browser.client.set_cookie("twinbag-lit", cookie.value, domain="127.0.0.1", path="/lit")
    assert not _is_open(browser)
    assert browser.get("/account").status_code == 200


def test_it_cannot_be_locked_by_a_link(study: LitStudy, app: Flask) -> None:
    """A GET changes nothing and leads away, and a form of another site is refused."""
    browser = study.lit_browser(app, "pharmacist")
    assert browser.get(browser.lit("lock")).status_code == 303
    assert _is_open(browser)
    bare = browser.client.post(browser.lit("lock"), base_url=BASE_URL)
    assert bare.status_code == 403
    assert _is_open(browser)


def test_the_wanted_page_comes_after_the_door(study: LitStudy, app: Flask) -> None:
    """Who asks for a page of the open room is led to the door, and from there to that page."""
    browser = study.browser(app, "pharmacist")
    study.eligible("M-007")
    wanted = browser.lit("orders/none")
    sent = browser.get(wanted)
    assert sent.status_code == 303
    assert sent.location.startswith(browser.lit("open?next="))
    page = browser.get(sent.location)
    assert f'value="{wanted}"' in page.text
    assert browser.open_room(next=wanted).location == wanted


@pytest.mark.parametrize(
    "place",
    ["https://evil.example/", "//evil.example/", "/sign-out", "/lit//evil", "/lit/\\evil", ""],
)
def test_the_door_leads_nowhere_else(study: LitStudy, app: Flask, place: str) -> None:
    """Only pages of the lit room follow the door."""
    assert safe_next(place, "/lit/x/board") == "/lit/x/board"
    browser = study.browser(app, "pharmacist")
    assert browser.open_room(next=place).location == browser.lit("board")


def test_a_request_in_the_room_moves_nothing_readable(study: LitStudy, app: Flask) -> None:
    """No plaintext clock, no row more, no operation id; one sealed length (B10, B16)."""
    browser = study.lit_browser(app, "pharmacist")
    before = _plain_facts(study)
    sealed = [row["keys"] for row in _rows(study, LitSession)]
    for _ in range(4):
        study.trial.clock.move(minutes=3)
        assert browser.get(browser.lit("board")).status_code == 200
        assert browser.post(browser.lit("board/serve"), request_id="none").status_code == 404
    assert _plain_facts(study) == before
    after = [row["keys"] for row in _rows(study, LitSession)]
    assert after != sealed
    assert [len(keys) for keys in after] == [len(keys) for keys in sealed]


def _plain_facts(study: LitStudy) -> list[tuple[object, ...]]:
    path = str(study.trial.engine.url.database)
    with closing(sqlite3.connect(path)) as database:
        names = [
            name
            for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        facts: list[tuple[object, ...]] = []
        for name in sorted(names):
            if name == "lit_session":
                facts.append((name, *database.execute("SELECT count(*) FROM lit_session")))
            else:
                facts.append((name, *database.execute(f'SELECT * FROM "{name}"')))
    return facts


def test_roles_decide_at_this_door_too(study: LitStudy, app: Flask) -> None:
    """A nurse, a coordinator and an administrator do not come in (E16)."""
    for who in ("nurse", "coordinator", "investigator", "admin"):
        browser = Browser(app.test_client(), study, who)
        for page in ("open", "keys", "board", "list", "holders"):
            answer = browser.get(browser.lit(page))
            assert answer.status_code == 403, (who, page)
            assert "lit" not in answer.headers.get("Set-Cookie", "")


def test_a_person_who_left_opens_nothing(study: LitStudy, app: Flask) -> None:
    """An ended account ends the sign-in, and with it the open room."""
    browser = study.lit_browser(app, "pharmacist2")
    study.trial.do("administrator", people_verbs.leave, study.trial.ids["pharmacist2"])
    assert browser.get(browser.lit("board")).status_code == 303


def test_who_lost_the_role_opens_nothing(study: LitStudy, app: Flask) -> None:
    """The keys are still wrapped for them, but the door asks for the role every time."""
    browser = study.lit_browser(app, "pharmacist2")
    study.trial.do(
        "administrator",
        people_verbs.give_roles,
        study.trial.ids["pharmacist2"],
        study.study_id,
        frozenset(),
    )
    assert browser.get(browser.lit("board")).status_code == 404


def test_the_wrong_study_stays_closed(study: LitStudy, app: Flask) -> None:
    """An open room is the room of one study: the same cookie opens no other one's."""
    browser = study.lit_browser(app, "pharmacist")
    first, pharmacist = study.study_id, study.trial.ids["pharmacist"]
    study.trial.study_id = add_study(study.trial, SECOND_FILE.read_text(encoding="utf-8"))
    roles = frozenset({Role.PHARMACIST})
    study.trial.do(
        "administrator", people_verbs.give_roles, pharmacist, study.study_id, roles
    )
    answer = browser.get(browser.lit("board"))
    assert answer.status_code == 200
    assert "Locks in" not in answer.text
    study.trial.study_id = first
    assert _is_open(browser)
