"""Acts of the practice study's people, at the moments of a made-up past, through the services."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pharmacy.demo.cast import FOUNDER, PASSWORD
from pharmacy.demo.remembering import RememberingDeriver, RememberingHasher
from pharmacy.services import membership, sign_in
from pharmacy.services.act import Act
from pharmacy.services.surroundings import Surroundings
from pharmacy.services.units import Units
from pharmacy.unblinded import holders, private_record
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.room import OpenRoom

ZONE = ZoneInfo("America/Chicago")
_ADDRESS = "127.0.0.1"


@dataclass
class StillClock:
    """A clock that stands where it was put, so that no act's moment tells how long it took."""

    at: datetime

    def __call__(self) -> datetime:
        return self.at


@dataclass
class Practice:
    """The study being made: its database, its people, what they know and which rooms are open.

    `rooms` holds the open room of a person with the token of the sign-in it belongs to.
    """

    engine: Any
    surroundings: Surroundings
    pepper: bytes
    break_key: bytes
    clock: StillClock
    study_id: str = ""
    ids: dict[str, str] = field(default_factory=dict)
    user_names: dict[str, str] = field(default_factory=dict)
    passphrases: dict[str, str] = field(default_factory=dict)
    rooms: dict[str, tuple[OpenRoom, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        around = self.surroundings
        self.surroundings = replace(
            around,
            now=self.clock,
            hasher=RememberingHasher(around.hasher),
            deriver=RememberingDeriver(around.deriver),
        )
        self.units = Units(self.engine, self.clock)

    def at(self, moment: datetime) -> None:
        """Put the clock to a moment, never back."""
        self.clock.at = max(self.clock.at, moment)

    def wait(self, **parts: float) -> None:
        """Let the clock go on by a timedelta's parts."""
        self.clock.at += timedelta(**parts)

    def today(self) -> date:
        """The site's date."""
        return self.clock.at.astimezone(ZONE).date()

    @contextmanager
    def act(self, who: str) -> Iterator[Act]:
        """One act of one person, committed at the end of the block."""
        with self.units.acting() as uow:
            person = membership.present(uow, self.ids[who])
            if person is None:
                raise ValueError("nobody leaves the practice study while it is made")
            if person.administrator:
                yield Act(uow, self.surroundings, person)
            else:
                study, roles = membership.in_study(uow, person, self.study_id)
                yield Act(uow, self.surroundings, person, study, roles)
            uow.commit()

    def do(self, who: str, verb: Callable[..., Any], *said: Any, **named: Any) -> Any:
        """One verb by one person."""
        with self.act(who) as act:
            return verb(act, *said, **named)

    def lit(self, who: str, verb: Callable[..., Any], *said: Any, **named: Any) -> Any:
        """One verb of the lit room by one person, whose room is opened when it is locked."""
        room = self._open_room(who)
        with self.act(who) as act:
            return verb(act, room, *said, **named)

    def bench(self, who: str, verb: Callable[..., Any], bag_id: str, *said: Any) -> Any:
        """One step at the bench: a verb of one bag, with a form number of its own."""
        form = self.surroundings.new_id("practice form")
        return self.lit(who, verb, bag_id, form, *said)

    def six_words(self, who: str) -> str:
        """The words by which a person's keys are compared."""
        with self.act(who) as act:
            return private_record.six_words(holders.own_keys(act))

    def leave_rooms(self) -> None:
        """Lock every room and sign everybody out."""
        for who, (room, token) in self.rooms.items():
            with self.act(who) as act:
                rooms.lock(act, room.session_id)
                row = sign_in.open_session(act.uow, token, idle_counts=False)
                if row is not None:
                    sign_in.sign_out(act.uow, row)
        self.rooms.clear()

    def _open_room(self, who: str) -> OpenRoom:
        known = self.rooms.get(who)
        if known is not None and known[0].locks_in_seconds(self.clock.at) > 0:
            return known[0]
        words = "" if who == FOUNDER else self.six_words(FOUNDER)
        with self.act(who) as act:
            token = self._signed_in(act, who, known[1] if known else "")
            row = sign_in.open_session(act.uow, token, idle_counts=False)
            if row is None:
                raise ValueError("a session that has just begun is open")
            half = rooms.open_room(act, row.id, self.passphrases[who], words, self.pepper)
            room = rooms.look(act, row.id, half, self.pepper)
        if room is None:
            raise ValueError("a room that was just opened is open")
        self.rooms[who] = (room, token)
        return room

    def _signed_in(self, act: Act, who: str, instead_of: str) -> str:
        door = sign_in.sign_in(
            act.uow,
            self.surroundings,
            self.user_names[who],
            PASSWORD,
            _ADDRESS,
            instead_of=instead_of,
        )
        act.uow.session.flush()
        return door.token
