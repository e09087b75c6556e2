"""Recovery: where the sheets lie, whether they are whole, what is due, and new sheets."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from pharmacy.domain.roles import Permission
from pharmacy.services.study_time import study_moment
from pharmacy.unblinded import (
    break_key_rotation,
    recovery_custody,
    recovery_reissue,
    server_secrets,
)
from pharmacy.unblinded.doorway import lit_frame, operation_id, the_room
from pharmacy.unblinded.doorway import server_secrets as configured
from pharmacy.unblinded.granting import granted
from pharmacy.unblinded.recovery_halves import RecoverySheets
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.views.recovery_sheets import show_sheets
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint(
    "lit_recovery", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/recovery"
)


class PassphraseForm(PageForm):
    """The holder's own passphrase."""

    passphrase = PasswordField("Your passphrase", [InputRequired("Type your passphrase.")])


class RenewForm(PageForm):
    """The same, of a second form on the page."""

    passphrase = PasswordField(
        "Your passphrase", [InputRequired("Type your passphrase.")], id="renew-passphrase"
    )


class PlaceForm(PageForm):
    """Who keeps a sheet, where, under which seal."""

    custodian = StringField(
        "Custodian", [InputRequired("Type the name."), Length(max=120)], description="Full name."
    )
    place = StringField(
        "Place",
        [InputRequired("Type the place."), Length(max=120)],
        description="Building, room and safe. The other pair lies in another building.",
    )
    seal = StringField(
        "Seal number",
        [InputRequired("Type the number of the seal."), Length(max=40)],
        description="As it is printed on the seal of the envelope.",
    )
    unblinded = BooleanField("The custodian is unblinded or no part of this study")
    password = PasswordField("Password", [InputRequired("Type your password.")])


class CheckForm(PageForm):
    """What is read from the outside of an envelope."""

    whole = RadioField(
        "The envelope and its seal",
        [InputRequired("Choose one.")],
        choices=[
            SelectChoice("yes", "Whole"),
            SelectChoice("no", "Broken, opened, exchanged or not to be found"),
        ],
        validate_choice=False,
    )
    seal = StringField("Seal number", [Optional(), Length(max=40)])
    check = StringField(
        "Check words",
        [Optional(), Length(max=80)],
        description="The two words outside, as you read or hear them. Nothing is opened.",
    )
    password = PasswordField("Password", [InputRequired("Type your password.")])


@blueprint.get("")
@door(Permission.KEEP_RECOVERY, lit=True)
def page(study_id: str) -> str:
    """The four sheets and what is due."""
    return _page(PassphraseForm())


@blueprint.post("/reissue")
@door(Permission.KEEP_RECOVERY, lit=True)
def reissue(study_id: str) -> str | tuple[str, int] | Response:
    """Another recovery key and its sheets; the old ones are void."""
    form, made = PassphraseForm(request.form), []

    def run() -> str:
        made.append(recovery_reissue.reissue(act(), form.passphrase.data, configured()))
        return url_for("lit_recovery.page", study_id=act().in_study.id)

    if attempt(form, run) is None:
        return _page(form), form.status
    sheets: RecoverySheets = made[0]
    return show_sheets(sheets, url_for("lit_recovery.page", study_id=study_id))


@blueprint.post("/renew")
@door(Permission.KEEP_RECOVERY, lit=True)
def renew(study_id: str) -> str | tuple[str, int] | Response:
    """Renew what hangs on the server's secrets after one was changed."""
    room, form = the_room(), RenewForm(request.form)
    answered = attempt(form, lambda: _renew(form, room))
    return answered or (_page(PassphraseForm(), form), form.status)


@blueprint.route("/sheets/<name>", methods=["GET", "POST"])
@door(Permission.KEEP_RECOVERY, lit=True)
def place(study_id: str, name: str) -> tuple[str, int] | Response:
    """Record who keeps a sheet, where, and under which seal."""
    room, form = the_room(), PlaceForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _place(form, room, name))
        if answered:
            return answered
    return _sheet_page("place", "Where sheet {} lies", form, name), form.status


@blueprint.route("/sheets/<name>/check", methods=["GET", "POST"])
@door(Permission.KEEP_RECOVERY, lit=True)
def check(study_id: str, name: str) -> tuple[str, int] | Response:
    """The quarterly look at an envelope."""
    room, form = the_room(), CheckForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _check(form, room, name))
        if answered:
            house().post_notices()
            return answered
    return _sheet_page("check", "Check sheet {}", form, name), form.status


def _renew(form: RenewForm, room: OpenRoom) -> str:
    break_key_rotation.renew(act(), room, form.passphrase.data, configured())
    return told(url_for("lit_recovery.page", study_id=act().in_study.id), "secrets_renewed")


def _place(form: PlaceForm, room: OpenRoom, name: str) -> str:
    recovery_custody.record_place(
        act(),
        room,
        name,
        form.custodian.data,
        form.place.data,
        form.seal.data,
        form.unblinded.data,
        form.password.data,
    )
    return told(url_for("lit_recovery.page", study_id=act().in_study.id), "sheet_placed")


def _check(form: CheckForm, room: OpenRoom, name: str) -> str:
    recovery_custody.record_check(
        act(),
        room,
        name,
        form.whole.data == "yes",
        form.seal.data or "",
        form.check.data or "",
        form.password.data,
        operation_id(),
    )
    return told(url_for("lit_recovery.page", study_id=act().in_study.id), "sheet_checked")


def _page(form: PassphraseForm, renewing: RenewForm | None = None) -> str:
    facts = recovery_custody.recovery_facts(act())
    return render_template(
        "lit/recovery/page.html",
        page=frame("Recovery"),
        lit=lit_frame(),
        form=form,
        renewing=renewing or RenewForm(),
        facts=facts,
        drill_due=study_moment(act(), facts.drill_due),
        rows=[(sheet, study_moment(act(), sheet.seen_at)) for sheet in facts.sheets],
        may_reissue=recovery_reissue.may_reissue(act()),
        holds=bool(granted(act(), act().person.id)),
        secrets_sealed=server_secrets.are_sealed(act(), configured()),
        left=[one.who for one in break_key_rotation.left(act(), configured())],
        study_id=act().in_study.id,
    )


def _sheet_page(template: str, title: str, form: PageForm, name: str) -> str:
    sheet = recovery_custody.sheet_of(act(), name)
    return render_template(
        f"lit/recovery/{template}.html",
        page=frame(title.format(name)),
        lit=lit_frame(),
        form=form,
        sheet=sheet,
        number=recovery_custody.recovery_facts(act()).number,
        placed_meaning=recovery_custody.PLACED_MEANING,
        checked_meaning=recovery_custody.CHECKED_MEANING,
        study_id=act().in_study.id,
    )
