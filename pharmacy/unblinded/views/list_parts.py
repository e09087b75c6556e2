"""Places and parts of a list: how far it is used, and letting it grow by rows of its own."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response
from wtforms import IntegerField
from wtforms.validators import NumberRange, Optional

from pharmacy.domain.errors import BadForm
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.services.study_time import study_zone
from pharmacy.unblinded import list_growing, list_parts, load_certificate, sealed_list
from pharmacy.unblinded.doorway import break_key, lit_frame, pepper, room_if_open, the_room
from pharmacy.unblinded.list_growing import Sealing
from pharmacy.unblinded.list_refusals import MAX_BYTES, ListRefused
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rules import ListRules
from pharmacy.unblinded.stratum_words import stratum_words
from pharmacy.unblinded.views.lists import LoadForm, SealForm, too_large, uploaded
from pharmacy.web.access import act, door
from pharmacy.web.forms import attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_part", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/list/parts"
)
blueprint.register_error_handler(RequestEntityTooLarge, too_large)


@blueprint.url_value_preprocessor
def _at_most_one_list(_endpoint: str | None, _values: dict[str, str] | None) -> None:
    """Set before anything of the request is read."""
    request.max_content_length = MAX_BYTES


@blueprint.get("")
@door(Permission.LOAD_LIST, lit=True)
def page(study_id: str) -> str:
    """What the list consists of, and how it can grow."""
    rules = sealed_list.rules_for(act())
    zone = study_zone(act())
    shown = [load_certificate.certificate(act(), one.part) for one in list_parts.parts(act())]
    return render_template(
        "lit/list/parts.html",
        page=frame("Parts of the list"),
        lit=lit_frame(),
        parts=[(one, format_moment(one.loaded_at, zone) if one.loaded_at else "") for one in shown],
        blocked=list_growing.ready_to_grow(act(), rules),
        study_id=study_id,
    )


@blueprint.route("/add", methods=["GET", "POST"])
@door(Permission.LOAD_LIST, lit=True)
def add(study_id: str) -> str | tuple[str, int] | Response:
    """Add the rows of a table."""
    room = the_room() if request.method == "POST" else room_if_open()
    form = LoadForm(request.form)
    if room is not None and request.method == "POST":
        answered = attempt(form, lambda: _add(form, room))
        if answered:
            return answered
    return _form_page("lit/list/add.html", "Add rows to the list", form, room)


@blueprint.route("/make", methods=["GET", "POST"])
@door(Permission.LOAD_LIST, lit=True)
def make(study_id: str) -> str | tuple[str, int] | Response:
    """Make rows here from a new seed."""
    room = the_room() if request.method == "POST" else room_if_open()
    rules = sealed_list.rules_for(act())
    form = _rows_form(rules)
    if room is not None and request.method == "POST":
        answered = attempt(form, lambda: _make(form, room, rules))
        if answered:
            return answered
    fields = [form[name] for name in _fields(rules)]
    return _form_page("lit/list/make_part.html", "Make rows here", form, room, fields=fields)


def _add(form: LoadForm, room: OpenRoom) -> str:
    table = uploaded("table")
    if table is None:
        raise BadForm({"table": "Choose the file of the allocation table."})
    rules = sealed_list.rules_for(act())
    try:
        part = list_growing.add(act(), room, table, rules, _sealing(form), uploaded("codes"))
    except ListRefused as refused:
        field = "codes" if refused.of_code_list or refused.rule == "concealed" else "table"
        raise BadForm({field: refused.sentence}) from None
    return _certificate(part.part)


def _make(form: SealForm, room: OpenRoom, rules: ListRules) -> str:
    rows = {name: form[field].data or 0 for field, name in _fields(rules).items()}
    part = list_growing.make(act(), room, rows, rules, _sealing(form))
    return _certificate(part.part)


def _certificate(part: int) -> str:
    location = url_for("lit_list.part_page", study_id=act().in_study.id, part=part)
    return told(location, "list_grown")


def _sealing(form: SealForm) -> Sealing:
    asked = request.form.get("part", "")
    return Sealing(
        part=int(asked) if asked.isascii() and asked.isdigit() else 0,
        password=form.password.data,
        passphrase=form.passphrase.data,
        stated=form.statement.data,
        pepper=pepper(),
        break_key=break_key(),
    )


def _fields(rules: ListRules) -> dict[str, str]:
    """The field of each stratum that a part may add rows to."""
    return {f"rows_{at}": name for at, name in enumerate(rules.grown.stratum_names)}


def _rows_form(rules: ListRules) -> SealForm:
    """A number of rows for each stratum; nothing typed is none."""
    most = rules.growth.rows_at_most if rules.growth else 0
    questions = {
        field: IntegerField(
            stratum_words(rules, name),
            [Optional(), NumberRange(0, most, f"Type a number of rows from 0 to {most}.")],
            render_kw={"unit": "rows", "inputmode": "numeric"},
        )
        for field, name in _fields(rules).items()
    }
    made: SealForm = type("RowsForm", (SealForm,), questions)(request.form)
    return made


def _form_page(
    template: str, title: str, form: SealForm, room: OpenRoom | None, **more: object
) -> tuple[str, int]:
    rules = sealed_list.rules_for(act())
    form.statement.label.text = sealed_list.statement_of(act())
    shown = render_template(
        template,
        page=frame(title),
        lit=lit_frame(),
        form=form,
        part=request.form.get("part") or list_growing.next_part(act()),
        blocked=list_growing.ready_to_grow(act(), rules),
        most=rules.growth.rows_at_most if rules.growth else 0,
        room_open=room is not None,
        add_meaning=list_growing.ADD_MEANING,
        made_meaning=list_growing.MADE_MEANING,
        study=act().in_study,
        study_id=act().in_study.id,
        **more,
    )
    return shown, form.status
