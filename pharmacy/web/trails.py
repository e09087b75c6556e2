"""The audit trails as pages: the installation's, and a study's blinded one with its export."""

from __future__ import annotations

import re

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

from pharmacy.domain.roles import Permission
from pharmacy.services import trails
from pharmacy.web.access import act, door
from pharmacy.web.frame import page as frame

blueprint = Blueprint("trails", __name__)


@blueprint.get("/trail")
@door(Permission.ADMINISTER)
def installation() -> str:
    """Sign-ins, accounts and studies made, newest first."""
    found = trails.installation_trail(act(), _text(), before=_at("before"), after=_at("after"))
    return render_template(
        "trails/page.html", page=frame("Trail of the installation"), found=found, text=_text()
    )


@blueprint.get("/study/<study_id>/trail")
@door(Permission.READ_BLINDED_TRAIL)
def study(study_id: str) -> str:
    """The blinded trail of a study, newest first."""
    found = trails.study_trail(act(), _text(), before=_at("before"), after=_at("after"))
    return render_template(
        "trails/page.html",
        page=frame("Audit trail"),
        found=found,
        text=_text(),
        study_id=study_id,
    )


@blueprint.get("/study/<study_id>/trail.csv")
@door(Permission.READ_BLINDED_TRAIL)
def export(study_id: str) -> Response:
    """The same as a file that is safe to open in a spreadsheet."""
    response = make_response(trails.study_trail_csv(act(), _text()))
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = 'attachment; filename="audit-trail.csv"'
    return response


def _text() -> str:
    return request.args.get("text", "").strip()[:80]


def _at(name: str) -> int | None:
    number = request.args.get(name, "")
    return int(number) if re.fullmatch(r"[0-9]{1,9}", number) else None
