"""Deliveries on their way, and the paper that travels with each."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from pharmacy.domain.roles import Permission
from pharmacy.services import packing
from pharmacy.web.access import act, door
from pharmacy.web.frame import page as frame

blueprint = Blueprint("packing", __name__, url_prefix="/study/<study_id>/deliveries")


@blueprint.get("")
@door(Permission.SEE_DELIVERIES)
def deliveries(study_id: str) -> str:
    """What is on its way to a home, soonest first."""
    return render_template(
        "packing/deliveries.html",
        page=frame("Deliveries"),
        deliveries=packing.deliveries(act()),
        study_id=study_id,
    )


@blueprint.get("/<day_id>/packing-list.pdf")
@door(Permission.SEE_DELIVERIES)
def packing_list(study_id: str, day_id: str) -> Response:
    """The packing list of one infusion day, to be printed; its name says nothing of it."""
    pdf = packing.packing_list_pdf(act(), day_id)
    headers = {"Content-Disposition": "inline; filename=packing-list.pdf"}
    return Response(pdf, mimetype="application/pdf", headers=headers)
