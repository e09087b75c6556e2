"""The nurse's pages: today, the scan and its verdict."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import Answer
from pharmacy.services import infusions, scanning, today, verdicts
from pharmacy.services.kept_scans import TYPED_REASONS
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint("scanning", __name__, url_prefix="/study/<study_id>")


class ScanForm(PageForm):
    """A bag's code, scanned or typed."""

    code = StringField("Bag code", description="The 20 characters beside the codes on the cover.")
    method = StringField("Method")
    typed_reason = SelectField(
        "Why it is typed",
        choices={"": "Choose", **TYPED_REASONS},
        validate_choice=False,
    )


class PersonForm(PageForm):
    """Both identifiers."""

    spoken_confirmed = BooleanField(
        "The person said name and birth date, and both are on the identity sheet",
        [InputRequired("Ask for name and birth date first, compare both, then tick this.")],
    )
    card = StringField("Participant's card", [InputRequired("Scan the participant's own card.")])


class EmptyForm(PageForm):
    """A press of a button."""


@blueprint.get("/today")
@door(Permission.SCAN)
def day(study_id: str) -> str:
    """Today's bags, and the way to the scan."""
    return render_template(
        "scanning/today.html", page=frame("Today"), today=today.today(act()), study_id=study_id
    )


@blueprint.route("/scan", methods=["GET", "POST"])
@door(Permission.SCAN)
def scan(study_id: str) -> str | tuple[str, int] | Response:
    """Scan or type the code on a bag's cover; the answer has a page of its own."""
    form = ScanForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _scan(form))
        if answered:
            return answered
    shown_page = render_template(
        "scanning/scan.html", page=frame("Scan the bag", camera=True), form=form, study_id=study_id
    )
    return shown_page, form.status


@blueprint.get("/scan/<scan_id>")
@door(Permission.SCAN)
def verdict(study_id: str, scan_id: str) -> str:
    """The answer to a scan: neutral, go, resume or stop."""
    return _verdict_page(scan_id, PersonForm())


@blueprint.post("/scan/<scan_id>/person")
@door(Permission.SCAN)
def person(study_id: str, scan_id: str) -> tuple[str, int] | Response:
    """Both identifiers, then the verdict."""
    form = PersonForm(request.form)
    answered = attempt(form, lambda: _confirm(form, scan_id))
    return answered or (_verdict_page(scan_id, form), form.status)


@blueprint.post("/scan/<scan_id>/differs")
@door(Permission.SCAN)
def differs(study_id: str, scan_id: str) -> tuple[str, int] | Response:
    """Name or birth date do not match: a Stop."""
    form = EmptyForm(request.form)
    answered = attempt(form, lambda: _deny(scan_id))
    return answered or (_verdict_page(scan_id, form), form.status)


@blueprint.post("/scan/<scan_id>/start")
@door(Permission.SCAN)
def start(study_id: str, scan_id: str) -> tuple[str, int] | Response:
    """Start the infusion; judged once more, so it may turn into a Stop."""
    form = EmptyForm(request.form)
    answered = attempt(form, lambda: _start(scan_id))
    return answered or (_verdict_page(scan_id, form), form.status)


@blueprint.post("/scan/<scan_id>/aside")
@door(Permission.SCAN)
def aside(study_id: str, scan_id: str) -> tuple[str, int] | Response:
    """Leave a Stop by saying what was done with the bag."""
    form = EmptyForm(request.form)
    answered = attempt(form, lambda: _set_aside(scan_id))
    return answered or (_verdict_page(scan_id, form), form.status)


def _verdict_page(scan_id: str, form: PageForm) -> str:
    screen = verdicts.screen(act(), scan_id)
    return render_template(
        f"scanning/{screen.kind}.html",
        page=frame(screen.sentence.partition(".")[0], camera=screen.kind == "neutral"),
        screen=screen,
        form=form,
        study_id=act().in_study.id,
    )


def _scan(form: ScanForm) -> str:
    scanned = scanning.scan_bag(
        act(), form.code.data or "", form.method.data or "", form.typed_reason.data or ""
    )
    return _url("verdict", scan_id=scanned.scan.id)


def _confirm(form: PersonForm, scan_id: str) -> str:
    scanning.confirm_person(act(), scan_id, form.card.data, form.spoken_confirmed.data)
    return _url("verdict", scan_id=scan_id)


def _deny(scan_id: str) -> str:
    scanning.deny_person(act(), scan_id)
    return _url("verdict", scan_id=scan_id)


def _start(scan_id: str) -> str:
    started = infusions.start(act(), scan_id)
    if started.verdict.answer is Answer.STOP:
        return _url("verdict", scan_id=scan_id)
    return url_for(
        "infusions.page", study_id=act().in_study.id, bag_id=started.found[0].id
    )


def _set_aside(scan_id: str) -> str:
    scanning.set_aside(act(), scan_id)
    return told(_url("day"), "stop_left")


def _url(name: str, **values: str) -> str:
    return url_for(f"scanning.{name}", study_id=act().in_study.id, **values)
