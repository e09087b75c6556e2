"""The second step of signing in: the password was right, and something more is asked."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import StringField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.services import passkey_proof, second_factor, second_step
from pharmacy.web import known_device
from pharmacy.web.access import ANY_SIGN_IN, act, door
from pharmacy.web.forms import PageForm
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house
from pharmacy.web.sign_in import give_cookie, let_in

blueprint = Blueprint("second_step", __name__)


class CodeForm(PageForm):
    """A code of the authenticator."""

    one_time_code = StringField(
        "Code from your authenticator",
        [InputRequired("Type the six digits that the app shows.")],
        description="Six digits.",
    )


class RecoveryCodeForm(PageForm):
    """A recovery code, which a keypad for digits cannot type."""

    one_time_code = StringField(
        "Recovery code",
        [InputRequired("Type one of your recovery codes.")],
        description="One of the ten you wrote down. It works once.",
    )


@blueprint.route("/sign-in/second-step", methods=["GET", "POST"])
@door(once=False, before_set_up=True, without=ANY_SIGN_IN)
def page() -> str | tuple[str, int] | Response:
    """Ask for the second factor; who has none at hand reads what can be done."""
    if current_user.session.limited_to is None:
        return redirect(url_for("home.page"), 303)
    recovery = request.args.get("with") == "recovery-code"
    form = (RecoveryCodeForm if recovery else CodeForm)(request.form)
    passkey = request.form.get("passkey", "")
    if request.method == "POST" and (passkey or form.validate()):
        user_name = current_user.person.user_name
        answer = second_step.finish(
            g.uow,
            house().surroundings,
            current_user.session,
            current_user.person,
            known_device.whence(user_name),
            code=form.one_time_code.data or "",
            passkey=passkey,
        )
        g.uow.commit()
        if answer.token:
            return let_in(answer, user_name)
        form.refusal = answer.sentence
    shown = render_template(
        "second_step/page.html",
        page=frame("One more step"),
        form=form,
        recovery=recovery,
        passkey_options=passkey_proof.to_show(
            g.uow, house().surroundings, current_user.session, current_user.person
        ),
        is_set_up=second_factor.is_set_up(g.uow, current_user.person.id),
        breakable=breakable(),
        limit=current_user.session.limited_to,
    )
    return shown, 400 if request.method == "POST" else 200


@blueprint.post("/sign-in/break/<study_id>")
@door(Permission.BREAK_CODE, once=False, before_set_up=True, without=ANY_SIGN_IN)
def to_break(study_id: str) -> Response:
    """No code at hand, and one to break: on with the password alone, and no further than that."""
    there = redirect(url_for(house().break_door or "second_step.page", study_id=study_id), 303)
    if current_user.session.limited_to is None:
        return there
    token = second_step.to_break(act(), current_user.session)
    g.uow.commit()
    return give_cookie(there, token)


def breakable() -> list[tuple[str, str]]:
    """The studies in which the signed-in person may break a code here: id and code."""
    if not house().break_door:
        return []
    found = second_step.breakable(g.uow, current_user.person)
    return [(one.study_id, one.code) for one in found]
