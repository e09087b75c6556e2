"""Every Stop, for the pharmacy and the coordinator; the page keeps itself fresh."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from pharmacy.domain.roles import Permission
from pharmacy.services import scanning, stops
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint("stops", __name__, url_prefix="/study/<study_id>/stops")


class SeenForm(PageForm):
    """A press of a button."""


@blueprint.get("")
@door(Permission.SEE_STOPS)
def listed(study_id: str) -> str:
    """The newest Stops and how many wait to be seen."""
    return _page(SeenForm())


@blueprint.post("/<scan_id>/seen")
@door(Permission.SEE_STOPS)
def seen(study_id: str, scan_id: str) -> tuple[str, int] | Response:
    """Say that a Stop was seen."""
    form = SeenForm(request.form)
    answered = attempt(form, lambda: _seen(scan_id))
    return answered or (_page(form), form.status)


def _page(form: SeenForm) -> str:
    found = stops.stops(act())
    title = f"Stops, {found.unseen} not seen" if found.unseen else "Stops"
    return render_template(
        "stops/listed.html",
        page=frame(title),
        title=title,
        stops=found,
        form=form,
        study_id=act().in_study.id,
    )


def _seen(scan_id: str) -> str:
    scanning.acknowledge(act(), scan_id)
    return told(url_for("stops.listed", study_id=act().in_study.id), "stop_seen")
