"""Holders: the statistician founds the study's keys, and every holder enrols others."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import ROLES, Permission, may
from pharmacy.unblinded import founding, granting, sealed_list, versions
from pharmacy.unblinded.doorway import lit_frame, pepper, server_secrets
from pharmacy.unblinded.granting import Holder
from pharmacy.unblinded.standing import standing
from pharmacy.unblinded.views.recovery_sheets import show_sheets
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_holders", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/holders"
)


class PassphraseForm(PageForm):
    """The acting person's own passphrase."""

    passphrase = PasswordField("Your passphrase", [InputRequired("Type your passphrase.")])


class GrantForm(PassphraseForm):
    """The words as they were heard, and the own passphrase."""

    words = StringField(
        "The six words you hear",
        [InputRequired("Type the six words that this person reads to you.")],
        description="They are not shown here: what you type is what you heard.",
    )


@blueprint.get("")
@door(Permission.ENROL_HOLDERS, lit=True)
def page(study_id: str) -> str:
    """Who holds which keys, and what is missing."""
    return _page(PassphraseForm())


@blueprint.post("/found")
@door(Permission.LOAD_LIST, lit=True)
def found(study_id: str) -> str | tuple[str, int] | Response:
    """Make the study's keys, once, and show the four recovery sheets."""
    form, sheets = PassphraseForm(request.form), []

    def run() -> str:
        sheets.append(founding.found(act(), form.passphrase.data, server_secrets()))
        return url_for("lit_holders.page", study_id=act().in_study.id)

    if attempt(form, run) is None:
        return _page(form), form.status
    return show_sheets(sheets[0], url_for("lit_holders.page", study_id=study_id))


@blueprint.route("/<person_id>", methods=["GET", "POST"])
@door(Permission.ENROL_HOLDERS, lit=True)
def grant(study_id: str, person_id: str) -> str | tuple[str, int] | Response:
    """Enrol one person after their six words were heard."""
    form = GrantForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _grant(form, person_id))
        if answered:
            return answered
    return _grant_page(form, granting.holder(act(), person_id)), form.status


def _grant(form: GrantForm, person_id: str) -> str:
    granting.grant(act(), person_id, form.words.data, form.passphrase.data, pepper())
    return told(url_for("lit_holders.page", study_id=act().in_study.id), "holder_enrolled")


def _page(form: PassphraseForm) -> str:
    made = versions.study_keys(act())
    everybody = granting.holders(act())
    return render_template(
        "lit/holders/page.html",
        page=frame("Holders"),
        lit=lit_frame(),
        form=form,
        standing=standing(act()),
        founded=made is not None,
        version=made.version if made else 0,
        may_found=may(act().roles, Permission.LOAD_LIST),
        may_renew=may(act().roles, Permission.RENEW_KEYS),
        my_id=act().person.id,
        rows=[(one, _titles(one), one.status) for one in everybody],
        blocked=sealed_list.ready_to_load(act()),
        study_id=act().in_study.id,
    )


def _grant_page(form: GrantForm, holder: Holder) -> str:
    return render_template(
        "lit/holders/grant.html",
        page=frame(f"Enrol {holder.person.full_name}"),
        lit=lit_frame(),
        form=form,
        holder=holder,
        titles=_titles(holder),
        study_id=act().in_study.id,
    )


def _titles(holder: Holder) -> str:
    return ", ".join(ROLES[role].title for role in sorted(holder.roles))
