"""The board: where the pharmacist and the checker arrive."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission, may
from pharmacy.services import stops as stop_verbs
from pharmacy.unblinded import allocation, custody_due, overview
from pharmacy.unblinded.doorway import lit_frame, room_if_open, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_board", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/board"
)


class ServeForm(PageForm):
    """The request that the board showed as the oldest."""

    request_id = HiddenField(validators=[InputRequired("Open the board again.")])


@blueprint.get("")
@door(Permission.WORK_AT_BENCH, lit=True)
def page(study_id: str) -> str:
    """Today's work, lane by lane."""
    return _page(ServeForm(), room_if_open())


@blueprint.post("/serve")
@door(Permission.PREPARE, lit=True)
def serve(study_id: str) -> tuple[str, int] | Response:
    """Give the oldest request the next slot."""
    room = the_room()
    form = ServeForm(request.form)
    answered = attempt(form, lambda: _serve(form, room))
    return answered or (_page(form, room), form.status)


@blueprint.get("/stops")
@door(Permission.WORK_AT_BENCH, lit=True)
def stops(study_id: str) -> dict[str, int]:
    """How many Stops wait to be seen; the open board asks, and no clock is moved by it."""
    return {"unseen": stop_verbs.unseen(act())}


def _serve(form: ServeForm, room: OpenRoom) -> str:
    allocation.serve(act(), room, form.request_id.data)
    return told(url_for("lit_board.page", study_id=act().in_study.id), "slot_given")


def _page(form: ServeForm, room: OpenRoom | None) -> str:
    return render_template(
        "lit/board/page.html",
        page=frame("Board"),
        lit=lit_frame(),
        form=form,
        board=overview.board(act(), room),
        due=custody_due.due(act()),
        empty=overview.EMPTY,
        may_prepare=may(act().roles, Permission.PREPARE),
        study_id=act().in_study.id,
    )
