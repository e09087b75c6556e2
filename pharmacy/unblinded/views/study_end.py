"""The end of a study: confirming the lock, unblinding, the list, closing, the archive."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import HiddenField, PasswordField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission, may
from pharmacy.domain.stages import StudyStage
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.unblinded import archive, list_export, study_end
from pharmacy.unblinded.doorway import lit_frame, operation_id, pepper, room_if_open, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_study_end",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/study-end",
)


class AskForm(PageForm):
    """The first signature."""

    stage = HiddenField()
    password = PasswordField("Password", [InputRequired("Type your password to sign.")])


class ConfirmForm(AskForm):
    """The second signature, with the passphrase."""

    passphrase = PasswordField("Passphrase", [InputRequired("Type your passphrase.")])


class SignForm(PageForm):
    """The passphrase: it opens the key that signs."""

    passphrase = PasswordField("Passphrase", [InputRequired("Type your passphrase.")])


class EmptyForm(PageForm):
    """A press of a button."""


@blueprint.get("")
@door(Permission.END_STUDY, lit=True)
def page(study_id: str) -> str:
    """Where the study stands, and the step that is next."""
    return _page(PageForm(), room_if_open())


@blueprint.post("/ask")
@door(Permission.END_STUDY, lit=True)
def ask(study_id: str) -> tuple[str, int] | Response:
    """Ask for the next step."""
    room, form = the_room(), AskForm(request.form)
    answered = attempt(form, lambda: _ask(form, room))
    return answered or (_page(form, room), form.status)


@blueprint.post("/confirm")
@door(Permission.END_STUDY, lit=True)
def confirm(study_id: str) -> tuple[str, int] | Response:
    """Confirm it."""
    room, form = the_room(), ConfirmForm(request.form)
    answered = attempt(form, lambda: _confirm(form, room))
    return answered or (_page(form, room), form.status)


@blueprint.post("/list.zip")
@door(Permission.LOAD_LIST, lit=True)
def list_file(study_id: str) -> tuple[str, int] | Response:
    """The list with its proof, once for each form, after both trails say so."""
    return _handed_out(list_export.export, "allocation-list.zip")


@blueprint.post("/sign")
@door(Permission.END_STUDY, lit=True)
def sign(study_id: str) -> tuple[str, int] | Response:
    """Sign the archive."""
    room, form = the_room(), SignForm(request.form)
    answered = attempt(form, lambda: _sign(form, room))
    return answered or (_page(form, room), form.status)


@blueprint.post("/archive.zip")
@door(Permission.END_STUDY, lit=True)
def archive_file(study_id: str) -> tuple[str, int] | Response:
    """The signed archive."""
    return _handed_out(archive.archive, "study-archive.zip")


def _ask(form: AskForm, room: OpenRoom) -> str:
    study_end.ask(act(), room, _stage(form), form.password.data)
    return told(url_for("lit_study_end.page", study_id=act().in_study.id), "stage_asked")


def _confirm(form: ConfirmForm, room: OpenRoom) -> str:
    study_end.confirm(act(), room, _stage(form), form.password.data, form.passphrase.data, pepper())
    return told(url_for("lit_study_end.page", study_id=act().in_study.id), "stage_confirmed")


def _sign(form: SignForm, room: OpenRoom) -> str:
    archive.sign_archive(act(), room, form.passphrase.data, operation_id(), pepper())
    return told(url_for("lit_study_end.page", study_id=act().in_study.id), "archive_signed")


def _stage(form: AskForm) -> StudyStage:
    return stages.stage_named(form.stage.data or "")


def _handed_out(
    make: Callable[[Act, OpenRoom, str], bytes], name: str
) -> tuple[str, int] | Response:
    """A file that is made in memory, once its opening is committed."""
    room, form, made = the_room(), EmptyForm(request.form), []

    def run() -> str:
        made.append(make(act(), room, operation_id()))
        return url_for("lit_study_end.page", study_id=act().in_study.id)

    if attempt(form, run) is None:
        return _page(form, room), form.status
    kept = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(made[0], mimetype="application/zip", headers=kept)


def _page(form: PageForm, room: OpenRoom | None) -> str:
    acting = act()
    found = stages.page(acting)
    return render_template(
        "lit/study_end/page.html",
        page=frame("Study end"),
        lit=lit_frame(),
        found=found,
        form=form,
        ask_form=form if type(form) is AskForm else AskForm(),
        confirm_form=form if isinstance(form, ConfirmForm) else ConfirmForm(),
        sign_form=form if isinstance(form, SignForm) else SignForm(),
        signers=archive.signers(acting),
        mine=stages.asked_by_me(acting),
        may_list=may(acting.roles, Permission.LOAD_LIST),
        ask_meanings=stages.ASK_MEANINGS,
        confirm_meanings=stages.CONFIRM_MEANINGS,
        room_open=room is not None,
        study_id=acting.in_study.id,
    )
