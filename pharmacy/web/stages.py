"""How far a study is on its way to its end, for everybody in it; the data lock is stated here."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission, may
from pharmacy.domain.stages import StudyStage
from pharmacy.services import stages
from pharmacy.web.access import act, door
from pharmacy.web.forms import DayField, PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint("stages", __name__, url_prefix="/study/<study_id>/stage")


class LockForm(PageForm):
    """When and under which reference the database of record was locked."""

    locked_on = DayField(
        "Day on which the database of record was locked", [InputRequired("Type the day.")]
    )
    reference = StringField(
        "Reference of the lock",
        [InputRequired("Type the reference.")],
        description="As REDCap or the data centre gave it, such as DL-2026-014.",
    )
    bags_seen = BooleanField("I have seen which bags are still out")
    password = PasswordField("Password", [InputRequired("Type your password to sign.")])


@blueprint.get("")
@door(Permission.SEE_STAGE)
def page(study_id: str) -> str:
    """Where the study stands, who signed what, and what comes next."""
    return _page(LockForm())


@blueprint.post("")
@door(Permission.STATE_LOCK)
def state_lock(study_id: str) -> tuple[str, int] | Response:
    """State the data lock, signed."""
    form = LockForm(request.form)
    answered = attempt(form, lambda: _state(form))
    return answered or (_page(form), form.status)


def _state(form: LockForm) -> str:
    stages.state_lock(
        act(),
        form.locked_on.data,
        form.reference.data or "",
        bool(form.bags_seen.data),
        form.password.data,
    )
    return told(url_for("stages.page", study_id=act().in_study.id), "lock_stated")


def _page(form: LockForm) -> str:
    found = stages.page(act())
    return render_template(
        "stages/page.html",
        page=frame("Study stage"),
        found=found,
        form=form,
        may_state=found.stage is StudyStage.OPEN and may(act().roles, Permission.STATE_LOCK),
        meaning=stages.ASK_MEANINGS[StudyStage.LOCKED],
        study_id=act().in_study.id,
    )
