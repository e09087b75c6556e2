"""The door of the lit room: open with the passphrase, lock with one press."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission, may
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.doorway import (
    let_in,
    let_out,
    lit_frame,
    page_left,
    pepper,
    room_if_open,
    safe_next,
    session_id,
)
from pharmacy.unblinded.standing import standing
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_room", __name__, template_folder="../templates", url_prefix="/lit/<study_id>"
)


class OpenForm(PageForm):
    """The passphrase, and at the first opening the six words of whoever enrolled the person."""

    next = HiddenField()
    granter_words = StringField(
        "Their six words",
        description="As they read them to you from their own screen, in person or on the phone.",
    )
    passphrase = PasswordField(
        "Passphrase",
        [InputRequired("Type your passphrase.")],
        description="Your six words. Not the password you sign in with.",
    )


@blueprint.route("/open", methods=["GET", "POST"])
@door(Permission.ENTER_LIT_ROOM, lit=True)
def open_page(study_id: str) -> str | tuple[str, int] | Response:
    """Open the room and go on to the page that was wanted."""
    if request.method == "GET":
        wanted = safe_next(request.args.get("next", ""), _landing())
        if room_if_open() is not None:
            return redirect(wanted, 303)
        return _page(OpenForm(next=wanted))
    form, cookies = OpenForm(request.form), []
    answered = attempt(form, lambda: _open(form, cookies))
    return let_in(answered, cookies[0]) if answered else (_page(form), form.status)


@blueprint.post("/lock")
@door(Permission.ENTER_LIT_ROOM, lit=True)
def lock(study_id: str) -> Response:
    """Lock the room; locking a locked one is the same."""
    rooms.lock(act(), session_id())
    g.uow.commit()
    location = url_for("lit_room.open_page", study_id=study_id)
    return let_out(redirect(told(location, "room_locked"), 303))


@blueprint.post("/leaving")
@door(Permission.ENTER_LIT_ROOM, lit=True)
def leaving(study_id: str) -> tuple[str, int]:
    """What a page sends when it is left, and another one that is still open."""
    page_left(request.form.get("left", ""))
    g.uow.commit()
    return "", 204


def _open(form: OpenForm, cookies: list[bytes]) -> str:
    opened = rooms.open_room(
        act(), session_id(), form.passphrase.data, form.granter_words.data or "", pepper()
    )
    cookies.append(opened)
    return safe_next(form.next.data or "", _landing())


def _landing() -> str:
    work = "lit_board.page" if may(act().roles, Permission.WORK_AT_BENCH) else "lit_list.page"
    return url_for(work, study_id=act().in_study.id)


def _page(form: OpenForm) -> str:
    return render_template(
        "lit/room/open.html",
        page=frame("Open the room"),
        lit=lit_frame(),
        form=form,
        standing=standing(act()),
        study_id=act().in_study.id,
    )
