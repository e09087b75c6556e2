"""Your keys: made in one's own session, the passphrase shown once, the six words to read aloud."""

from __future__ import annotations

from flask import Blueprint, g, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField
from wtforms.validators import InputRequired

from pharmacy.domain.roles import Permission
from pharmacy.unblinded import holders
from pharmacy.unblinded.doorway import lit_frame, pepper
from pharmacy.unblinded.standing import standing
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_keys", __name__, template_folder="../templates", url_prefix="/lit/<study_id>/keys"
)


class ConfirmForm(PageForm):
    """The passphrase typed back."""

    passphrase = PasswordField(
        "Passphrase",
        [InputRequired("Type the six words.")],
        description="From where you keep it, not from memory.",
    )


@blueprint.get("")
@door(Permission.ENTER_LIT_ROOM, lit=True)
def page(study_id: str) -> str:
    """Where one's own keys stand, and the next thing to do."""
    return _page(ConfirmForm())


@blueprint.post("/make")
@door(Permission.ENTER_LIT_ROOM, lit=True)
def make(study_id: str) -> str:
    """Make keys and show the passphrase; a later press, before it is confirmed, makes others."""
    words = holders.make(act(), pepper())
    g.uow.commit()
    return render_template(
        "lit/keys/passphrase.html",
        page=frame("Your passphrase"),
        lit=lit_frame(),
        words=words.split(),
        study_id=study_id,
    )


@blueprint.post("/confirm")
@door(Permission.ENTER_LIT_ROOM, lit=True)
def confirm(study_id: str) -> tuple[str, int] | Response:
    """Type the passphrase back; only then the keys count."""
    form = ConfirmForm(request.form)
    answered = attempt(form, lambda: _confirm(form))
    return answered or (_page(form), form.status)


def _confirm(form: ConfirmForm) -> str:
    holders.confirm(act(), form.passphrase.data, pepper())
    return told(url_for("lit_keys.page", study_id=act().in_study.id), "keys_confirmed")


def _page(form: ConfirmForm) -> str:
    return render_template(
        "lit/keys/page.html",
        page=frame("Your keys"),
        lit=lit_frame(),
        form=form,
        standing=standing(act()),
        study_id=act().in_study.id,
    )
