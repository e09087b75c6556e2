"""Pages on which an investigator signs that somebody left, or replaces somebody who did."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as Answer
from wtforms import RadioField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.services import departures, participant_pages
from pharmacy.web.access import act, door
from pharmacy.web.forms import attempt, told
from pharmacy.web.participants import DayField, SignForm, form_page

blueprint = Blueprint("departures", __name__, url_prefix="/study/<study_id>/participants")


class LeaveForm(SignForm):
    """When and why somebody left."""

    left_on = DayField("Day the participant left the treatment", [InputRequired("Type the day.")])
    reason = RadioField(
        "Why",
        [InputRequired("Choose why.")],
        choices=departures.REASONS,
        validate_choice=False,
    )


class ReplaceForm(SignForm):
    """Who is replaced."""

    replaces = RadioField(
        "Who is replaced",
        [InputRequired("Choose who is replaced.")],
        choices={},
        validate_choice=False,
    )


@blueprint.route("/<participant_id>/leave", methods=["GET", "POST"])
@door(Permission.SIGN_ORDERS)
def leave(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """Sign that a participant left the treatment."""
    today = participant_pages.site_today(act(), participant_id)
    form = LeaveForm(request.form, left_on=today)
    if request.method == "POST":
        answered = attempt(form, lambda: _leave(form, participant_id))
        if answered:
            return answered
    return form_page(
        "departures/leave.html",
        "Leaves the treatment",
        form,
        participant_id,
        meaning=departures.LEFT_MEANING,
    )


@blueprint.route("/<participant_id>/replaces", methods=["GET", "POST"])
@door(Permission.SIGN_ORDERS)
def replaces(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """Sign that a participant replaces one who left."""
    form = ReplaceForm(request.form)
    found = departures.candidates(act())
    form.replaces.choices = {one.participant_id: one.words for one in found}
    if request.method == "POST":
        answered = attempt(form, lambda: _replace(form, participant_id))
        if answered:
            return answered
    return form_page(
        "departures/replaces.html",
        "Replaces somebody who left",
        form,
        participant_id,
        candidates=found,
        meaning=departures.REPLACES_MEANING,
    )


def _leave(form: LeaveForm, participant_id: str) -> str:
    departures.withdraw(
        act(), participant_id, form.left_on.data, form.reason.data or "", form.password.data
    )
    return told(_page_of(participant_id), "left_treatment")


def _replace(form: ReplaceForm, participant_id: str) -> str:
    departures.replace(act(), participant_id, form.replaces.data or "", form.password.data)
    return told(_page_of(participant_id), "replacement_stated")


def _page_of(participant_id: str) -> str:
    return url_for("participants.shown", study_id=act().in_study.id, participant_id=participant_id)
