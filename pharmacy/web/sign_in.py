"""The door: signing in and out, and choosing a password by a one-time link."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.errors import BadForm
from pharmacy.services import people, shares, sign_in
from pharmacy.services.sign_in import Door
from pharmacy.web import known_device
from pharmacy.web.access import ANY_SIGN_IN, cookie_name, door
from pharmacy.web.forms import PageForm, told
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint("sign_in", __name__)


class SignInForm(PageForm):
    """User name, password and, for whoever has set one up, the second factor."""

    user_name = StringField("User name", [InputRequired("Type your user name.")])
    password = PasswordField("Password", [InputRequired("Type your password.")])
    one_time_code = StringField(
        "Code from your authenticator",
        description="Six digits. Leave it empty if you have none.",
    )


class RecoverySignInForm(SignInForm):
    """The same with a recovery code, which a keypad for digits cannot type."""

    one_time_code = StringField(
        "Recovery code",
        [InputRequired("Type one of your recovery codes.")],
        description="One of the ten you wrote down. It works once.",
    )


class PasswordForm(PageForm):
    """A password only its person knows."""

    new_password = PasswordField(
        "New password",
        [InputRequired("Choose a password.")],
        description="At least 15 characters. A few unrelated words are easiest to keep.",
    )


class SetUpForm(PasswordForm):
    """The first administrator."""

    full_name = StringField(
        "Your name",
        [InputRequired("Type your name.")],
        description="As it stands beside signatures.",
    )
    user_name = StringField(
        "User name",
        [InputRequired("Choose a user name.")],
        description="Small letters, such as r.okafor.",
    )
    initials = StringField(
        "Initials", [InputRequired("Type your initials.")], description="Two to four letters."
    )


@blueprint.route("/sign-in", methods=["GET", "POST"])
@door(public=True)
def page() -> str | tuple[str, int] | Response:
    """Sign in with the password; the answer to a miss is the same for any reason."""
    if request.method == "GET" and current_user.is_authenticated:
        return redirect(url_for("home.page"), 303)
    recovery = request.args.get("with") == "recovery-code"
    form = (RecoverySignInForm if recovery else SignInForm)(request.form)
    if request.method == "POST" and form.validate():
        answer = _answer(form)
        g.uow.commit()
        if answer.token or answer.second_step:
            return let_in(answer, form.user_name.data)
        form.refusal = answer.sentence
    status = 400 if request.method == "POST" else 200
    shown = render_template(
        "sign_in/page.html", page=frame("Sign in"), form=form, recovery=recovery
    )
    return shown, status


def _answer(form: SignInForm) -> Door:
    """The password is compared first, in a share of its kind and with nothing locked."""
    typed = form.user_name.data, form.password.data, known_device.whence(form.user_name.data)
    known = known_device.is_known(typed[2])
    with (shares.KNOWN_DEVICES if known else shares.STRANGERS).taken():
        compared = sign_in.compare(house().units, house().surroundings, *typed)
    return sign_in.sign_in(
        g.uow,
        house().surroundings,
        *typed,
        code="" if "no_code" in request.form else form.one_time_code.data or "",
        instead_of=request.cookies.get(cookie_name(), ""),
        compared=compared,
    )


@blueprint.post("/sign-out")
@door(once=False, before_set_up=True, without=ANY_SIGN_IN)
def leave() -> Response:
    """End this sign-in and clear what the browser kept."""
    house().lock_room()
    sign_in.sign_out(g.uow, current_user.session)
    g.uow.commit()
    response = redirect(told(url_for("sign_in.page"), "signed_out"), 303)
    response.delete_cookie(
        cookie_name(), secure=house().secure_cookies, httponly=True, samesite="Strict"
    )
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.route("/set-up/<token>", methods=["GET", "POST"])
@door(public=True)
def set_up(token: str) -> str | tuple[str, int] | Response:
    """The one-time link that makes the first administrator."""
    people.person_of_link(g.uow, token)
    form = SetUpForm(request.form)
    if request.method == "POST" and form.validate():
        try:
            people.set_up(
                g.uow,
                house().surroundings,
                token,
                form.user_name.data,
                form.full_name.data,
                form.initials.data,
                form.new_password.data,
            )
            g.uow.commit()
            return redirect(told(url_for("sign_in.page"), "password_chosen"), 303)
        except BadForm as wrong:
            g.uow.rollback()
            form.say(wrong.errors)
    title = "Set up this installation"
    return render_template("sign_in/set_up.html", page=frame(title), form=form), form.status


@blueprint.route("/password/<token>", methods=["GET", "POST"])
@door(public=True)
def password(token: str) -> str | tuple[str, int] | Response:
    """The one-time link by which a person chooses the password; nobody else ever knows it."""
    person = people.person_of_link(g.uow, token)
    form = PasswordForm(request.form)
    if request.method == "POST" and form.validate():
        try:
            people.choose_password(g.uow, house().surroundings, token, form.new_password.data)
            g.uow.commit()
            return redirect(told(url_for("sign_in.page"), "password_chosen"), 303)
        except BadForm as wrong:
            g.uow.rollback()
            form.say(wrong.errors)
    shown = render_template(
        "sign_in/password.html", page=frame("Choose your password"), form=form, person=person
    )
    return shown, form.status


def let_in(answer: Door, user_name: str) -> Response:
    """Hand out the cookie of a session that has just begun, and go where its person arrives.

    After a whole sign-in the browser is known as one of this person's.
    """
    arrival = url_for("second_step.page") if answer.second_step else url_for("home.page")
    if answer.recovery_codes_left is not None:
        arrival = told(url_for("authenticators.page"), "recovery_code_used")
    response = give_cookie(redirect(arrival, 303), answer.token or answer.second_step)
    return known_device.remember(response, user_name) if answer.token else response


def give_cookie(response: Response, token: str) -> Response:
    """The cookie of a session that has just begun."""
    response.set_cookie(
        cookie_name(),
        token,
        secure=house().secure_cookies,
        httponly=True,
        samesite="Strict",
        path="/",
    )
    return response
