"""Reports of a suspected unblinding as the unblinded team reads and assesses them."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField, SelectField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from pharmacy.domain.roles import Permission
from pharmacy.services import break_cards, seal_reports
from pharmacy.unblinded import sealed_reports
from pharmacy.unblinded.doorway import lit_frame, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.sealed_reports import OUTCOMES, SEAL_OUTCOMES
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_reports", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/reports"
)


class AssessForm(PageForm):
    """What was found, why, and the signature."""

    outcome = RadioField(
        "Was this person unblinded?",
        [InputRequired("Choose what you found.")],
        choices=[SelectChoice(value, label) for value, label in OUTCOMES.items()],
    )
    reason = TextAreaField(
        "Why", [InputRequired("Write why.")], description="Sealed: it stays in this room."
    )
    password = PasswordField("Password", [InputRequired("Type your password to sign.")])


class SealForm(AssessForm):
    """What was found of a card whose seal was not whole, and who read it, if that is known."""

    outcome = RadioField(
        "Did anybody read the card?",
        [InputRequired("Choose what you found.")],
        choices=[SelectChoice(value, label) for value, label in SEAL_OUTCOMES.items()],
    )
    read_by = SelectField("Who read it, if a person of this study did", [Optional()])


@blueprint.get("")
@door(Permission.ASSESS_UNBLINDING, lit=True)
def page(study_id: str) -> str:
    """Every report, newest first, with the form for those that wait."""
    return _page(None, "", the_room())


@blueprint.post("/<report_id>")
@door(Permission.ASSESS_UNBLINDING, lit=True)
def assess(study_id: str, report_id: str) -> tuple[str, int] | Response:
    """Sign the assessment of one report."""
    room, form = the_room(), _form(report_id, sent=True)
    answered = attempt(form, lambda: _assess(form, room, report_id))
    return answered or (_page(form, report_id, room), form.status)


def _assess(form: AssessForm, room: OpenRoom, report_id: str) -> str:
    sealed_reports.assess(
        act(),
        room,
        report_id,
        form.outcome.data,
        form.reason.data or "",
        form.password.data,
        (form.read_by.data or "") if isinstance(form, SealForm) else "",
    )
    return told(url_for("lit_reports.page", study_id=act().in_study.id), "report_assessed")


def _form(report_id: str, *, sent: bool) -> AssessForm:
    """The form of a person's report, or of a card's seal."""
    fields = request.form if sent else None
    if report_id not in seal_reports.cards_by_report(act()):
        return AssessForm(fields)
    form = SealForm(fields)
    everybody = [SelectChoice(one.id, one.full_name) for one in break_cards.openers(act())]
    form.read_by.choices = [SelectChoice("", "Nobody known"), *everybody]
    return form


def _page(form: AssessForm | None, about: str, room: OpenRoom) -> str:
    rows = sealed_reports.listed(act(), room)
    waiting = [row for row in rows if not row.assessed]
    # One form on the page: of the report it was sent for, else of the one that waits longest.
    at = about or (waiting[-1].report_id if waiting else "")
    return render_template(
        "lit/reports/page.html",
        page=frame("Reports"),
        lit=lit_frame(),
        rows=rows,
        form=form or _form(at, sent=False),
        at=at,
        meaning=sealed_reports.MEANING,
        study_id=act().in_study.id,
    )
