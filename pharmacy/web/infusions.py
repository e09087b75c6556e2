"""The infusion as the nurse follows it: its page, pause, restart and end."""

from __future__ import annotations

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField, StringField
from wtforms.validators import InputRequired, Optional

from pharmacy.domain.roles import Permission
from pharmacy.services import bedside, infusions
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint("infusions", __name__, url_prefix="/study/<study_id>/infusion/<bag_id>")


class PauseForm(PageForm):
    """A pause: what the pump shows, and why."""

    shown_ml = StringField("Volume on the pump", render_kw={"unit": "mL"})
    why = RadioField("Why it pauses", choices=infusions.PAUSE_REASONS, validate_choice=False)


class CorrectForm(PageForm):
    """The volume of the last pause, typed right."""

    right_ml = StringField("Volume at the pause", render_kw={"unit": "mL"})


class RestartForm(PageForm):
    """A press of a button."""


class EndForm(PageForm):
    """The end of an infusion."""

    infused_ml = StringField("Volume infused", render_kw={"unit": "mL"})
    reason = RadioField(
        "Why less than planned",
        [Optional()],
        choices={"": "All of the bag was infused", **infusions.END_REASONS},
        default="",
        validate_choice=False,
    )
    password = PasswordField("Your password", [InputRequired("Type your password to sign.")])


@blueprint.get("")
@door(Permission.SCAN)
def page(study_id: str, bag_id: str) -> tuple[str, int]:
    """The rate now and next, the limit, the pauses, and the ways on."""
    return _page(bag_id, PageForm())


@blueprint.post("/pause")
@door(Permission.SCAN)
def pause(study_id: str, bag_id: str) -> tuple[str, int] | Response:
    """The pump stands: its volume, and why."""
    form = PauseForm(request.form)
    return attempt(form, lambda: _pause(form, bag_id)) or _page(bag_id, form)


@blueprint.post("/correct")
@door(Permission.SCAN)
def correct(study_id: str, bag_id: str) -> tuple[str, int] | Response:
    """The volume of the last pause was mistyped."""
    form = CorrectForm(request.form)
    return attempt(form, lambda: _correct(form, bag_id)) or _page(bag_id, form)


@blueprint.post("/restart")
@door(Permission.SCAN)
def restart(study_id: str, bag_id: str) -> tuple[str, int] | Response:
    """The pump runs again."""
    form = RestartForm(request.form)
    return attempt(form, lambda: _restart(bag_id)) or _page(bag_id, form)


@blueprint.post("/end")
@door(Permission.SCAN)
def end(study_id: str, bag_id: str) -> tuple[str, int] | Response:
    """The signed end."""
    form = EndForm(request.form)
    return attempt(form, lambda: _end(form, bag_id)) or _page(bag_id, form)


def _page(bag_id: str, form: PageForm) -> tuple[str, int]:
    """The page, with the form that was sent as it was typed; the others are fresh."""
    shown_page = render_template(
        "infusions/page.html",
        page=frame("Infusion"),
        bedside=bedside.bedside(act(), bag_id),
        sent=form,
        pause_form=form if isinstance(form, PauseForm) else PauseForm(),
        correct_form=form if isinstance(form, CorrectForm) else CorrectForm(),
        end_form=form if isinstance(form, EndForm) else EndForm(),
        study_id=act().in_study.id,
        bag_id=bag_id,
        meaning=infusions.END_MEANING,
    )
    return shown_page, form.status


def _pause(form: PauseForm, bag_id: str) -> str:
    infusions.pause(act(), bag_id, form.shown_ml.data or "", form.why.data or "")
    return told(_url(bag_id), "infusion_paused")


def _correct(form: CorrectForm, bag_id: str) -> str:
    infusions.correct_pause(act(), bag_id, form.right_ml.data or "")
    return told(_url(bag_id), "pause_corrected")


def _restart(bag_id: str) -> str:
    infusions.restart(act(), bag_id)
    return told(_url(bag_id), "infusion_restarted")


def _end(form: EndForm, bag_id: str) -> str:
    infusions.end(
        act(), bag_id, form.infused_ml.data or "", form.reason.data or "", form.password.data
    )
    return told(_url(bag_id), "infusion_ended")


def _url(bag_id: str) -> str:
    return url_for("infusions.page", study_id=act().in_study.id, bag_id=bag_id)
