"""The two ceremonies with opened envelopes: the yearly drill, and taking over a study's keys."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.unblinded import recovering, recovery_custody, recovery_drill
from pharmacy.unblinded.doorway import lit_frame, operation_id, pepper, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.standing import standing
from pharmacy.unblinded.views.bench_forms import choices
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_recovery_ceremonies",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/recovery",
)


class SheetsForm(PageForm):
    """The words of two sheets: each custodian types or scans their own, hidden from the other."""

    first_sheet = PasswordField(
        "First custodian's sheet",
        [InputRequired("Type the 22 words, or scan the code of the sheet.")],
        description="The 22 words with spaces between them, or the code with a scanner.",
    )
    second_sheet = PasswordField(
        "Second custodian's sheet",
        [InputRequired("Type the 22 words, or scan the code of the sheet.")],
    )


class DrillForm(SheetsForm):
    """Two sheets and the signature."""

    password = PasswordField("Password", [InputRequired("Type your password.")])


class RecoverForm(SheetsForm):
    """Two sheets, why, and the person's own two secrets."""

    reason = SelectField(
        "Reason",
        [InputRequired("Choose why.")],
        choices=choices("Choose a reason", recovering.REASONS.items()),
        validate_choice=False,
    )
    passphrase = PasswordField("Your passphrase", [InputRequired("Type your passphrase.")])
    password = PasswordField("Password", [InputRequired("Type your password.")])


@blueprint.route("/drill", methods=["GET", "POST"])
@door(Permission.KEEP_RECOVERY, lit=True)
def drill(study_id: str) -> tuple[str, int] | Response:
    """Open the canary with the halves of one pair."""
    room, form = the_room(), DrillForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _drill(form, room))
        if answered:
            return answered
    return _page("drill", "Recovery drill", form), form.status


@blueprint.route("/use", methods=["GET", "POST"])
@door(Permission.KEEP_RECOVERY, lit=True)
def use(study_id: str) -> tuple[str, int] | Response:
    """Take over the study's keys, where nobody is left to grant them."""
    form = RecoverForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _use(form))
        if answered:
            return answered
    return _page("use", "Use the recovery key", form), form.status


def _drill(form: DrillForm, room: OpenRoom) -> str:
    first, second = form.first_sheet.data, form.second_sheet.data
    passed = recovery_drill.drill(act(), room, first, second, form.password.data, operation_id())
    where = url_for("lit_recovery.page", study_id=act().in_study.id)
    return told(where, "recovery_drill_passed" if passed else "recovery_drill_failed")


def _use(form: RecoverForm) -> str:
    recovering.recover(
        act(),
        form.first_sheet.data,
        form.second_sheet.data,
        form.reason.data,
        form.passphrase.data,
        form.password.data,
        pepper(),
    )
    return told(url_for("lit_recovery.page", study_id=act().in_study.id), "recovery_used")


def _page(template: str, title: str, form: SheetsForm) -> str:
    return render_template(
        f"lit/recovery/{template}.html",
        page=frame(title),
        lit=lit_frame(),
        form=form,
        facts=recovery_custody.recovery_facts(act()),
        standing=standing(act()),
        meaning=recovery_drill.DRILL_MEANING if template == "drill" else recovering.MEANING,
        study_id=act().in_study.id,
    )
