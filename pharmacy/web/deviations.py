"""Deviations of a study: reported by one person, confirmed by another, read and printed."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response as Answer
from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission, may
from pharmacy.services import deviations, participant_pages
from pharmacy.services.deviations import Report
from pharmacy.web.access import act, door
from pharmacy.web.forms import attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.participants import DayField, SignForm, form_page

blueprint = Blueprint("deviations", __name__, url_prefix="/study/<study_id>")


class ReportForm(SignForm):
    """What happened, and what was done."""

    kind = RadioField(
        "What happened",
        [InputRequired("Choose what happened.")],
        choices=deviations.KINDS,
        validate_choice=False,
    )
    happened_on = DayField("Day it happened", [InputRequired("Type the day.")])
    account = TextAreaField(
        "What happened, in your words",
        [InputRequired("Write what happened.")],
        description="No names. Write nothing that an unblinded person told you.",
    )
    corrective = TextAreaField(
        "What was done, and what keeps it from happening again",
        [InputRequired("Write what was done.")],
    )
    outcome = RadioField(
        "What becomes of the place",
        [InputRequired("Choose what becomes of the place.")],
        choices=deviations.OUTCOMES,
        validate_choice=False,
    )


@blueprint.get("/deviations")
@door(Permission.SEE_PARTICIPANTS)
def listed(study_id: str) -> str:
    """All deviations of the study, to read and to print."""
    return render_template(
        "deviations/listed.html",
        page=frame("Deviations"),
        sheets=deviations.listed(act()),
        may_sign=may(act().roles, Permission.REPORT_DEVIATIONS),
        study_id=study_id,
    )


@blueprint.route("/participants/<participant_id>/deviation", methods=["GET", "POST"])
@door(Permission.REPORT_DEVIATIONS)
def report(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """Report a deviation about a participant's place."""
    today = participant_pages.site_today(act(), participant_id)
    form = ReportForm(request.form, happened_on=today)
    if request.method == "POST":
        answered = attempt(form, lambda: _report(form, participant_id))
        if answered:
            return answered
    return form_page(
        "deviations/report.html",
        "Report a deviation",
        form,
        participant_id,
        meaning=deviations.REPORT_MEANING,
    )


@blueprint.route("/deviations/<deviation_id>", methods=["GET", "POST"])
@door(Permission.REPORT_DEVIATIONS)
def confirm(study_id: str, deviation_id: str) -> str | tuple[str, int] | Answer:
    """Read a deviation and sign it as the second person."""
    form = SignForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _confirm(form, deviation_id))
        if answered:
            return answered
    shown = render_template(
        "deviations/confirm.html",
        page=frame("Confirm a deviation"),
        form=form,
        sheet=deviations.sheet(act(), deviation_id),
        meaning=deviations.CONFIRM_MEANING,
        study_id=study_id,
    )
    return shown, form.status


def _report(form: ReportForm, participant_id: str) -> str:
    said = Report(
        form.kind.data or "",
        form.happened_on.data,
        form.account.data or "",
        form.corrective.data or "",
        form.outcome.data or "",
    )
    deviations.report(act(), participant_id, said, form.password.data)
    return told(_list(), "deviation_reported")


def _confirm(form: SignForm, deviation_id: str) -> str:
    deviations.confirm(act(), deviation_id, form.password.data)
    return told(_list(), "deviation_confirmed")


def _list() -> str:
    return url_for("deviations.listed", study_id=act().in_study.id)
