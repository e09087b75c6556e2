"""An investigator's keys: another passphrase, and other keys when it is forgotten."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from pharmacy.domain.roles import Permission
from pharmacy.unblinded import rekeying
from pharmacy.unblinded.code_break import own_keys
from pharmacy.unblinded.code_break.views import blueprint
from pharmacy.unblinded.doorway import pepper
from pharmacy.unblinded.passphrase_forms import ChangeForm, GiveUpForm, NewWordsForm
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame


@blueprint.get("/keys/passphrase")
@door(Permission.BREAK_CODE)
def passphrase(study_id: str) -> str:
    """Where a change of one's own passphrase stands."""
    return _page(PageForm())


@blueprint.post("/keys/passphrase/show")
@door(Permission.BREAK_CODE, once=False)
def change_passphrase(study_id: str) -> str | tuple[str, int]:
    """Type the old passphrase and be shown a new one, once."""
    form, words = ChangeForm(request.form), []

    def run() -> str:
        pressed = Permission.BREAK_CODE
        words.append(rekeying.begin_change(act(), form.passphrase.data, pepper(), pressed))
        return url_for("code_break.passphrase", study_id=act().in_study.id)

    if attempt(form, run) is None:
        return _page(form), form.status
    return render_template(
        "break/passphrase.html",
        page=frame("Your new passphrase"),
        words=words[0].split(),
        go_on_url=url_for("code_break.passphrase", study_id=study_id),
        study_id=study_id,
    )


@blueprint.post("/keys/passphrase/confirm")
@door(Permission.BREAK_CODE)
def confirm_change(study_id: str) -> tuple[str, int] | Response:
    """Type the new passphrase back; only then it counts."""
    form = NewWordsForm(request.form)
    answered = attempt(form, lambda: _confirm(form))
    return answered or (_page(form), form.status)


@blueprint.route("/keys/forgotten", methods=["GET", "POST"])
@door(Permission.BREAK_CODE)
def give_up_keys(study_id: str) -> tuple[str, int] | Response:
    """Give up keys that nobody can open any more."""
    form = GiveUpForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _give_up(form))
        if answered:
            return answered
    body = render_template(
        "break/forgotten.html",
        page=frame("A forgotten passphrase"),
        form=form,
        phone=own_keys.pharmacy_phone(act()),
        study_id=study_id,
    )
    return body, form.status


def _confirm(form: NewWordsForm) -> str:
    session_id = str(current_user.session.id)
    words = form.passphrase.data
    rekeying.confirm_change(act(), words, pepper(), session_id, Permission.BREAK_CODE)
    return told(url_for("code_break.keys", study_id=act().in_study.id), "passphrase_changed")


def _give_up(form: GiveUpForm) -> str:
    password, read = form.password.data, form.understood.data
    rekeying.give_up_keys(act(), password, read, Permission.BREAK_CODE)
    return told(url_for("code_break.keys", study_id=act().in_study.id), "keys_given_up")


def _page(form: PageForm) -> str:
    return render_template(
        "break/change.html",
        page=frame("Change your passphrase"),
        form=form,
        asking=form if isinstance(form, ChangeForm) else ChangeForm(),
        confirming=form if isinstance(form, NewWordsForm) else NewWordsForm(),
        changing=rekeying.is_changing(act()),
        study_id=act().in_study.id,
    )
