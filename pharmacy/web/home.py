"""Where a person arrives: straight on their work, or on the list of their studies."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from pharmacy.domain.errors import Conflict, Unavailable
from pharmacy.domain.roles import ROLES, Role, may
from pharmacy.services import membership, passkeys, second_factor, stages, watching
from pharmacy.web.access import act, door
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@door()
def page() -> str | Response:
    """One study: its work at once. Several: a choice. None: what to do next."""
    if passkeys.is_asked(act(), current_user.session):
        return redirect(url_for("passkeys.page"), 303)
    places = [
        (study, stages.mode_words(g.uow, study), _place(study.id, roles), _titles(roles))
        for study, roles in membership.studies_of(g.uow, act().person)
    ]
    if not places and act().person.administrator:
        return redirect(url_for("people.listed"), 303)
    if len(places) == 1 and not act().person.administrator:
        return redirect(places[0][2], 303)
    return render_template("home/page.html", page=frame("Your studies"), places=places)


@blueprint.get("/account")
@door()
def account() -> str:
    """Who is signed in, and what they are in which study."""
    roles = [
        (stages.named(g.uow, study), _titles(held))
        for study, held in membership.studies_of(g.uow, act().person)
    ]
    return render_template(
        "home/account.html",
        page=frame("Your account"),
        person=act().person,
        roles=roles,
        authenticator=second_factor.words(act()),
        passkeys=passkeys.listed(act()),
    )


@blueprint.get("/health")
@door(public=True)
def health() -> tuple[str, int]:
    """Whether an act could be kept now, for whoever watches; if not, one word says what lacks."""
    units = house().units
    try:
        with units.reading() as uow:
            proved = watching.proved_lately(uow)
        if not proved:
            with units.acting() as uow:
                watching.prove(uow)
                uow.commit()
    except Conflict:
        return "ok\n", 200  # another worker has just written it
    except Unavailable as lacking:
        return f"{lacking.lack.value}\n", lacking.status
    return "ok\n", 200


def _place(study_id: str, roles: frozenset[Role]) -> str:
    for permission, endpoint in house().landings:
        if may(roles, permission):
            return url_for(endpoint, study_id=study_id)
    return url_for("home.account")


def _titles(roles: frozenset[Role]) -> str:
    return ", ".join(ROLES[role].title for role in sorted(roles))
