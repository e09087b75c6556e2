"""Enrolling investigators: a holder of the list key compares six words and makes their halves."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.unblinded import break_shares
from pharmacy.unblinded.code_break import drill
from pharmacy.unblinded.doorway import break_key, lit_frame, pepper, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_investigators",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/investigators",
)


class EnrolForm(PageForm):
    """The words as they were heard, and the own passphrase."""

    words = StringField(
        "The six words you hear",
        [InputRequired("Type the six words that this person reads to you.")],
        description="They are not shown here: what you type is what you heard.",
    )
    passphrase = PasswordField("Your passphrase", [InputRequired("Type your passphrase.")])


class DrillForm(PageForm):
    """The own passphrase, for a drill of somebody enrolled before there were drills."""

    passphrase = PasswordField("Your passphrase", [InputRequired("Type your passphrase.")])


@blueprint.get("")
@door(Permission.ENROL_INVESTIGATORS, lit=True)
def page(study_id: str) -> str:
    """Who can break a code, and who waits."""
    return render_template(
        "lit/investigators/page.html",
        page=frame("Investigators"),
        lit=lit_frame(),
        rows=break_shares.investigators(act()),
        drills=_drills(),
        study_id=study_id,
    )


@blueprint.route("/<person_id>/drill", methods=["GET", "POST"])
@door(Permission.ENROL_INVESTIGATORS, lit=True)
def give_drill(study_id: str, person_id: str) -> tuple[str, int] | Response:
    """Make the drill of one enrolled investigator who has none."""
    room = the_room()
    form = DrillForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _give_drill(form, room, person_id))
        if answered:
            return answered
    shown = render_template(
        "lit/investigators/drill.html",
        page=frame("Make the drill"),
        lit=lit_frame(),
        form=form,
        one=break_shares.investigator(act(), person_id),
        study_id=study_id,
    )
    return shown, form.status


@blueprint.route("/<person_id>", methods=["GET", "POST"])
@door(Permission.ENROL_INVESTIGATORS, lit=True)
def enrol(study_id: str, person_id: str) -> tuple[str, int] | Response:
    """Enrol one investigator after their six words were heard; the room is open."""
    room = the_room()
    form = EnrolForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _enrol(form, room, person_id))
        if answered:
            return answered
    shown = render_template(
        "lit/investigators/enrol.html",
        page=frame("Enrol an investigator"),
        lit=lit_frame(),
        form=form,
        one=break_shares.investigator(act(), person_id),
        study_id=study_id,
    )
    return shown, form.status


def _enrol(form: EnrolForm, room: OpenRoom, person_id: str) -> str:
    break_shares.enrol(
        act(), room, person_id, form.words.data, form.passphrase.data, pepper(), break_key()
    )
    location = url_for("lit_investigators.page", study_id=act().in_study.id)
    return told(location, "investigator_enrolled")


def _give_drill(form: DrillForm, room: OpenRoom, person_id: str) -> str:
    break_shares.give_drill(act(), room, person_id, form.passphrase.data, pepper(), break_key())
    location = url_for("lit_investigators.page", study_id=act().in_study.id)
    return told(location, "drill_made")


def _drills() -> dict[str, str]:
    """When and from where each investigator has passed the drill last."""
    return {
        one.person_id: f"{one.when}, {drill.DEVICES[one.device].lower()}, "
        + ("outside" if one.place == "outside" else "inside")
        for one in drill.passed(act())
    }
