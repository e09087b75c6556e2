"""The door of the code break: choose a participant, say why, passphrase, answer.

Its pages are an investigator's, who stays blinded; the one answer that carries an arm is marked as
the lit room's. It is a page of its own and no redirect: its reload leads to the participants.
"""

from __future__ import annotations

from flask import Blueprint, g, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from pharmacy.domain.errors import BadForm, Conflict, Refusal, WrongPassphrase
from pharmacy.domain.roles import Permission
from pharmacy.services import throttling
from pharmacy.unblinded import holders
from pharmacy.unblinded.code_break import breaking, drill, own_keys
from pharmacy.unblinded.code_break.breaking import REASONS, Answer, Asked
from pharmacy.unblinded.doorway import break_key, operation_id, pepper, session_id
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.web.access import TO_BREAK, act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint(
    "code_break", __name__, template_folder="../templates", url_prefix="/break/<study_id>"
)


class BreakForm(PageForm):
    """Why, the passphrase, and what the pharmacy should know."""

    reason = RadioField(
        "Why",
        [InputRequired("Choose why.")],
        choices=[SelectChoice(value, label) for value, label in REASONS.items()],
    )
    passphrase = PasswordField(
        "Your six words for breaking a code", [InputRequired("Type the six words.")]
    )
    said = TextAreaField(
        "What happened, if there is time", description="Only the pharmacy can read it."
    )


class ConfirmForm(PageForm):
    """The passphrase typed back."""

    passphrase = PasswordField(
        "Passphrase",
        [InputRequired("Type the six words.")],
        description="From where you keep it, not from memory.",
    )


class TryForm(PageForm):
    """The passphrase, and the first time the words of whoever enrolled the person."""

    granter_words = StringField("The six words you hear")
    passphrase = PasswordField("Passphrase", [InputRequired("Type the six words.")])


@blueprint.get("")
@door(Permission.BREAK_CODE, before_set_up=True, without=TO_BREAK)
def page(study_id: str) -> str:
    """Every participant with a code; with one chosen, the form that breaks it."""
    chosen = request.args.get("participant", "")
    if chosen:
        return _form_page(BreakForm(), chosen)
    return render_template(
        "break/choose.html",
        page=frame("Break the code"),
        choices=breaking.choices(act()),
        standing=own_keys.standing(act()),
        drill=drill.standing(act()),
        study_id=study_id,
    )


@blueprint.post("/<participant_id>")
@door(Permission.BREAK_CODE, lit=True, before_set_up=True, without=TO_BREAK)
def reveal(study_id: str, participant_id: str) -> str | tuple[str, int]:
    """Break the code of one participant and show the answer, once."""
    form = BreakForm(request.form)
    answer = _broken(form, participant_id) if form.validate() else None
    if answer is None:
        form.status = 400 if form.status == 200 else form.status
        return _form_page(form, participant_id), form.status
    house().post_notices()
    return render_template(
        "break/answer.html",
        page=frame(f"The code of {answer.participant}"),
        answer=answer,
        again_url=url_for("code_break.page", study_id=study_id, participant=participant_id),
        study_id=study_id,
    )


@blueprint.get("/keys")
@door(Permission.BREAK_CODE)
def keys(study_id: str) -> str:
    """Where one's own keys for breaking a code stand."""
    return _keys_page(PageForm())


@blueprint.post("/keys/make")
@door(Permission.BREAK_CODE, once=False)
def make_keys(study_id: str) -> str:
    """Make keys and show the passphrase; a later press, before it is confirmed, makes others."""
    words = holders.make(act(), pepper(), Permission.BREAK_CODE)
    g.uow.commit()
    return render_template(
        "break/passphrase.html",
        page=frame("Your passphrase"),
        words=words.split(),
        study_id=study_id,
    )


@blueprint.post("/keys/confirm")
@door(Permission.BREAK_CODE)
def confirm_keys(study_id: str) -> tuple[str, int] | Response:
    """Type the passphrase back; only then the keys count."""
    form = ConfirmForm(request.form)
    answered = attempt(form, lambda: _confirm(form))
    return answered or (_keys_page(form), form.status)


@blueprint.post("/keys/try")
@door(Permission.BREAK_CODE)
def try_keys(study_id: str) -> tuple[str, int] | Response:
    """Prove that the keys work without opening anything."""
    form = TryForm(request.form)
    answered = attempt(form, lambda: _try(form))
    return answered or (_keys_page(form), form.status)


def _broken(form: BreakForm, participant_id: str) -> Answer | None:
    """The answer, or None with sentences in the form; a miss is counted by itself."""
    asked = Asked(
        participant_id=participant_id,
        reason=form.reason.data,
        said=(form.said.data or "").strip(),
        passphrase=form.passphrase.data,
        form=operation_id(),
        device=session_id(),
    )
    try:
        return breaking.break_code(act(), asked, ServerSecrets(pepper(), break_key()))
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


def _confirm(form: ConfirmForm) -> str:
    holders.confirm(act(), form.passphrase.data, pepper(), Permission.BREAK_CODE)
    return told(url_for("code_break.keys", study_id=act().in_study.id), "keys_confirmed")


def _try(form: TryForm) -> str:
    try:
        own_keys.try_keys(
            act(),
            form.passphrase.data,
            form.granter_words.data or "",
            pepper(),
            break_key(),
            session_id(),
        )
    except WrongPassphrase as wrong:
        count_miss()
        raise BadForm({wrong.field: wrong.sentence}) from None
    return told(url_for("code_break.keys", study_id=act().in_study.id), "break_keys_work")


def count_miss() -> None:
    """Note a wrong passphrase, so that the next try waits; what the form began is dropped."""
    # Read first: after a rollback the row would be read again, which takes SQLite's one write lock.
    person_id, device = current_user.person.id, session_id()
    g.uow.rollback()
    with house().units.acting() as uow:
        throttling.missed_break(uow, person_id, device)
        uow.commit()


def _form_page(form: BreakForm, participant_id: str) -> str:
    chosen = breaking.choice(act(), participant_id)
    doing = f"Show the code of {chosen.code} again" if chosen.broken else ""
    return render_template(
        "break/form.html",
        page=frame(f"Break the code of {chosen.code}"),
        form=form,
        doing=doing or f"Break the code of {chosen.code}",
        chosen=chosen,
        standing=own_keys.standing(act()),
        study_id=act().in_study.id,
    )


def _keys_page(form: PageForm) -> str:
    return render_template(
        "break/keys.html",
        page=frame("Your keys for breaking a code"),
        form=form,
        confirm=form if isinstance(form, ConfirmForm) else ConfirmForm(),
        trying=form if isinstance(form, TryForm) else TryForm(),
        standing=own_keys.standing(act()),
        study_id=act().in_study.id,
    )
