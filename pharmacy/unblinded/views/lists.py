"""The list: what is missing before it can be loaded, the two ways to one, the load certificate."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response as AnyResponse
from wtforms import BooleanField, FileField, PasswordField
from wtforms.validators import InputRequired

from pharmacy.domain.errors import BadForm
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.services.study_time import study_zone
from pharmacy.unblinded import custody_due, list_derivation, load_certificate, sealed_list
from pharmacy.unblinded.doorway import break_key, lit_frame, pepper, room_if_open, the_room
from pharmacy.unblinded.list_parts import FIRST
from pharmacy.unblinded.list_refusals import MAX_BYTES, SENTENCES, ListRefused
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.stratum_words import stratum_words
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_list", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/list"
)


class SealForm(PageForm):
    """The statement and both secrets, whichever way the list comes."""

    statement = BooleanField()
    password = PasswordField(
        "Password",
        [InputRequired("Type your password to sign.")],
        description="The one you sign in with: it signs the list.",
    )
    passphrase = PasswordField(
        "Passphrase",
        [InputRequired("Type your passphrase.")],
        description="Your six words: they sign the sealed list with your key.",
    )


class LoadForm(SealForm):
    """An allocation table, and the code list where the table is concealed."""

    table = FileField(
        "Allocation table",
        description="The CSV file as REDCap takes it; both files together at most 256 KiB. It is "
        "read in memory and sealed; nothing of it is written in the clear.",
    )
    codes = FileField(
        "Code list",
        description="Only for a concealed table: the second custodian's file, which says the arm "
        "of every code.",
    )


@blueprint.url_value_preprocessor
def _at_most_one_list(_endpoint: str | None, _values: dict[str, str] | None) -> None:
    """Set before anything of the request is read."""
    request.max_content_length = MAX_BYTES


@blueprint.get("")
@door(Permission.LOAD_LIST, lit=True)
def page(study_id: str) -> str:
    """The certificate of the loaded list, or how to come to one."""
    room = room_if_open()
    return _certificate() if sealed_list.is_loaded(act()) else _page(LoadForm(), room)


@blueprint.post("")
@door(Permission.LOAD_LIST, lit=True)
def load(study_id: str) -> tuple[str, int] | AnyResponse:
    """Load the list, once."""
    room = the_room()
    form = LoadForm(request.form)
    answered = attempt(form, lambda: _load(form, room))
    return answered or (_page(form, room), form.status)


@blueprint.get("/make")
@door(Permission.LOAD_LIST, lit=True)
def make_page(study_id: str) -> str:
    """What a list made here will follow, and the form to make it."""
    room = room_if_open()
    return _certificate() if sealed_list.is_loaded(act()) else _make_page(SealForm(), room)


@blueprint.post("/make")
@door(Permission.LOAD_LIST, lit=True)
def make(study_id: str) -> tuple[str, int] | AnyResponse:
    """Make the list here from a new seed, once."""
    room = the_room()
    form = SealForm(request.form)
    answered = attempt(form, lambda: _make(form, room))
    return answered or (_make_page(form, room), form.status)


@blueprint.get("/parts/<int:part>")
@door(Permission.LOAD_LIST, lit=True)
def part_page(study_id: str, part: int) -> str:
    """The certificate of one part."""
    room_if_open()
    return _certificate(part)


@blueprint.get("/certificate.json", defaults={"part": FIRST})
@blueprint.get("/parts/<int:part>/certificate.json")
@door(Permission.LOAD_LIST, lit=True)
def certificate_file(study_id: str, part: int) -> Response:
    """A part's certificate as a file that can be checked anywhere."""
    text = load_certificate.certificate_file(act(), part)
    name = "load-certificate" if part == FIRST else f"load-certificate-part-{part}"
    kept = {"Content-Disposition": f'attachment; filename="{name}.json"'}
    return Response(text, mimetype="application/json", headers=kept)


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> tuple[str, int]:
    """Nothing was read, so the form cannot be shown again with what was typed."""
    shown = render_template(
        "error.html",
        page=frame("Not possible"),
        sentence=SENTENCES["too_large"],
        back_url=request.path,
        back_text="Back to the list",
    )
    return shown, 413


def _load(form: LoadForm, room: OpenRoom) -> str:
    table, codes = uploaded("table"), uploaded("codes")
    if table is None:
        raise BadForm({"table": "Choose the file of the allocation table."})
    try:
        sealed_list.load(
            act(),
            room,
            table,
            sealed_list.rules_for(act()),
            form.password.data,
            form.passphrase.data,
            form.statement.data,
            pepper(),
            codes,
            break_key(),
        )
    except ListRefused as refused:
        field = "codes" if refused.of_code_list or refused.rule == "concealed" else "table"
        raise BadForm({field: refused.sentence}) from None
    return told(url_for("lit_list.page", study_id=act().in_study.id), "list_loaded")


def uploaded(name: str) -> bytes | None:
    """An uploaded file's bytes; None where no file was chosen."""
    uploaded = request.files.get(name)
    return uploaded.read() if uploaded is not None and uploaded.filename else None


def _make(form: SealForm, room: OpenRoom) -> str:
    list_derivation.make(
        act(),
        room,
        sealed_list.rules_for(act()),
        form.password.data,
        form.passphrase.data,
        form.statement.data,
        pepper(),
        break_key(),
    )
    return told(url_for("lit_list.page", study_id=act().in_study.id), "list_loaded")


def _page(form: LoadForm, room: OpenRoom | None) -> str:
    form.statement.label.text = sealed_list.statement_of(act())
    return render_template(
        "lit/list/load.html",
        page=frame("List"),
        lit=lit_frame(),
        form=form,
        due=custody_due.due(act()),
        blocked=sealed_list.ready_to_load(act()),
        room_open=room is not None,
        meaning=sealed_list.LOAD_MEANING,
        study=act().in_study,
        study_id=act().in_study.id,
    )


def _make_page(form: SealForm, room: OpenRoom | None) -> str:
    form.statement.label.text = sealed_list.statement_of(act())
    rules = sealed_list.rules_for(act())
    return render_template(
        "lit/list/make.html",
        page=frame("Make a list here"),
        lit=lit_frame(),
        form=form,
        blocked=sealed_list.ready_to_load(act()),
        room_open=room is not None,
        meaning=sealed_list.MAKE_MEANING,
        rows=rules.maximum_rows,
        strata=[(stratum_words(rules, one), rules.rows_per_stratum) for one in rules.stratum_names],
        study_id=act().in_study.id,
    )


def _certificate(part: int = FIRST) -> str:
    found = load_certificate.certificate(act(), part)
    rules = sealed_list.rules_for(act())
    zone = study_zone(act())
    return render_template(
        "lit/list/certificate.html",
        page=frame("Load certificate"),
        lit=lit_frame(),
        certificate=found,
        due=custody_due.due(act()),
        strata=[(stratum_words(rules, name), slots) for name, slots in found.strata],
        loaded_at=format_moment(found.loaded_at, zone) if found.loaded_at else "",
        confirmed=[(name, format_moment(at, zone)) for name, at in found.confirmed],
        first=part == FIRST,
        study_id=act().in_study.id,
    )
