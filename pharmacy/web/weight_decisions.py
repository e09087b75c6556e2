"""The page on which an investigator signs what becomes of a weight that stops."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response as Answer
from wtforms import RadioField

from pharmacy.domain.roles import Permission
from pharmacy.services import weight_decisions
from pharmacy.web.access import act, door
from pharmacy.web.forms import attempt, told
from pharmacy.web.participants import SignForm, form_page

blueprint = Blueprint(
    "weight_decisions", __name__, url_prefix="/study/<study_id>/participants/<participant_id>"
)


class DecideForm(SignForm):
    """What is done with the weight, and why it changed: each where it is asked."""

    choice = RadioField("The weight is over the limit", choices={}, validate_choice=False)
    reason = RadioField(
        "Why the weight changed", choices=weight_decisions.REASONS, validate_choice=False
    )


@blueprint.route("/weights/<weight_id>/decide", methods=["GET", "POST"])
@door(Permission.SIGN_ORDERS)
def decide(study_id: str, participant_id: str, weight_id: str) -> str | tuple[str, int] | Answer:
    """Sign what becomes of the newest weight."""
    form = DecideForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _decide(form, participant_id, weight_id))
        if answered:
            return answered
    sheet = weight_decisions.sheet(act(), participant_id, weight_id)
    form.choice.choices = sheet.choices
    return form_page(
        "participants/decide_weight.html",
        "Decide on the weight",
        form,
        participant_id,
        sheet=sheet,
        meaning=weight_decisions.MEANING,
    )


def _decide(form: DecideForm, participant_id: str, weight_id: str) -> str:
    weight_decisions.decide(
        act(),
        participant_id,
        weight_id,
        form.choice.data or "",
        form.reason.data or "",
        form.password.data,
    )
    shown = url_for("participants.shown", study_id=act().in_study.id, participant_id=participant_id)
    return told(shown, "weight_decided")
