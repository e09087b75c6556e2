"""The administrator's pages for accounts: people, their one-time links, their roles, leaving.

A one-time link is shown in the answer to the form that made it and nowhere else: it is in no
location, no table and no log. So these three forms keep no answer for a repetition; a person sent
twice is refused by the user name, and of two links made the last one shown is the one that works.
"""

from __future__ import annotations

from flask import Blueprint, g, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectMultipleField, StringField
from wtforms.validators import InputRequired

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission, Role
from pharmacy.services import accounts, authenticator_reset, people
from pharmacy.services.accounts import Offer
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint("people", __name__)

_REASONS = (
    "Left the study team",
    "Duties changed",
    "The account was a mistake",
    "Misuse is suspected",
)


class PersonForm(PageForm):
    """A new person."""

    full_name = StringField(
        "Name",
        [InputRequired("Type the name.")],
        description="As it is to stand beside signatures.",
    )
    user_name = StringField(
        "User name",
        [InputRequired("Choose a user name.")],
        description="Small letters, such as r.okafor. It is never given to anybody else.",
    )
    initials = StringField(
        "Initials",
        [InputRequired("Type the initials.")],
        description="Two to four letters; a pharmacist's stand on labels.",
    )


class RolesForm(PageForm):
    """Which roles are ticked."""

    roles = SelectMultipleField("Roles", validate_choice=True)


class AuthenticatorForm(PageForm):
    """Why an authenticator ends."""

    reason = RadioField(
        "Why a new one is needed",
        [InputRequired("Choose a reason; it stands in the trail.")],
        choices={reason: reason for reason in authenticator_reset.REASONS},
    )


class LeaveForm(PageForm):
    """Why an account ends."""

    reason = RadioField(
        "Why the account ends",
        [InputRequired("Choose a reason; it stands in the trail.")],
        choices={reason: reason for reason in _REASONS},
    )


@blueprint.get("/people")
@door(Permission.ADMINISTER)
def listed() -> str:
    """Everybody with an account, with roles and state."""
    return render_template(
        "people/listed.html",
        page=frame("People"),
        accounts=accounts.accounts(act()),
        keys_left=house().keys_left(act()),
    )


@blueprint.route("/people/add", methods=["GET", "POST"])
@door(Permission.ADMINISTER, once=False)
def add() -> str | tuple[str, int]:
    """Add a person; the answer shows their link, once."""
    form = PersonForm(request.form)
    if request.method == "POST" and form.validate():
        try:
            person, token = people.add_person(
                act(), form.user_name.data, form.full_name.data, form.initials.data
            )
            g.uow.commit()
            return _shown_once(person.id, token)
        except BadForm as wrong:
            g.uow.rollback()
            form.say(wrong.errors)
    title = "Add a person"
    status = 400 if form.errors else 200
    return render_template("people/add.html", page=frame(title), form=form), status


@blueprint.get("/people/<person_id>")
@door(Permission.ADMINISTER)
def shown(person_id: str) -> str:
    """One person: state, roles in each study, and what the administrator can do."""
    account = accounts.account(act(), person_id)
    return render_template(
        "people/shown.html",
        page=frame(account.full_name),
        account=account,
        keys_left=[one for one in house().keys_left(act()) if one.person_id == person_id],
        studies=accounts.roles_by_study(act(), person_id),
    )


@blueprint.post("/people/<person_id>/link")
@door(Permission.ADMINISTER, once=False)
def make_link(person_id: str) -> str | tuple[str, int]:
    """A new link for a forgotten password; the answer shows it, once."""
    _, token = people.new_link(act(), person_id)
    g.uow.commit()
    return _shown_once(person_id, token)


@blueprint.route("/people/<person_id>/roles/<of_study>", methods=["GET", "POST"])
@door(Permission.ADMINISTER)
def roles(person_id: str, of_study: str) -> str | tuple[str, int] | Response:
    """Which roles a person has in one study."""
    account = accounts.account(act(), person_id)
    sheet = accounts.role_sheet(act(), person_id, of_study)
    form = _roles_form(sheet.blinded + sheet.unblinded)
    if request.method == "POST":
        answered = attempt(form, lambda: _give(form, person_id, of_study))
        if answered:
            return answered
    title = f"Roles of {account.full_name} in {sheet.study_code}"
    shown_page = render_template(
        "people/roles.html", page=frame(title), form=form, account=account, sheet=sheet
    )
    return shown_page, form.status


@blueprint.route("/people/<person_id>/leave", methods=["GET", "POST"])
@door(Permission.ADMINISTER)
def leave(person_id: str) -> str | tuple[str, int] | Response:
    """End an account, after saying what that does."""
    account = accounts.account(act(), person_id)
    form = LeaveForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _end(form, person_id))
        if answered:
            return answered
    title = f"End the account of {account.full_name}"
    shown_page = render_template("people/leave.html", page=frame(title), form=form, account=account)
    return shown_page, form.status


@blueprint.route("/people/<person_id>/authenticator", methods=["GET", "POST"])
@door(Permission.ADMINISTER, once=False)
def authenticator(person_id: str) -> str | tuple[str, int]:
    """Let a person set up a new authenticator; the answer shows their link, once."""
    account = accounts.account(act(), person_id)
    form = AuthenticatorForm(request.form)
    if request.method == "POST" and form.validate():
        try:
            _, token = authenticator_reset.end(act(), person_id, form.reason.data)
            g.uow.commit()
            return _authenticator_link(person_id, token)
        except Refusal as refusal:
            g.uow.rollback()
            form.refusal, form.status = refusal.sentence, refusal.status
    title = f"A new authenticator for {account.full_name}"
    shown_page = render_template(
        "people/authenticator.html", page=frame(title), form=form, account=account
    )
    return shown_page, 400 if form.errors else form.status


def _authenticator_link(person_id: str, token: str) -> str:
    account = accounts.account(act(), person_id)
    path = url_for("authenticators.link", token=token)
    return render_template(
        "people/authenticator_link.html",
        page=frame("Link for a new authenticator"),
        account=account,
        link=request.host_url.rstrip("/") + path,
    )


def _roles_form(offers: tuple[Offer, ...]) -> RolesForm:
    held = [offer.role.value for offer in offers if offer.held]
    sent = request.form if request.method == "POST" else None
    form = RolesForm(sent, data={"roles": held})
    form.roles.choices = {offer.role.value: offer.title for offer in offers}
    return form


def _give(form: RolesForm, person_id: str, study_id: str) -> str:
    people.give_roles(act(), person_id, study_id, frozenset(Role(role) for role in form.roles.data))
    return told(url_for("people.shown", person_id=person_id), "roles_given")


def _end(form: LeaveForm, person_id: str) -> str:
    people.leave(act(), person_id, form.reason.data)
    return told(url_for("people.shown", person_id=person_id), "person_left")


def _shown_once(person_id: str, token: str) -> str:
    account = accounts.account(act(), person_id)
    link = request.host_url.rstrip("/") + url_for("sign_in.password", token=token)
    return render_template(
        "people/link.html", page=frame("One-time link"), account=account, link=link
    )
