"""The seals of the code-break cards: counting them each week, and telling of one that was opened.

Nothing here knows what a card says; whoever counts needs no open room.
"""

from __future__ import annotations

from datetime import UTC, datetime, time

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from pharmacy.domain.errors import BadForm
from pharmacy.domain.roles import Permission
from pharmacy.services import break_cards
from pharmacy.services.break_cards import (
    CHECKED_MEANING,
    FOUND,
    OPENED_MEANING,
    OPENED_WHY,
    Opened,
    SetPage,
)
from pharmacy.services.study_time import study_zone
from pharmacy.web.access import act, door
from pharmacy.web.forms import DayField, PageForm, attempt, told
from pharmacy.web.frame import page as frame
from pharmacy.web.house import house

blueprint = Blueprint("break_cards", __name__, url_prefix="/study/<study_id>/break-cards")
_TIME = "Type the time like 03:20."


class CountForm(PageForm):
    """The signature of a count; how each seal was found is a field of its own."""

    password = PasswordField("Your password", [InputRequired("Type your password.")])


class OpenedForm(PageForm):
    """Who opened a card, when and why."""

    person = SelectField("Who opened it", [Optional()])
    name = StringField(
        "Or the name of somebody without an account",
        [Length(max=80, message="Write at most 80 letters.")],
    )
    opened_on = DayField("Day it was opened", [InputRequired("Type the day.")])
    opened_at = StringField(
        "Time it was opened", [InputRequired(_TIME)], description="At the site, like 03:20."
    )
    reason = RadioField(
        "Why",
        [InputRequired("Choose why.")],
        choices=[SelectChoice(value, label) for value, label in OPENED_WHY.items()],
    )
    password = PasswordField("Your password", [InputRequired("Type your password.")])


@blueprint.get("")
@door(Permission.SEE_BREAK_CARDS)
def page(study_id: str) -> str:
    """Both sets, with every card that counts."""
    return render_template(
        "break_cards/page.html",
        page=frame("Code-break seals"),
        sets=break_cards.sets(act()),
        study_id=study_id,
    )


@blueprint.route("/count/<card_set>", methods=["GET", "POST"])
@door(Permission.SEE_BREAK_CARDS)
def count(study_id: str, card_set: str) -> Response | tuple[str, int]:
    """Say of each seal of a set how it was found, and sign."""
    shown = break_cards.set_page(act(), card_set)
    form = _count_form(shown)
    if request.method == "POST":
        answered = attempt(form, lambda: _count(form, shown))
        if answered:
            house().post_notices()
            return answered
    text = render_template(
        "break_cards/count.html",
        page=frame("Count the seals"),
        shown=shown,
        form=form,
        meaning=CHECKED_MEANING,
        study_id=study_id,
    )
    return text, form.status


@blueprint.route("/<card_id>/opened", methods=["GET", "POST"])
@door(Permission.SEE_BREAK_CARDS)
def opened(study_id: str, card_id: str) -> Response | tuple[str, int]:
    """Tell that a card was opened in an emergency."""
    card, participant = break_cards.find(act(), card_id)
    form = OpenedForm(request.form)
    form.person.choices = [
        SelectChoice("", "Choose a person"),
        *(SelectChoice(one.id, one.full_name) for one in break_cards.openers(act())),
    ]
    if request.method == "POST":
        answered = attempt(form, lambda: _opened(form, card_id))
        if answered:
            house().post_notices()
            return answered
    text = render_template(
        "break_cards/opened.html",
        page=frame(f"A card of {participant.code} was opened"),
        card=break_cards.line_of(card, participant.code),
        form=form,
        meaning=OPENED_MEANING,
        study_id=study_id,
    )
    return text, form.status


def _count_form(shown: SetPage) -> CountForm:
    """The form with one question for each sealed card of the set."""

    class Asked(CountForm):
        """The seals of this set as they stand now."""

    for card in shown.sealed:
        question = RadioField(
            f"{card.participant}, seal {card.seal_number}",
            [InputRequired("Say how you found this seal.")],
            choices=[SelectChoice(value, label) for value, label in FOUND.items()],
            description=f"Card {card.number}, {card.place}, {card.custodian}",
        )
        setattr(Asked, f"seal-{card.id}", question)
    return Asked(request.form)


def _count(form: CountForm, shown: SetPage) -> str:
    found = {card.id: str(form[f"seal-{card.id}"].data) for card in shown.sealed}
    break_cards.count(act(), shown.key, found, form.password.data)
    return told(url_for("break_cards.page", study_id=act().in_study.id), "seals_counted")


def _opened(form: OpenedForm, card_id: str) -> str:
    said = Opened(
        card_id=card_id,
        person_id=form.person.data or "",
        name=(form.name.data or "").strip(),
        at=_moment(form),
        reason=form.reason.data,
    )
    break_cards.tell_opened(act(), said, form.password.data)
    return told(url_for("break_cards.page", study_id=act().in_study.id), "card_opened_told")


def _moment(form: OpenedForm) -> datetime:
    try:
        clock = time.fromisoformat((form.opened_at.data or "").strip())
    except ValueError:
        raise BadForm({"opened_at": _TIME}) from None
    local = datetime.combine(form.opened_on.data, clock.replace(tzinfo=None))
    return local.replace(tzinfo=study_zone(act())).astimezone(UTC)
