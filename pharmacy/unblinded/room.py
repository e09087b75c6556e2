"""Opening and locking the lit room.

An open room is two halves: 32 random bytes in one browser's cookie, and the keys sealed under
them in the database. Neither is of use alone. Its clock is inside the sealed half, so that a
request here moves nothing that can be read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.crypto.deriving import passphrase_key
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.roles import Permission
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, pins, private_record, trail, versions
from pharmacy.unblinded.granting import mark_opened, unwrap_keys, wraps_of
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.locked import RoomLocked
from pharmacy.unblinded.tables import LIT_SESSION_SIZE, LitSession

IDLE_LIMIT = timedelta(minutes=15)
ABSOLUTE_LIMIT = timedelta(minutes=60)
LEFT_LIMIT = timedelta(seconds=60)
COOKIE_LENGTH = 32
_MARK_LENGTH = 8


@dataclass(frozen=True)
class OpenRoom:
    """The keys of one opened room. `list_key` is None for those who only read records.

    They are those of one `version`: a rotation locks the room.

    `waits_for` names the bag of a room that was locked to hand it to somebody: it has no keys.
    `left_at` is when the last page of it was left; it locks soon after unless somebody comes back.
    `mark` names the room's last request: a page that is left says from which one it came.
    """

    session_id: str
    person_id: str
    study_id: str
    list_key: bytes | None
    record_key: bytes
    opened_at: datetime
    seen_at: datetime
    version: int
    waits_for: str = ""
    left_at: datetime | None = None
    mark: str = ""

    def __repr__(self) -> str:
        return "<open room>"

    def locks_in_seconds(self, now: datetime) -> int:
        """How long until it locks by itself if nothing more is done."""
        ends = min(self.seen_at + IDLE_LIMIT, self.opened_at + ABSOLUTE_LIMIT)
        if self.left_at is not None:
            ends = min(ends, self.left_at + LEFT_LIMIT)
        return max(0, int((ends - now).total_seconds()))


def open_room(
    act: Act,
    session_id: str,
    passphrase: str,
    granter_words: str,
    pepper: bytes,
) -> bytes:
    """Open the room of the act's study with the passphrase; returns the cookie's 32 bytes.

    Pins are compared first. The wrong passphrase is `WrongPassphrase`, swapped keys a refusal;
    whoever opens a study's room for the first time adds the six words of who enrolled them.
    That first time stands in the unblinded trail: somebody may come to the bench in the middle of
    a preparation, and its moment would tell how long the first person worked.
    """
    act.permit(Permission.ENTER_LIT_ROOM)
    keys, unlocked = unlock_own(act, passphrase, pepper)
    secrets = unwrap_keys(act, keys, unlocked.record.exchange_private)
    if pins.compare(act, keys, unlocked.record, secrets, granter_words):
        private_record.keep(keys, unlocked, act.surroundings)
        mark_opened(act, keys)
        trail.record(act, secrets["record"], "holder_pinned", f"person:{act.person.id}")
    lock(act, session_id)
    cookie = act.surroundings.random_bytes("lit cookie", COOKIE_LENGTH)
    room = OpenRoom(
        session_id,
        act.person.id,
        act.in_study.id,
        secrets.get("list"),
        secrets["record"],
        act.now,
        act.now,
        versions.in_force(act).version,
    )
    act.uow.session.add(
        LitSession(
            session_id=session_id,
            person_id=act.person.id,
            study_id=act.in_study.id,
            keys=_sealed(act, room, cookie, pepper),
        )
    )
    act.uow.session.flush()
    return cookie


def opened_before(act: Act) -> bool:
    """Whether the acting person has opened this study's room before.

    It only decides what the page asks for; what is trusted stands in the private record.
    """
    keys = keys_of(act, act.person.id)
    return keys is not None and any(row.opened for row in wraps_of(act, keys))


def look(act: Act, session_id: str, cookie: bytes, pepper: bytes) -> OpenRoom | None:
    """The open room of this browser, or None when it is locked, too old or another study's."""
    room = _found(act, session_id, cookie, pepper)
    return None if room is None or room.waits_for else room


def waiting(act: Act, session_id: str, cookie: bytes, pepper: bytes) -> OpenRoom | None:
    """The room that this browser's person has locked to hand it over; its clocks go on."""
    room = _found(act, session_id, cookie, pepper)
    return room if room is not None and room.waits_for else None


