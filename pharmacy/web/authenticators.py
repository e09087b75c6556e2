"""Setting up one's authenticator, its recovery codes, and the link for a new one."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from labels.key_symbol import key_symbol
from pharmacy.services import authenticator_reset, authenticator_setup
from pharmacy.web import known_device
from pharmacy.web.access import act, cookie_name, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house
from pharmacy.web.second_step import breakable
from pharmacy.web.sign_in import let_in

blueprint = Blueprint("authenticators", __name__)


class SetUpForm(PageForm):
    """A first code of the key that the page shows."""

    one_time_code = StringField(
        "Code the app shows now",
        [InputRequired("Type the six digits that the app shows.")],
        description="Six digits.",
    )


class ReplaceForm(SetUpForm):
    """The same, and who it is: the password and the present second factor."""

    present_code = StringField(
        "Code from your present authenticator",
        [InputRequired("Type a code of your present authenticator, or a recovery code.")],
        description="Six digits, or one of your recovery codes.",
    )
    password = PasswordField("Your password", [InputRequired("Type your password.")])


class KeptForm(PageForm):
    """The codes are written down."""


class LinkForm(PageForm):
    """The password, beside the link."""

    password = PasswordField("Password", [InputRequired("Type your password.")])


@blueprint.route("/account/authenticator", methods=["GET", "POST"])
@door(before_set_up=True)
def page() -> str | tuple[str, int] | Response:
    """Scan the key, show a code of it."""
    set_up = authenticator_setup.to_set_up(act(), current_user.session)
    form = (ReplaceForm if set_up.replaces else SetUpForm)(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _set_up(form))
        if answered:
            return answered
    title = "Set up another authenticator" if set_up.replaces else "Set up your authenticator"
    shown = render_template(
        "authenticators/page.html",
        page=frame(title),
        form=form,
        set_up=set_up,
        symbol=key_symbol(set_up.address),
        breakable=() if set_up.replaces else breakable(),
    )
    return shown, form.status


@blueprint.route("/account/recovery-codes", methods=["GET", "POST"])
@door()
def recovery_codes() -> str | tuple[str, int] | Response:
    """The ten codes, until they are kept."""
    form = KeptForm(request.form)
    if request.method == "POST":
        answered = attempt(form, _kept)
        if answered:
            return answered
    codes = authenticator_setup.recovery_codes(act(), current_user.session)
    title = "Your recovery codes"
    shown = render_template("authenticators/recovery_codes.html", page=frame(title), codes=codes)
    return shown, form.status


@blueprint.route("/new-authenticator/<token>", methods=["GET", "POST"])
@door(public=True)
def link(token: str) -> str | tuple[str, int] | Response:
    """The link that an administrator handed over: with the password it leads to setting up."""
    person = authenticator_reset.person_of_link(g.uow, token)
    form = LinkForm(request.form)
    if request.method == "POST" and form.validate():
        answer = authenticator_reset.enter(
            g.uow,
            house().surroundings,
            token,
            form.password.data,
            known_device.whence(person.user_name),
            instead_of=request.cookies.get(cookie_name(), ""),
        )
        g.uow.commit()
        if answer.token:
            return let_in(answer, person.user_name)
        form.refusal = answer.sentence
    shown = render_template(
        "authenticators/link.html",
        page=frame("Set up a new authenticator"),
        form=form,
        person=person,
    )
    return shown, 400 if request.method == "POST" else 200


def _set_up(form: SetUpForm) -> str:
    again = (form.password.data, form.present_code.data) if isinstance(form, ReplaceForm) else ()
    authenticator_setup.set_up(act(), current_user.session, form.one_time_code.data, *again)
    return url_for("authenticators.recovery_codes")


def _kept() -> str:
    authenticator_setup.keep_recovery_codes(act())
    return told(url_for("home.page"), "second_factor_ready")
