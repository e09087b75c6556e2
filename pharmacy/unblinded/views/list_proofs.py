"""What proves a loaded list: made again from its seed, and the opening of its commitment."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.unblinded import list_derivation, list_opening, load_certificate, sealed_list
from pharmacy.unblinded.doorway import lit_frame, operation_id, pepper, room_if_open, the_room
from pharmacy.unblinded.list_parts import FIRST
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.views.bench_forms import choices
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_list_proof", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/list"
)


class DeriveForm(PageForm):
    """The maker's passphrase: it opens the seed."""

    passphrase = PasswordField(
        "Passphrase",
        [InputRequired("Type your passphrase.")],
        description="Your six words: they open the seed, which is sealed to you alone.",
    )


class RevealForm(PageForm):
    """Why, and the passphrase."""

    reason = SelectField(
        "Reason",
        [InputRequired("Choose why the opening is revealed.")],
        choices=choices("Choose a reason", list_opening.REASONS.items()),
        validate_choice=False,
        description="Everybody who reads the audit trail may read it.",
    )
    passphrase = PasswordField("Passphrase", [InputRequired("Type your passphrase.")])


@blueprint.get("/derive", defaults={"part": FIRST})
@blueprint.get("/parts/<int:part>/derive")
@door(Permission.LOAD_LIST, lit=True)
def derive_page(study_id: str, part: int) -> str:
    """What making a part of the list again does, and its form."""
    return _derive_page(DeriveForm(), room_if_open(), part)


@blueprint.post("/derive", defaults={"part": FIRST})
@blueprint.post("/parts/<int:part>/derive")
@door(Permission.LOAD_LIST, lit=True)
def derive(study_id: str, part: int) -> tuple[str, int] | Response:
    """Make the list again from its seed and compare; the rows are never shown."""
    room = the_room()
    form, same = DeriveForm(request.form), []
    answered = attempt(form, lambda: _derive(form, room, same, part))
    if answered and same == [False]:
        form.refusal, form.status = list_derivation.DIFFERS, 409
        answered = None
    return answered or (_derive_page(form, room, part), form.status)


@blueprint.get("/opening", defaults={"part": FIRST})
@blueprint.get("/parts/<int:part>/opening")
@door(Permission.LOAD_LIST, lit=True)
def opening_page(study_id: str, part: int) -> str:
    """What revealing a part's opening means, and its form where it is allowed."""
    return _opening_page(RevealForm(), room_if_open(), part)


@blueprint.post("/opening", defaults={"part": FIRST})
@blueprint.post("/parts/<int:part>/opening")
@door(Permission.LOAD_LIST, lit=True)
def reveal(study_id: str, part: int) -> str | tuple[str, int]:
    """Show the opening, once for each form: it is written down first and kept on no page."""
    room = the_room()
    form, shown = RevealForm(request.form), []
    if attempt(form, lambda: _reveal(form, room, shown, part)) is None:
        return _opening_page(form, room, part), form.status
    return render_template(
        "lit/list/opening_shown.html",
        page=frame("The opening"),
        lit=lit_frame(),
        opening=shown[0],
        back=_certificate_of(part),
        study=act().in_study,
        study_id=act().in_study.id,
    )


def _derive(form: DeriveForm, room: OpenRoom, same: list[bool], part: int) -> str:
    rules = sealed_list.rules_for(act())
    same.append(
        list_derivation.derive_again(
            act(), room, rules, form.passphrase.data, operation_id(), pepper(), part
        )
    )
    return told(_certificate_of(part), "list_derived")


def _reveal(form: RevealForm, room: OpenRoom, shown: list[str], part: int) -> str:
    said = list_opening.reveal_opening(
        act(), room, form.reason.data, form.passphrase.data, operation_id(), pepper(), part
    )
    shown.append(said)
    return _certificate_of(part)


def _certificate_of(part: int) -> str:
    """The page of a part's certificate; that of the first part is the list's own."""
    if part == FIRST:
        return url_for("lit_list.page", study_id=act().in_study.id)
    return url_for("lit_list.part_page", study_id=act().in_study.id, part=part)


def _derive_page(form: DeriveForm, room: OpenRoom | None, part: int) -> str:
    return render_template(
        "lit/list/derive.html",
        page=frame("Derive the list again"),
        lit=lit_frame(),
        form=form,
        commitment=load_certificate.commitment_of(act(), part),
        refused=list_derivation.why_not(act(), part),
        part=part,
        back=_certificate_of(part),
        room_open=room is not None,
        study_id=act().in_study.id,
    )


def _opening_page(form: RevealForm, room: OpenRoom | None, part: int) -> str:
    return render_template(
        "lit/list/opening.html",
        page=frame("Reveal the opening"),
        lit=lit_frame(),
        form=form,
        refused=list_opening.why_not(act()),
        part=part,
        back=_certificate_of(part),
        room_open=room is not None,
        study_id=act().in_study.id,
    )
