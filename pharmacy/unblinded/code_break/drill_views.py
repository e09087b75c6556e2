"""The drill's pages: the form of a break with a question more, and an answer that names nobody."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request
from wtforms import RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from pharmacy.domain.errors import BadForm, Conflict, Refusal, WrongPassphrase
from pharmacy.domain.roles import Permission
from pharmacy.unblinded.code_break import drill, own_keys
from pharmacy.unblinded.code_break.breaking import Asked
from pharmacy.unblinded.code_break.drill import DEVICES, DRILL, PLACES, Passed
from pharmacy.unblinded.code_break.views import BreakForm, count_miss
from pharmacy.unblinded.doorway import break_key, operation_id, pepper, session_id
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.web.access import act, door
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "code_break_drill",
    __name__,
    template_folder="../templates",
    url_prefix="/break/<study_id>/drill",
)


class DrillForm(BreakForm):
    """What a break asks for, and where the investigator stands."""

    place = RadioField(
        "Where you are now",
        [InputRequired("Choose where you are.")],
        choices=[SelectChoice(value, label) for value, label in PLACES.items()],
    )


@blueprint.get("")
@door(Permission.BREAK_CODE)
def page(study_id: str) -> str:
    """The form of the drill."""
    return _form_page(DrillForm())


@blueprint.post("")
@door(Permission.BREAK_CODE, once=False)
def run(study_id: str) -> str | tuple[str, int]:
    """Walk the way of a break; the answer says that it was the drill."""
    form = DrillForm(request.form)
    done = _done(form) if form.validate() else None
    if done is None:
        form.status = 400 if form.status == 200 else form.status
        return _form_page(form), form.status
    return render_template(
        "break/drilled.html",
        page=frame("The drill"),
        done=done,
        place=PLACES[done.place],
        device=DEVICES[done.device],
        study_id=study_id,
    )


def _done(form: DrillForm) -> Passed | None:
    """The drill that was passed, or None with sentences in the form; a miss is counted."""
    asked = Asked(
        participant_id=DRILL,
        reason=form.reason.data,
        said="",
        passphrase=form.passphrase.data,
        form=operation_id(),
        device=session_id(),
    )
    device = drill.device_class(request.headers.get("User-Agent", ""))
    try:
        return drill.run(
            act(), asked, form.place.data, device, ServerSecrets(pepper(), break_key())
        )
    except BadForm as wrong:
        form.say(wrong.errors)
    except WrongPassphrase as wrong:
        count_miss()
        form.say({wrong.field: wrong.sentence})
        form.status = wrong.status
    except Conflict:
        raise
    except Refusal as refusal:
        form.refusal, form.status = refusal.sentence, refusal.status
    g.uow.rollback()
    return None


def _form_page(form: DrillForm) -> str:
    return render_template(
        "break/drill.html",
        page=frame("Drill: break no code"),
        form=form,
        standing=own_keys.standing(act()),
        drill=drill.standing(act()),
        study_id=act().in_study.id,
    )