def wait_for(act: Act, room: OpenRoom, bag_id: str, cookie: bytes, pepper: bytes) -> None:
    """Lock a room until somebody else checks in at this bag: the keys go, the row stays.

    Its sealed clock still counts as the person's presence, so that their session does not lapse
    between two people; nothing outside the sealed part changes.
    """
    _rewritten(act, replace(room, list_key=None, record_key=b"", waits_for=bag_id), cookie, pepper)


def seen(act: Act, room: OpenRoom, cookie: bytes, pepper: bytes) -> OpenRoom:
    """Move the sealed idle clock: the row is rewritten at the same size.

    One that was locked at the same moment is `RoomLocked`.
    """
    return _rewritten(act, _seen_now(act, room), cookie, pepper)


def _seen_now(act: Act, room: OpenRoom) -> OpenRoom:
    mark = act.surroundings.random_bytes("lit room mark", _MARK_LENGTH).hex()
    return replace(room, seen_at=act.now, left_at=None, mark=mark)


def leave(act: Act, room: OpenRoom, mark: str, cookie: bytes, pepper: bytes) -> None:
    """Somebody left the page with this mark: the room locks in `LEFT_LIMIT`.

    Nothing happens when a later page of the room was opened since, in whichever order the two
    requests arrive: whoever goes from page to page inside has left nothing.
    """
    if mark == room.mark:
        _rewritten(act, replace(room, left_at=act.now), cookie, pepper)


def stay(act: Act, room: OpenRoom, cookie: bytes, pepper: bytes) -> None:
    """Another page of the room is still open; its idle clock does not move by that."""
    _rewritten(act, replace(room, left_at=None), cookie, pepper)


def lock(act: Act, session_id: str) -> None:
    """Lock: the sealed half is deleted, and the cookie opens nothing any more."""
    act.uow.session.execute(sa.delete(LitSession).where(LitSession.session_id == session_id))


def _rewritten(act: Act, room: OpenRoom, cookie: bytes, pepper: bytes) -> OpenRoom:
    changed = act.uow.session.execute(
        sa.update(LitSession)
        .where(LitSession.session_id == room.session_id)
        .values(keys=_sealed(act, room, cookie, pepper))
    )
    if changed.rowcount != 1:
        raise RoomLocked
    return room


def _found(act: Act, session_id: str, cookie: bytes, pepper: bytes) -> OpenRoom | None:
    row = _row(act, session_id)
    if row is None or row.study_id != act.in_study.id or row.person_id != act.person.id:
        return None
    try:
        room = _opened(row, cookie, pepper)
    except CannotOpen:
        return None
    made = versions.study_keys(act)
    in_force = made is not None and made.version == room.version
    return room if in_force and room.locks_in_seconds(act.now) > 0 else None


def _row(act: Act, session_id: str) -> LitSession | None:
    query = sa.select(LitSession).where(LitSession.session_id == session_id)
    return act.uow.session.scalars(query).one_or_none()


def _key(cookie: bytes, room_context: bytes, pepper: bytes) -> bytes:
    if len(cookie) != COOKIE_LENGTH:
        raise CannotOpen
    return passphrase_key(cookie, pepper, room_context)


def _sealed(act: Act, room: OpenRoom, cookie: bytes, pepper: bytes) -> bytes:
    context = contexts.lit_session(room.session_id, room.person_id, room.study_id)
    body = json.dumps(
        {
            "list": room.list_key.hex() if room.list_key else None,
            "record": room.record_key.hex(),
            "opened": room.opened_at.isoformat(),
            "seen": room.seen_at.isoformat(),
            "version": room.version,
            "waits_for": room.waits_for,
            "mark": room.mark,
            "left": room.left_at.isoformat() if room.left_at else None,
        }
    ).encode()
    salt = act.surroundings.random_bytes("lit session salt", 32)
    return seal(_key(cookie, context, pepper), body, LIT_SESSION_SIZE, context, salt)


def _opened(row: LitSession, cookie: bytes, pepper: bytes) -> OpenRoom:
    context = contexts.lit_session(row.session_id, row.person_id, row.study_id)
    raw = json.loads(
        open_sealed(_key(cookie, context, pepper), row.keys, LIT_SESSION_SIZE, context)
    )
    return OpenRoom(
        row.session_id,
        row.person_id,
        row.study_id,
        bytes.fromhex(raw["list"]) if raw["list"] else None,
        bytes.fromhex(raw["record"]),
        datetime.fromisoformat(raw["opened"]),
        datetime.fromisoformat(raw["seen"]),
        raw["version"],
        raw["waits_for"],
        datetime.fromisoformat(raw["left"]) if raw.get("left") else None,
        raw.get("mark", ""),
    )
