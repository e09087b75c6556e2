"""The protocol of a study as tables to read, print, approve, and its marked defaults to confirm."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField, PasswordField, SelectMultipleField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.services import protocol_approvals
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint("protocols", __name__)


class ApproveForm(PageForm):
    """The signature of one side; the fingerprint is of the version that was read."""

    fingerprint = HiddenField()
    password = PasswordField("Password", [InputRequired("Type your password to sign.")])


class DefaultsForm(ApproveForm):
    """The marked defaults that are confirmed, by number."""

    defaults = SelectMultipleField("Marked defaults", coerce=int, validate_choice=False)


@blueprint.get("/study/<study_id>/protocol")
@door()
def shown(study_id: str) -> str:
    """Every field of the protocol, who has approved it, and what is still to be confirmed."""
    return render_template(
        "protocols/shown.html", page=frame("Protocol"), sheet=protocol_approvals.sheet(act())
    )


@blueprint.route("/study/<study_id>/protocol/approve", methods=["GET", "POST"])
@door(Permission.APPROVE)
def approve(study_id: str) -> tuple[str, int] | Response:
    """The whole protocol, and at its foot the signature of one side."""
    form = ApproveForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _approve(form))
        if answered:
            return answered
    shown_page = render_template(
        "protocols/approve.html",
        page=frame("Approve the protocol"),
        sheet=protocol_approvals.sheet(act()),
        form=form,
        meaning=protocol_approvals.APPROVE_MEANING,
    )
    return shown_page, form.status


@blueprint.route("/study/<study_id>/protocol/defaults", methods=["GET", "POST"])
@door(Permission.CONFIRM_DEFAULTS)
def defaults(study_id: str) -> tuple[str, int] | Response:
    """The marked defaults with their values and sources, each to be ticked and signed."""
    form = DefaultsForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _confirm(form))
        if answered:
            return answered
    shown_page = render_template(
        "protocols/defaults.html",
        page=frame("Confirm marked defaults"),
        sheet=protocol_approvals.sheet(act()),
        form=form,
        meaning=protocol_approvals.CONFIRM_MEANING,
    )
    return shown_page, form.status


def _approve(form: ApproveForm) -> str:
    protocol_approvals.approve(act(), form.fingerprint.data or "", form.password.data)
    return told(url_for("protocols.shown", study_id=act().in_study.id), "protocol_approved")


def _confirm(form: DefaultsForm) -> str:
    numbers = frozenset(form.defaults.data or ())
    protocol_approvals.confirm_defaults(
        act(), numbers, form.fingerprint.data or "", form.password.data
    )
    return told(url_for("protocols.shown", study_id=act().in_study.id), "defaults_confirmed")
