"""Renewing the study's keys, and taking them back from somebody: everything is sealed anew."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.unblinded import revoking, rotation
from pharmacy.unblinded.doorway import let_out, lit_frame, server_secrets, the_room
from pharmacy.unblinded.revoking import Revocable
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rotation import Asked
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_renewal", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/holders"
)


class RenewForm(PageForm):
    """Why, the own passphrase, and the signature."""

    reason = RadioField(
        "Why",
        [InputRequired("Choose why.")],
        choices=[SelectChoice(value, label) for value, label in rotation.REASONS.items()],
    )
    passphrase = PasswordField("Your passphrase", [InputRequired("Type your passphrase.")])
    password = PasswordField("Your password", [InputRequired("Type your password to sign.")])

    def asked(self) -> Asked:
        """What was typed."""
        return Asked(self.reason.data, self.password.data, self.passphrase.data)


@dataclass(frozen=True)
class Renewal:
    """What a page of this file shows: the heading, the signature's meaning, whose keys go."""

    title: str
    meaning: str
    button: str
    whose: Revocable | None


@blueprint.route("/renew", methods=["GET", "POST"])
@door(Permission.RENEW_KEYS, lit=True)
def renew(study_id: str) -> Response | tuple[str, int]:
    """New keys for everybody who holds some; the room locks."""
    room, form = the_room(), RenewForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _renew(form, room))
        if answered:
            return let_out(answered)
    shown = Renewal("Renew the keys", rotation.MEANING, "Sign and renew the keys", None)
    return _page(form, shown)


@blueprint.route("/<person_id>/revoke", methods=["GET", "POST"])
@door(Permission.RENEW_KEYS, lit=True)
def revoke(study_id: str, person_id: str) -> Response | tuple[str, int]:
    """New keys for everybody but one person; the room locks."""
    room, form = the_room(), RenewForm(request.form)
    whose = revoking.revocable(act(), person_id)
    if request.method == "POST":
        answered = attempt(form, lambda: _revoke(form, room, person_id))
        if answered:
            return let_out(answered)
    name = whose.person.full_name
    shown = Renewal(
        f"Take the keys back from {name}", rotation.MEANING, f"Sign and revoke {name}", whose
    )
    return _page(form, shown)


def _renew(form: RenewForm, room: OpenRoom) -> str:
    rotation.rotate(act(), room, form.asked(), server_secrets())
    return told(url_for("lit_room.open_page", study_id=act().in_study.id), "keys_renewed")


def _revoke(form: RenewForm, room: OpenRoom, person_id: str) -> str:
    study_id = act().in_study.id
    one = revoking.revoke(act(), room, person_id, form.asked(), server_secrets())
    if one.recovery is None:
        return told(url_for("lit_room.open_page", study_id=study_id), "keys_revoked")
    then = urlencode({"next": url_for("lit_recovery.page", study_id=study_id)})
    return f"{told(url_for('lit_room.open_page', study_id=study_id), 'sheets_needed')}&{then}"


def _page(form: RenewForm, shown: Renewal) -> tuple[str, int]:
    body = render_template(
        "lit/renewal/page.html",
        page=frame(shown.title),
        lit=lit_frame(),
        form=form,
        shown=shown,
        study_id=act().in_study.id,
    )
    return body, form.status
