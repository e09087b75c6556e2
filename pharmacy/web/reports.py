"""One tap: "I may have been unblinded"; afterwards, if one likes, what happened."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField, TextAreaField

from pharmacy.domain.roles import Permission
from pharmacy.services import reports
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint("reports", __name__, url_prefix="/study/<study_id>/reports")


class TapForm(PageForm):
    """The press of the button, with whom it is about where the page knows."""

    bag_id = HiddenField()
    participant_id = HiddenField()


class WordsForm(PageForm):
    """What happened, for the pharmacy's lit room alone."""

    said = TextAreaField(
        "What happened, if you like to write it",
        description="Only the unblinded team can read it; it is sealed before it is kept.",
    )


@blueprint.get("")
@door(Permission.REPORT_UNBLINDING)
def listed(study_id: str) -> str:
    """The button, and one's own reports."""
    return _listed(TapForm())


@blueprint.post("")
@door(Permission.REPORT_UNBLINDING)
def tap(study_id: str) -> tuple[str, int] | Response:
    """Report at one tap."""
    form = TapForm(request.form)
    answered = attempt(form, lambda: _tap(form))
    if answered:
        house().post_notices()
    return answered or (_listed(form), form.status)


@blueprint.get("/<report_id>")
@door(Permission.REPORT_UNBLINDING)
def noted(study_id: str, report_id: str) -> str:
    """That it is noted, and room for words."""
    return _noted(WordsForm(), report_id)


@blueprint.post("/<report_id>/words")
@door(Permission.REPORT_UNBLINDING)
def words(study_id: str, report_id: str) -> tuple[str, int] | Response:
    """Seal what happened."""
    form = WordsForm(request.form)
    answered = attempt(form, lambda: _words(form, report_id))
    return answered or (_noted(form, report_id), form.status)


def _tap(form: TapForm) -> str:
    made = reports.report(
        act(), bag_id=form.bag_id.data or "", participant_id=form.participant_id.data or ""
    )
    return url_for("reports.noted", study_id=act().in_study.id, report_id=made.id)


def _words(form: WordsForm, report_id: str) -> str:
    reports.add_words(act(), report_id, form.said.data or "", house().seal_report)
    return url_for("reports.noted", study_id=act().in_study.id, report_id=report_id)


def _listed(form: TapForm) -> str:
    return render_template(
        "reports/listed.html",
        page=frame("Report"),
        form=form,
        lines=reports.own_reports(act()),
        study_id=act().in_study.id,
    )


def _noted(form: WordsForm, report_id: str) -> str:
    row = reports.own(act(), report_id)
    return render_template(
        "reports/noted.html",
        page=frame("It is noted"),
        form=form,
        line=reports.line(act(), row),
        study_id=act().in_study.id,
    )
