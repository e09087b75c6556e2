"""Printing and sealing code-break cards, with the room open; the paper alone carries an arm."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, g, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services.break_cards import SETS
from pharmacy.unblinded import break_cards
from pharmacy.unblinded.break_card_paper import card_pdf
from pharmacy.unblinded.break_cards import REPLACED_WHY, Wanted
from pharmacy.unblinded.doorway import lit_frame, operation_id, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_break_cards",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/break-cards",
)


class PrintForm(PageForm):
    """Into which envelope, to whom, where; and why another one."""

    seal_number = StringField(
        "Seal number of the envelope",
        [InputRequired("Scan or type the number of the tamper-evident envelope.")],
        description="The envelope into which this card goes.",
    )
    custodian = StringField("Custodian", [InputRequired("Say who keeps this card.")])
    place = StringField("Place", [InputRequired("Say where it is kept.")])
    reason = SelectField(
        "Why another card",
        choices=[
            SelectChoice("", "Choose why"),
            *(SelectChoice(value, label) for value, label in REPLACED_WHY.items()),
        ],
        default="",
    )


class SealForm(PageForm):
    """The number read from the closed envelope."""

    seal_number = StringField(
        "Seal number on the closed envelope",
        [InputRequired("Scan or type the number of the seal.")],
    )


@blueprint.get("")
@door(Permission.PREPARE, lit=True)
def page(study_id: str) -> str:
    """Every participant who has a place, with both cards."""
    the_room()
    return render_template(
        "lit/break_cards/page.html",
        page=frame("Code-break cards"),
        lit=lit_frame(),
        rows=break_cards.table(act()),
        sets=SETS,
        study_id=study_id,
    )


@blueprint.get("/<participant_id>/<card_set>")
@door(Permission.PREPARE, lit=True)
def card(study_id: str, participant_id: str, card_set: str) -> str:
    """One card's present step: print it, seal it, or make another."""
    the_room()
    return _card_page(PageForm(), participant_id, card_set)


@blueprint.post("/<participant_id>/<card_set>/print")
@door(Permission.PREPARE, lit=True)
def print_card(
    study_id: str, participant_id: str, card_set: str
) -> Response | tuple[str, int] | str:
    """Open the envelope for one card and answer with its paper."""
    room, form = the_room(), PrintForm(request.form)
    pdf = _paper(room, form, participant_id, card_set) if form.validate() else None
    if pdf is None:
        form.status = 400 if form.status == 200 else form.status
        return _card_page(form, participant_id, card_set), form.status
    shown = {"Content-Disposition": 'attachment; filename="code-break-card.pdf"'}
    return Response(pdf, mimetype="application/pdf", headers=shown)


@blueprint.post("/<participant_id>/<card_set>/seal")
@door(Permission.PREPARE, lit=True)
def seal(study_id: str, participant_id: str, card_set: str) -> Response | tuple[str, int]:
    """The card is in its envelope and its place."""
    the_room()
    form = SealForm(request.form)
    answered = attempt(form, _seal(form, participant_id, card_set))
    return answered or (_card_page(form, participant_id, card_set), form.status)


def _paper(room: OpenRoom, form: PrintForm, participant_id: str, card_set: str) -> bytes | None:
    """The card as PDF, or None with sentences in the form."""
    wanted = Wanted(
        card_set,
        form.seal_number.data,
        form.place.data,
        form.custodian.data,
        form.reason.data or "",
        operation_id(),
    )
    try:
        return card_pdf(break_cards.open_card(act(), room, participant_id, wanted))
    except BadForm as wrong:
        form.say(wrong.errors)
    except Conflict:
        raise
    except Refusal as refusal:
        form.refusal, form.status = refusal.sentence, refusal.status
    g.uow.rollback()
    return None


def _seal(form: SealForm, participant_id: str, card_set: str) -> Callable[[], str]:
    def run() -> str:
        card = break_cards.cards_of(act(), participant_id).cards.get(card_set)
        if card is None:
            raise Refusal("This card was not printed yet.")
        break_cards.put_in_place(act(), card.id, form.seal_number.data)
        location = url_for("lit_break_cards.page", study_id=act().in_study.id)
        return told(location, "break_card_sealed")

    return run


def _card_page(sent: PageForm, participant_id: str, card_set: str) -> str:
    if card_set not in SETS:
        raise Refusal("There is no such set of cards.", status=404)
    one = break_cards.cards_of(act(), participant_id)
    return render_template(
        "lit/break_cards/card.html",
        page=frame(f"Code-break card of {one.code}"),
        lit=lit_frame(),
        one=one,
        now=one.cards[card_set],
        set_key=card_set,
        set_title=SETS[card_set],
        printing=sent if isinstance(sent, PrintForm) else PrintForm(),
        sealing=sent if isinstance(sent, SealForm) else SealForm(),
        sent=sent,
        study_id=act().in_study.id,
    )
