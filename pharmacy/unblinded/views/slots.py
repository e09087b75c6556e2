"""Places of the list: free, taken, taken in error; and writing on one that it was an error."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectField, StringField

from pharmacy.domain.roles import Permission
from pharmacy.services.deviations import KINDS
from pharmacy.unblinded import sealed_list, slot_book
from pharmacy.unblinded.doorway import lit_frame, operation_id, room_if_open, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.stratum_words import stratum_words
from pharmacy.unblinded.views.bench_forms import choices
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_slots", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/places"
)


class ErrorForm(PageForm):
    """Whose place, and how it came to be given."""

    code = SelectField("Participant", choices=[], validate_choice=False)
    kind = RadioField("What happened", choices=KINDS, validate_choice=False)
    words = StringField(
        "In your words", description="It stays in this room. Leave it empty if nothing is to add."
    )


@blueprint.route("", methods=["GET", "POST"])
@door(Permission.SEE_SLOTS, lit=True)
def page(study_id: str) -> str | tuple[str, int] | Response:
    """The book of places, and the form that marks one."""
    form = ErrorForm(request.form)
    if request.method == "POST":
        room = the_room()
        answered = attempt(form, lambda: _note(form, room))
        return answered or (_page(form, room), form.status)
    return _page(form, room_if_open())


def _note(form: ErrorForm, room: OpenRoom) -> str:
    slot_book.note_error(
        act(),
        room,
        form.code.data or "",
        form.kind.data or "",
        form.words.data or "",
        operation_id(),
    )
    return told(url_for("lit_slots.page", study_id=act().in_study.id), "place_in_error")


def _page(form: ErrorForm, room: OpenRoom | None) -> str:
    found = slot_book.book(act(), room) if room is not None else None
    form.code.choices = choices("Choose the participant", [(c, c) for c in slot_book.codes(act())])
    rows = []
    if found is not None and found.places:
        rules = sealed_list.rules_for(act())
        rows = [
            (stratum_words(rules, one.stratum), one.places, one.taken, one.in_error, one.free)
            for one in found.places
        ]
    return render_template(
        "lit/places/page.html",
        page=frame("Places"),
        lit=lit_frame(),
        form=form,
        book=found,
        rows=rows,
        study_id=act().in_study.id,
    )
