"""The list: what is missing before it can be loaded, the upload, and the load certificate."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response
from wtforms import BooleanField, FileField, PasswordField
from wtforms.validators import InputRequired

from pharmacy.domain.errors import BadForm
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import studies
from pharmacy.unblinded import load_certificate, sealed_list
from pharmacy.unblinded.doorway import lit_frame, pepper, room_if_open, the_room
from pharmacy.unblinded.list_refusals import MAX_BYTES, SENTENCES, ListRefused
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.study_files import rules_of
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_list", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/list"
)


class LoadForm(PageForm):
    """The allocation table, the statement, and both secrets."""

    table = FileField(
        "Allocation table",
        description="The CSV file as REDCap takes it, at most 256 KiB. It is read in memory and "
        "sealed; nothing of it is written in the clear.",
    )
    not_live = BooleanField("This list is not live in REDCap, and will not be.")
    password = PasswordField(
        "Password",
        [InputRequired("Type your password to sign.")],
        description="The one you sign in with: it signs the load.",
    )
    passphrase = PasswordField(
        "Passphrase",
        [InputRequired("Type your passphrase.")],
        description="Your six words: they sign the sealed list with your key.",
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
def load(study_id: str) -> tuple[str, int] | Response:
    """Load the list, once."""
    room = the_room()
    form = LoadForm(request.form)
    answered = attempt(form, lambda: _load(form, room))
    return answered or (_page(form, room), form.status)


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
    uploaded = request.files.get("table")
    data = uploaded.read() if uploaded else None
    if uploaded is None or not uploaded.filename or data is None:
        raise BadForm({"table": "Choose the file of the allocation table."})
    try:
        sealed_list.load(
            act(),
            room,
            data,
            rules_of(act().in_study.code),
            form.password.data,
            form.passphrase.data,
            form.not_live.data,
            pepper(),
        )
    except ListRefused as refused:
        raise BadForm({"table": refused.sentence}) from None
    return told(url_for("lit_list.page", study_id=act().in_study.id), "list_loaded")


def _page(form: LoadForm, room: OpenRoom | None) -> str:
    return render_template(
        "lit/list/load.html",
        page=frame("List"),
        lit=lit_frame(),
        form=form,
        blocked=sealed_list.ready_to_load(act()),
        room_open=room is not None,
        meaning=sealed_list.LOAD_MEANING,
        study_id=act().in_study.id,
    )


def _certificate() -> str:
    found = load_certificate.certificate(act())
    zone = ZoneInfo(studies.sites(act().uow.session, act().in_study.id)[0].zone)
    return render_template(
        "lit/list/certificate.html",
        page=frame("Load certificate"),
        lit=lit_frame(),
        certificate=found,
        loaded_at=format_moment(found.loaded_at, zone) if found.loaded_at else "",
        study_id=act().in_study.id,
    )
