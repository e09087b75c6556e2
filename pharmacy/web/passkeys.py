"""One's own passkeys: making one with the browser, naming it, removing it."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired

from pharmacy.services import passkeys, second_factor
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint("passkeys", __name__)

_NO_ANSWER = "The browser made no passkey. Press the button and follow what the browser says."


class MakeForm(PageForm):
    """A name for the new one, the password, and what the browser made."""

    name = StringField(
        "Name of this passkey",
        [InputRequired("Give it a name, such as the device it lies on.")],
        description="The device it lies on, such as: work computer, blue key.",
    )
    password = PasswordField("Your password", [InputRequired("Type your password.")])
    passkey = HiddenField(validators=[InputRequired(_NO_ANSWER)])


class RemoveForm(PageForm):
    """The password: an open browser alone takes no second factor away."""

    password = PasswordField("Your password", [InputRequired("Type your password.")])


class PutOffForm(PageForm):
    """Not now."""


@blueprint.route("/account/passkeys", methods=["GET", "POST"])
@door()
def page() -> str | tuple[str, int] | Response:
    """The passkeys there are, and making another."""
    form = MakeForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _make(form))
        if answered:
            return answered
        form.refusal = form.refusal or " ".join(form.passkey.errors)
        form.passkey.errors = []
    session = current_user.session
    shown = render_template(
        "passkeys/page.html",
        page=frame("Your passkeys"),
        form=form,
        listed=passkeys.listed(act()),
        options=passkeys.to_make(act(), session),
        asked=passkeys.is_asked(act(), session),
        has_authenticator=second_factor.is_set_up(act().uow, act().person.id),
    )
    return shown, form.status


@blueprint.post("/account/passkeys/not-now")
@door()
def put_off() -> Response:
    """Not now; on to the work."""
    answered = attempt(PutOffForm(), _put_off)
    return answered or redirect(url_for("home.page"), 303)


@blueprint.route("/account/passkeys/<passkey_id>/remove", methods=["GET", "POST"])
@door()
def remove(passkey_id: str) -> str | tuple[str, int] | Response:
    """Remove one, after saying what that does."""
    form = RemoveForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _remove(form, passkey_id))
        if answered:
            return answered
    found = passkeys.one(act(), passkey_id)
    shown = render_template(
        "passkeys/remove.html", page=frame(f"Remove {found.name}"), form=form, found=found
    )
    return shown, form.status


def _make(form: MakeForm) -> str:
    passkeys.make(
        act(), current_user.session, form.name.data, form.passkey.data, form.password.data
    )
    return told(url_for("passkeys.page"), "passkey_made")


def _put_off() -> str:
    passkeys.put_off(act(), current_user.session)
    return url_for("home.page")


def _remove(form: RemoveForm, passkey_id: str) -> str:
    passkeys.remove(act(), current_user.session, passkey_id, form.password.data)
    return told(url_for("passkeys.page"), "passkey_removed")
