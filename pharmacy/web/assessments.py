"""Pages of the assessments that come before a visit's infusion: the list and its signatures."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as Answer
from wtforms import RadioField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.services import assessment_pages
from pharmacy.services import assessments as verbs
from pharmacy.services.assessment_pages import AssessmentSheet
from pharmacy.web.access import act, door
from pharmacy.web.forms import DayField, attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.participants import SignForm

blueprint = Blueprint("assessments", __name__, url_prefix="/study/<study_id>/assessments")


class CompleteForm(SignForm):
    """That everything of a visit is assessed."""

    assessed_on = DayField(
        "Day of the last assessment",
        [InputRequired("Type the day.")],
        description="A day before today is kept as a late entry.",
    )


class TakeBackForm(SignForm):
    """Why a signature is taken back."""

    reason = RadioField(
        "Why",
        [InputRequired("Choose why it is taken back.")],
        choices=verbs.REASONS,
        validate_choice=False,
    )


@blueprint.get("")
@door(Permission.SEE_ASSESSMENTS)
def listed(study_id: str) -> str:
    """Whose assessments are to be signed, and whose are."""
    return render_template(
        "assessments/listed.html",
        page=frame("Assessments"),
        found=assessment_pages.listed(act()),
        study_id=study_id,
    )


@blueprint.route("/<participant_id>/<visit>", methods=["GET", "POST"])
@door(Permission.ASSESS)
def sign(study_id: str, participant_id: str, visit: str) -> tuple[str, int] | Answer:
    """Sign that a visit's assessments are complete."""
    sheet = assessment_pages.sheet(act(), participant_id, visit)
    form = CompleteForm(request.form, assessed_on=sheet.today)
    if request.method == "POST":
        answered = attempt(form, lambda: _sign(form, participant_id, visit))
        if answered:
            return answered
    return _page("assessments/sign.html", form, sheet, verbs.COMPLETE_MEANING)


@blueprint.route("/<participant_id>/<visit>/take-back", methods=["GET", "POST"])
@door(Permission.ASSESS)
def take_back(study_id: str, participant_id: str, visit: str) -> tuple[str, int] | Answer:
    """Take a mistaken signature back by another one."""
    sheet = assessment_pages.sheet(act(), participant_id, visit)
    form = TakeBackForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _take_back(form, participant_id, visit))
        if answered:
            return answered
    return _page("assessments/take_back.html", form, sheet, verbs.BACK_MEANING)


def _page(template: str, form: SignForm, sheet: AssessmentSheet, meaning: str) -> tuple[str, int]:
    shown = render_template(
        template,
        page=frame(f"Assessments of {sheet.code}"),
        form=form,
        sheet=sheet,
        meaning=meaning,
        back_url=_list(),
        ids=request.view_args,
    )
    return shown, form.status


def _sign(form: CompleteForm, participant_id: str, visit: str) -> str:
    verbs.sign_complete(act(), participant_id, visit, form.assessed_on.data, form.password.data)
    return told(_list(), "assessments_signed")


def _take_back(form: TakeBackForm, participant_id: str, visit: str) -> str:
    verbs.take_back(act(), participant_id, visit, form.reason.data or "", form.password.data)
    return told(_list(), "assessments_taken_back")


def _list() -> str:
    return url_for("assessments.listed", study_id=act().in_study.id)
