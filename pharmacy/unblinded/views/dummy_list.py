"""Confirm the dummy list: two people of the bench compare it and sign, never its loader."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, PasswordField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.services.study_time import study_zone
from pharmacy.unblinded import dummy_lists, sealed_list
from pharmacy.unblinded.doorway import lit_frame, room_if_open, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.stratum_words import stratum_words
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_dummy", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/list/dummy"
)


class ConfirmForm(PageForm):
    """That it was compared, and the signature."""

    compared = BooleanField(
        "The rows are those of the rules, and the commitment is the one on the printed certificate."
    )
    password = PasswordField("Password", [InputRequired("Type your password to sign.")])


@blueprint.get("")
@door(Permission.WORK_AT_BENCH, lit=True)
def page(study_id: str) -> str:
    """What is compared, who has confirmed, and the form."""
    return _page(ConfirmForm(), room_if_open())


@blueprint.post("")
@door(Permission.WORK_AT_BENCH, lit=True)
def confirm(study_id: str) -> tuple[str, int] | Response:
    """Sign that the dummy list was compared, once each."""
    room = the_room()
    form = ConfirmForm(request.form)
    answered = attempt(form, lambda: _confirm(form, room))
    return answered or (_page(form, room), form.status)


def _confirm(form: ConfirmForm, room: OpenRoom) -> str:
    rules = sealed_list.rules_for(act())
    dummy_lists.confirm(act(), room, rules, form.compared.data, form.password.data)
    return told(url_for("lit_dummy.page", study_id=act().in_study.id), "dummy_confirmed")


def _page(form: ConfirmForm, room: OpenRoom | None) -> str:
    if not sealed_list.is_loaded(act()):
        return _template(form, room, found=None, strata=[], confirmed=[])
    rules = sealed_list.rules_for(act())
    found = dummy_lists.dummy_list(act(), rules)
    zone = study_zone(act())
    return _template(
        form,
        room,
        found=found,
        strata=[(stratum_words(rules, one), has, asked) for one, has, asked in found.strata],
        confirmed=[(name, format_moment(at, zone)) for name, at in found.confirmed],
    )


def _template(form: ConfirmForm, room: OpenRoom | None, **shown: object) -> str:
    return render_template(
        "lit/list/confirm.html",
        page=frame("Confirm the dummy list"),
        lit=lit_frame(),
        form=form,
        room_open=room is not None,
        meaning=dummy_lists.CONFIRM_MEANING,
        needed=dummy_lists.NEEDED,
        study_id=act().in_study.id,
        **shown,
    )
