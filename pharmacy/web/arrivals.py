"""A delivery at the door: each bag is scanned in, and the answer has a page of its own."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from pharmacy.domain.roles import Permission
from pharmacy.services import arrivals, verdicts
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt
from pharmacy.web.frame import page as frame
from pharmacy.web.scanning import EmptyForm, ScanForm

blueprint = Blueprint("arrivals", __name__, url_prefix="/study/<study_id>/receive")


@blueprint.route("", methods=["GET", "POST"])
@door(Permission.SCAN)
def receive(study_id: str) -> str | tuple[str, int] | Response:
    """Scan or type the code on a delivered bag's cover."""
    form = ScanForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _receive(form))
        if answered:
            return answered
    shown_page = render_template(
        "arrivals/receive.html",
        page=frame("Receive a delivery", camera=True),
        form=form,
        study_id=study_id,
        going_on="next" in request.args,
    )
    return shown_page, form.status


@blueprint.get("/<scan_id>")
@door(Permission.SCAN)
def answer(study_id: str, scan_id: str) -> str:
    """Received, or the Stop that the same bag would meet at the bedside."""
    return _answer_page(verdicts.arrival_screen(act(), scan_id), EmptyForm())


def _answer_page(screen: verdicts.VerdictScreen, form: PageForm) -> str:
    return render_template(
        f"scanning/{screen.kind}.html",
        page=frame(screen.sentence.partition(".")[0]),
        screen=screen,
        form=form,
        study_id=act().in_study.id,
    )


def _receive(form: ScanForm) -> str:
    scanned = arrivals.receive(
        act(), form.code.data or "", form.method.data or "", form.typed_reason.data or ""
    )
    return url_for("arrivals.answer", study_id=act().in_study.id, scan_id=scanned.scan.id)
