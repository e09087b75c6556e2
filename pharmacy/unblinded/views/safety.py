"""Safety unblinding with the room open: the requests, a new one, and its letter."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, g, render_template, request
from werkzeug.wrappers import Response
from wtforms import PasswordField, RadioField, SelectField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services import break_cards as seals
from pharmacy.unblinded import safety_unblinding as safety
from pharmacy.unblinded.doorway import lit_frame, operation_id, the_room
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.safety_letter import letter_pdf
from pharmacy.unblinded.safety_request import (
    KINDS,
    RECIPIENTS,
    Asked,
    Recipient,
    SecondSignature,
    Told,
)
from pharmacy.unblinded.safety_unblinding import MEANING
from pharmacy.unblinded.views.bench_forms import choices
from pharmacy.web.access import act, door
from pharmacy.web.forms import DayField, PageForm
from pharmacy.web.frame import page as frame
from pharmacy.web.known_device import whence

blueprint = Blueprint(
    "lit_safety",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/safety",
)
Answer = Response | tuple[str, int]


def _radios(label: str, offered: dict[str, str], asks: str) -> RadioField:
    shown = [SelectChoice(value, text) for value, text in offered.items()]
    return RadioField(label, [InputRequired(asks)], choices=shown)


class RequestForm(PageForm):
    """Why, about whom, to whom, and two signatures."""

    kind = _radios("Why", KINDS, "Choose why.")
    participant = SelectField("Participant", validate_choice=False)
    product = SelectField("Recalled product", validate_choice=False)
    first = DayField("Bags released from")
    last = DayField("Bags released until")
    name = StringField("Name of the recipient", [InputRequired("Write the name.")])
    organisation = StringField("Organisation", [InputRequired("Write the organisation.")])
    role = _radios("Who it is", RECIPIENTS, "Choose who it is.")
    contact = StringField("Telephone or e-mail", [InputRequired("Write how to reach them.")])
    person = SelectField("Their account in this study", [Optional()], validate_choice=False)
    said = TextAreaField("Reason in words", [InputRequired("Write why.")])
    second_user_name = StringField("User name", [InputRequired("Type the user name.")])
    second_password = PasswordField("Their password", [InputRequired("Type the password.")])
    password = PasswordField("Your password", [InputRequired("Type your password.")])


class AgainForm(PageForm):
    """The signature under another showing."""

    password = PasswordField("Your password", [InputRequired("Type your password.")])


@blueprint.get("")
@door(Permission.UNBLIND_FOR_SAFETY, lit=True)
def page(study_id: str) -> str:
    """Every request, newest first."""
    return _list_page(the_room(), AgainForm())


@blueprint.get("/new")
@door(Permission.UNBLIND_FOR_SAFETY, lit=True)
def new(study_id: str) -> str:
    """The form of a request."""
    the_room()
    return _form_page(RequestForm())


@blueprint.post("/new")
@door(Permission.UNBLIND_FOR_SAFETY, lit=True)
def ask(study_id: str) -> Answer:
    """Write the request down and answer with the letter."""
    room, form = the_room(), RequestForm(request.form)
    second = SecondSignature(
        form.second_user_name.data or "",
        form.second_password.data or "",
        whence(form.second_user_name.data or ""),
    )
    paper = _letter(form, lambda: safety.ask(act(), room, _asked(form), form.password.data, second))
    return paper or (_form_page(form), form.status)


@blueprint.post("/<request_id>/show")
@door(Permission.UNBLIND_FOR_SAFETY, lit=True)
def show(study_id: str, request_id: str) -> Answer:
    """The letter of a request once more."""
    room, form = the_room(), AgainForm(request.form)
    paper = _letter(form, lambda: safety.show_again(act(), room, request_id, form.password.data))
    return paper or (_list_page(room, form), form.status)


def _letter(form: PageForm, verb: Callable[[], Told]) -> Response | None:
    """The letter as PDF, or None with sentences in the form."""
    if not form.validate():
        form.status = 400
        return None
    try:
        pdf = letter_pdf(act(), verb())
    except BadForm as wrong:
        form.say(wrong.errors)
    except Conflict:
        raise
    except Refusal as refusal:
        form.say({getattr(refusal, "field", ""): refusal.sentence})
        form.status = refusal.status
    else:
        shown = {"Content-Disposition": 'attachment; filename="letter.pdf"'}
        return Response(pdf, mimetype="application/pdf", headers=shown)
    g.uow.rollback()
    return None


def _asked(form: RequestForm) -> Asked:
    return Asked(
        kind=form.kind.data,
        recipient=Recipient(
            form.name.data.strip(),
            form.organisation.data.strip(),
            form.role.data,
            form.contact.data.strip(),
            form.person.data or "",
        ),
        said=form.said.data.strip(),
        participant_id=form.participant.data or "",
        product=form.product.data or "",
        first=form.first.data,
        last=form.last.data,
        form=operation_id(),
    )


def _form_page(form: RequestForm) -> str:
    people = [(one.id, one.full_name) for one in seals.openers(act())]
    form.participant.choices = choices("Choose a participant", safety.who(act()))
    form.product.choices = choices("Choose the product", safety.products(act()).items())
    form.person.choices = choices("None", people)
    return render_template(
        "lit/safety/new.html",
        page=frame("Ask for a safety unblinding"),
        lit=lit_frame(),
        form=form,
        meaning=MEANING,
        study_id=act().in_study.id,
    )


def _list_page(room: OpenRoom, form: AgainForm) -> str:
    return render_template(
        "lit/safety/page.html",
        page=frame("Safety unblinding"),
        lit=lit_frame(),
        rows=safety.requests(act(), room),
        form=form,
        study_id=act().in_study.id,
    )
