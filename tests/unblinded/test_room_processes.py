"""K10: one open room, several server processes, and every way in that must fail.

Two gunicorns as `serve` runs them, on one database: nothing of the room is in a process. The
control puts the study's key into one, as a convenient program would, and the same questions find
it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from pharmacy.services import sign_in
from pharmacy.services.act import Act
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.room import ABSOLUTE_LIMIT, IDLE_LIMIT, OpenRoom
from pharmacy.unblinded.tables import LitSession
from tests.support.lit_builders import PEPPER, LitStudy, open_study
from tests.support.real_server import RealServer
from tests.support.socket_browser import SocketBrowser


@dataclass
class TwoServers:
    """Two processes on one database, and the pharmacist's browser at each with one cookie jar."""

    study: LitStudy
    first: SocketBrowser
    second: SocketBrowser
    addresses: tuple[str, str]

    def lit(self, page: str) -> str:
        """A page of the room."""
        return f"/lit/{self.study.study_id}/{page}"

    def is_open(self, browser: SocketBrowser) -> bool:
        """Whether the board is that of the open room."""
        return "Locks in" in browser.get(self.lit("board"))[1]

    def press(self, browser: SocketBrowser, page: str, action: str, **typed: str) -> int:
        """Fill the page's form and send it."""
        return browser.send(action, {**browser.hidden(page, action), **typed})[0]


@pytest.fixture
def servers(sqlite_url: str, tmp_path: Path) -> Iterator[TwoServers]:
    """The pharmacist has opened the room at the first server."""
    study = open_study(sqlite_url)
    study.trial.units.close()
    with ExitStack() as running:
        folders = [tmp_path / name for name in ("one", "two")]
        for folder in folders:
            folder.mkdir()
        one, two = (
            running.enter_context(RealServer(study.trial, sqlite_url, folder)) for folder in folders
        )
        first = SocketBrowser(one.address)
        second = SocketBrowser(two.address, jar=first.jar)
        made = TwoServers(study, first, second, (one.address, two.address))
        assert first.sign_in("pharmacist")[0] == 303
        page = made.lit("open")
        said = {
            "passphrase": study.passphrases["pharmacist"],
            "granter_words": study.six_words("statistician"),
        }
        assert made.press(first, page, page, **said) == 303
        yield made


def test_opened_in_one_process_used_and_locked_in_another(servers: TwoServers) -> None:
    """Open here, work there, lock there: locked here; and the cookie is of no use any more."""
    assert servers.is_open(servers.first)
    assert servers.is_open(servers.second)
    stranger = SocketBrowser(servers.addresses[1])
    stranger.sign_in("pharmacist2")
    stranger.jar.set_cookie(servers.first.cookie("twinbag-lit"))
    assert not servers.is_open(stranger), "the cookie in another person's browser"
    again = SocketBrowser(servers.addresses[1])
    again.sign_in("pharmacist")
    again.jar.set_cookie(servers.first.cookie("twinbag-lit"))
    assert not servers.is_open(again), "the cookie in another sign-in of the same person"
    lock = servers.lit("lock")
    assert servers.press(servers.second, servers.lit("board"), lock) == 303
    assert not servers.is_open(servers.first)


def test_signed_out_at_one_process_is_locked_at_the_other(servers: TwoServers) -> None:
    """The row is gone with the sign-in, so that a kept cookie opens nothing."""
    kept = servers.first.cookie("twinbag-lit")
    assert servers.press(servers.second, "/account", "/sign-out") == 303
    assert servers.first.sign_in("pharmacist")[0] == 303
    servers.first.jar.set_cookie(kept)
    assert not servers.is_open(servers.first)


@dataclass
class Halves:
    """An open room of the services, and one half changed at a time."""

    study: LitStudy
    session: str
    cookie: bytes

    def look(self, who: str = "pharmacist", **other: Any) -> OpenRoom | None:
        """What a request with these halves finds."""
        said: dict[str, Any] = {"session": self.session, "cookie": self.cookie, "pepper": PEPPER}
        said |= other
        with self.study.trial.look(who) as act:
            return rooms.look(act, said["session"], said["cookie"], said["pepper"])


@pytest.fixture
def halves(sqlite_url: str) -> Halves:
    """The pharmacist's open room."""
    study = open_study(sqlite_url)
    room = study.open_room("pharmacist")
    with study.trial.act("pharmacist") as act:
        words = study.passphrases["pharmacist"]
        cookie = rooms.open_room(act, room.session_id, words, "", PEPPER)
    return Halves(study, room.session_id, cookie)


def attacks(halves: Halves) -> list[str]:
    """Every way in of K10 that found an open room."""
    found, clock = [], halves.study.trial.clock
    now = clock.at
    with halves.study.trial.act("pharmacist") as act:
        other = sign_in.begin_session(act.uow, act.surroundings, act.person)
    ways = {
        "the row alone": lambda: halves.look(cookie=bytes(32)),
        "no cookie at all": lambda: halves.look(cookie=b""),
        "another pepper": lambda: halves.look(pepper=bytes(32)),
        "another session": lambda: halves.look(session=other),
        "another person": lambda: halves.look("pharmacist2"),
    }
    found += [name for name, way in ways.items() if way() is not None]
    for name, limit in (("after idle", IDLE_LIMIT), ("after an hour", ABSOLUTE_LIMIT)):
        clock.at = now + limit
        if halves.look() is not None:
            found.append(name)
        clock.at = now
    with halves.study.trial.act("pharmacist") as act:
        act.uow.session.execute(sa.delete(LitSession))
    if halves.look() is not None:
        found.append("the cookie alone")
    return found


def test_neither_half_nor_time_nor_another_opens(halves: Halves) -> None:
    """K10, all at once; the room itself is open."""
    assert halves.look() is not None
    assert attacks(halves) == []


def test_control_a_key_kept_in_the_process_is_found(
    halves: Halves, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plant of K10: whoever opened the room once is remembered by the process."""
    kept: list[OpenRoom] = []
    look = rooms.look

    def remembering(act: Act, session: str, cookie: bytes, pepper: bytes) -> OpenRoom | None:
        room = look(act, session, cookie, pepper)
        kept.extend([room] if room else [])
        return room or (kept[0] if kept else None)

    monkeypatch.setattr(rooms, "look", remembering)
    assert halves.look() is not None
    assert {"the row alone", "the cookie alone", "after idle", "another person"} <= set(
        attacks(halves)
    )
