"""Code breaks as the pharmacy reads them, with the room open."""

from __future__ import annotations

from flask import Blueprint, render_template

from pharmacy.domain.roles import Permission
from pharmacy.unblinded.break_story import broken_codes
from pharmacy.unblinded.doorway import lit_frame, the_room
from pharmacy.web.access import act, door
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_code_breaks",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/code-breaks",
)


@blueprint.get("")
@door(Permission.PREPARE, lit=True)
def page(study_id: str) -> str:
    """Every broken code, newest first."""
    room = the_room()
    return render_template(
        "lit/code_breaks/page.html",
        page=frame("Code breaks"),
        lit=lit_frame(),
        rows=broken_codes(act(), room),
        study_id=study_id,
    )
