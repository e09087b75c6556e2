"""Your keys: another passphrase, and other keys when the passphrase is forgotten."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from pharmacy.domain.roles import Permission
from pharmacy.unblinded import rekeying
from pharmacy.unblinded.doorway import lit_frame, pepper, session_id
from pharmacy.unblinded.passphrase_forms import ChangeForm, GiveUpForm, NewWordsForm
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_passphrase", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/keys"
)


@blueprint.route("/passphrase", methods=["GET", "POST"])
@door(Permission.ENTER_LIT_ROOM, lit=True)
def change(study_id: str) -> str | tuple[str, int] | Response:
    """Type the old passphrase and be shown a new one, once."""
    if request.method == "GET":
        return _page(PageForm())
    form, words = ChangeForm(request.form), []

    def run() -> str:
        words.append(rekeying.begin_change(act(), form.passphrase.data, pepper()))
        return url_for("lit_passphrase.change", study_id=act().in_study.id)

    if attempt(form, run) is None:
        return _page(form), form.status
    return render_template(
        "lit/keys/passphrase.html",
        page=frame("Your new passphrase"),
        lit=lit_frame(),
        words=words[0].split(),
        go_on_url=url_for("lit_passphrase.change", study_id=study_id),
        study_id=study_id,
    )


@blueprint.post("/passphrase/confirm")
@door(Permission.ENTER_LIT_ROOM, lit=True)
def confirm(study_id: str) -> tuple[str, int] | Response:
    """Type the new passphrase back; only then it counts."""
    form = NewWordsForm(request.form)
    answered = attempt(form, lambda: _confirm(form))
    return answered or (_page(form), form.status)


@blueprint.route("/forgotten", methods=["GET", "POST"])
@door(Permission.ENTER_LIT_ROOM, lit=True)
def give_up(study_id: str) -> tuple[str, int] | Response:
    """Give up keys that nobody can open any more."""
    form = GiveUpForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _give_up(form))
        if answered:
            return answered
    body = render_template(
        "lit/keys/forgotten.html",
        page=frame("A forgotten passphrase"),
        lit=lit_frame(),
        form=form,
        study_id=study_id,
    )
    return body, form.status


def _confirm(form: NewWordsForm) -> str:
    rekeying.confirm_change(act(), form.passphrase.data, pepper(), session_id())
    return told(url_for("lit_keys.page", study_id=act().in_study.id), "passphrase_changed")


def _give_up(form: GiveUpForm) -> str:
    rekeying.give_up_keys(act(), form.password.data, form.understood.data)
    return told(url_for("lit_keys.page", study_id=act().in_study.id), "keys_given_up")


def _page(form: PageForm) -> str:
    return render_template(
        "lit/keys/change.html",
        page=frame("Change your passphrase"),
        lit=lit_frame(),
        form=form,
        asking=form if isinstance(form, ChangeForm) else ChangeForm(),
        confirming=form if isinstance(form, NewWordsForm) else NewWordsForm(),
        changing=rekeying.is_changing(act()),
        study_id=act().in_study.id,
    )
