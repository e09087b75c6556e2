"""Notices for the pharmacy, the coordinator and the sponsor; the same goes by mail."""

from __future__ import annotations

from flask import Blueprint, render_template

from pharmacy.domain.roles import Permission
from pharmacy.services import notices
from pharmacy.web.access import act, door
from pharmacy.web.frame import page as frame

blueprint = Blueprint("notices", __name__, url_prefix="/study/<study_id>/notices")


@blueprint.get("")
@door(Permission.SEE_NOTICES)
def listed(study_id: str) -> str:
    """Every notice of the study, newest first."""
    return render_template(
        "notices/listed.html", page=frame("Notices"), lines=notices.listed(act())
    )
