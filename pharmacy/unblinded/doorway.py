"""The lit room's door in the web: the cookie's half, the open room of a request, the frame."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from pharmacy.domain.errors import Refusal
from pharmacy.services import membership, sign_in
from pharmacy.services.act import Act
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.locked import RoomLocked
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.web.access import act, cookie_name
from pharmacy.web.house import house

PATH = "/lit"


@dataclass(frozen=True)
class LitFrame:
    """What `lit/base.html` draws: open or locked, the countdown, and where its buttons lead.

    `mark` is what the page says when it is left.
    """

    open: bool
    locks_in_seconds: int
    lock_url: str
    open_url: str
    locked_url: str
    leave_url: str
    mark: str


def pepper() -> bytes:
    """The server's second secret."""
    found: bytes = current_app.extensions["twinbag_pepper"]
    return found


def break_key() -> bytes:
    """The server's third secret: its half of every slot's key."""
    found: bytes = current_app.extensions["twinbag_break_key"]
    return found


def server_secrets() -> ServerSecrets:
    """Both of them, as they are sealed to a recovery key."""
    return ServerSecrets(pepper(), break_key())


def lit_cookie_name() -> str:
    """The cookie of the room's other half, sent to the lit room only."""
    name = "twinbag-demo-lit" if house().practice_only else "twinbag-lit"
    return f"__Secure-{name}" if house().secure_cookies else name


def the_room() -> OpenRoom:
    """This request's open room, its idle clock moved; `RoomLocked` when there is none.

    Called before the act of a form: the clock is committed by itself.
    """
    room = room_if_open()
    if room is None:
        raise RoomLocked
    return room


def room_if_open() -> OpenRoom | None:
    """The same, for pages that also serve while the room is locked."""
    if "room_seen" not in g:
        room = _found(act())
        g.room_seen = _seen(room) if room is not None else None
    found: OpenRoom | None = g.room_seen
    return found


def room_is_open() -> bool:
    """Asked by the guard: inside the room the sealed clock counts, not the plaintext one.

    A room that waits to be handed over counts as well: between two people nobody is asked to
    sign in again.
    """
    row = sign_in.open_session(g.uow, request.cookies.get(cookie_name(), ""), idle_counts=False)
    study_id = (request.view_args or {}).get("study_id")
    person = membership.present(g.uow, row.person_id) if row else None
    if row is None or person is None or study_id is None:
        return False
    try:
        study, roles = membership.in_study(g.uow, person, study_id)
    except Refusal:  # nobody of this study: the guard says so after asking this
        return False
    acting = Act(g.uow, house().surroundings, person, study, roles)
    return any(
        found(acting, row.id, half(), pepper()) is not None for found in (rooms.look, rooms.waiting)
    )


def lit_frame() -> LitFrame:
    """The frame of this request's lit page."""
    study_id = act().in_study.id
    room = room_if_open()
    return LitFrame(
        open=room is not None,
        locks_in_seconds=room.locks_in_seconds(act().now) if room else 0,
        lock_url=url_for("lit_room.lock", study_id=study_id),
        open_url=url_for("lit_room.open_page", study_id=study_id, next=_wanted()),
        locked_url=url_for("lit_room.open_page", study_id=study_id, next=_wanted()),
        leave_url=url_for("lit_room.leaving", study_id=study_id),
        mark=room.mark if room else "",
    )


def _wanted() -> str:
    """The page of this request; at the room's door, the one behind it."""
    at_the_door = request.endpoint == "lit_room.open_page"
    return request.values.get("next", "") if at_the_door else request.path


def page_left(mark: str) -> None:
    """A page of the room says that it is left; without a mark, that another one is still open."""
    room = _found(act())
    if room is None:
        return
    if mark:
        rooms.leave(act(), room, mark, half(), pepper())
    else:
        rooms.stay(act(), room, half(), pepper())


def lock_this() -> None:
    """Lock the room of this request's sign-in, in whichever study it is."""
    rooms.lock(act(), session_id())


def let_in(response: Response, cookie: bytes) -> Response:
    """Give the browser its half of the open room, sent to the lit room's pages alone."""
    response.set_cookie(
        lit_cookie_name(),
        cookie.hex(),
        secure=house().secure_cookies,
        httponly=True,
        samesite="Strict",
        path=PATH,
    )
    return response


def let_sign_in(response: Response, token: str) -> Response:
    """Give the browser the new token of its sign-in session, after a hand-over."""
    response.set_cookie(
        cookie_name(),
        token,
        secure=house().secure_cookies,
        httponly=True,
        samesite="Strict",
        path="/",
    )
    return response


def let_out(response: Response) -> Response:
    """Take the browser's half away."""
    response.delete_cookie(
        lit_cookie_name(),
        secure=house().secure_cookies,
        httponly=True,
        samesite="Strict",
        path=PATH,
    )
    return response


def safe_next(location: str, otherwise: str) -> str:
    """A place inside the lit room to go on to; anything else becomes `otherwise`."""
    inside = location.startswith(f"{PATH}/") and "//" not in location and "\\" not in location
    return location if inside else otherwise


def operation_id() -> str:
    """The id that this form carries; it is kept inside the sealed record that the act changes."""
    said = request.form.get("operation_id", "")
    if not 16 <= len(said) <= 64:
        raise Refusal("This form has no number of its own. Open the page again.")
    return said


def session_id() -> str:
    """The sign-in session of this request."""
    return str(current_user.session.id)


def answer_locked(error: RoomLocked) -> Response:
    """Lead to the room's door; the page that was wanted is opened after it."""
    g.uow.rollback()
    back = request.path if request.method == "GET" else request.form.get("page", "")
    study_id = (request.view_args or {})["study_id"]
    return redirect(url_for("lit_room.open_page", study_id=study_id, next=back), 303)


def _seen(room: OpenRoom) -> OpenRoom:
    """Before a form's act it is that request's own unit, committed: a second writer would wait."""
    if request.method == "POST":
        moved = rooms.seen(act(), room, half(), pepper())
        g.uow.commit()
        return moved
    with house().units.acting() as uow:
        acting = Act(uow, act().surroundings, act().person, act().study, act().roles)
        moved = rooms.seen(acting, room, half(), pepper())
        uow.commit()
    return moved


def _found(acting: Act) -> OpenRoom | None:
    return rooms.look(acting, session_id(), half(), pepper())


def half() -> bytes:
    """The browser's half of the open room; empty when it has none."""
    try:
        return bytes.fromhex(request.cookies.get(lit_cookie_name(), ""))
    except ValueError:
        return b""
