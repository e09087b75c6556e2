"""Pages about participants: for coordinator, investigator and blinded monitor."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as Answer
from wtforms import (
    BooleanField,
    HiddenField,
    PasswordField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import InputRequired, ValidationError

from pharmacy.domain.errors import BadForm
from pharmacy.domain.quantities import parse_weight_kg
from pharmacy.domain.roles import Permission, may
from pharmacy.services import cards, factors, orders, participant_pages
from pharmacy.services import participants as verbs
from pharmacy.services.cards import CardStanding
from pharmacy.services.factors import FactorForm
from pharmacy.web.access import act, door
from pharmacy.web.forms import DayField, PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint("participants", __name__, url_prefix="/study/<study_id>/participants")

_TO_SIGN = "Type your password to sign."


class RegisterForm(PageForm):
    """A new participant."""

    code = StringField(
        "Participant code",
        [InputRequired("Type the participant's code.")],
        description="As the site gave it, such as M-002. Never a name, initials or a birth date.",
    )
    site = SelectField("Site", choices={}, validate_choice=False)
    consented_on = DayField("Day of consent", [InputRequired("Type the day of consent.")])


class WeightForm(PageForm):
    """One weighing."""

    weight_kg = StringField(
        "Weight",
        description="In kilograms, at most one decimal, such as 70.5.",
        render_kw={"unit": "kg"},
    )
    measured_on = DayField("Day it was measured", [InputRequired("Type the day.")])
    measured_by = StringField("Measured by", [InputRequired("Type who measured it.")])

    def validate_weight_kg(self, field: StringField) -> None:
        """Say what is wrong with the weight together with what is wrong elsewhere."""
        try:
            parse_weight_kg(field.data or "")
        except BadForm as wrong:
            raise ValidationError(wrong.errors["weight_kg"]) from None


class SignForm(PageForm):
    """A signature alone."""

    password = PasswordField("Your password", [InputRequired(_TO_SIGN)])


class OrderForm(SignForm):
    """One course's order."""

    visit = RadioField(
        "Visit", [InputRequired("Choose the visit.")], choices={}, validate_choice=False
    )
    first_day = DayField("First infusion day", [InputRequired("Type the first infusion day.")])
    at_risk = BooleanField(
        "At risk of thrombosis or kidney trouble",
        description="Gives the slower ladder and more infusion days.",
    )
    premedication = TextAreaField(
        "Premedication and orders for reactions",
        description="Leave it empty if there is none. At most 200 characters.",
    )


class CardForm(PageForm):
    """Why the card that was seen ends; `mark` is that card's."""

    reason = RadioField("Why", choices=[], validate_choice=False)
    mark = HiddenField()


@blueprint.get("")
@door(Permission.SEE_PARTICIPANTS)
def listed(study_id: str) -> str:
    """Everybody, with where they stand and what is next."""
    return render_template(
        "participants/listed.html",
        page=frame("Participants"),
        lines=participant_pages.listed(act()),
        study_id=study_id,
        may_enrol=_may(Permission.ENROL),
    )


@blueprint.route("/new", methods=["GET", "POST"])
@door(Permission.ENROL)
def register(study_id: str) -> str | tuple[str, int] | Answer:
    """Register a participant by code."""
    form = RegisterForm(request.form)
    sites = verbs.site_choices(act())
    form.site.choices = {"": "Choose the site", **dict(sites)}
    if request.method == "POST" and (answered := attempt(form, lambda: _register(form))):
        return answered
    shown_page = render_template(
        "participants/register.html",
        page=frame("Register a participant"),
        form=form,
        sites=sites,
        study_id=study_id,
    )
    return shown_page, form.status


@blueprint.get("/<participant_id>")
@door(Permission.SEE_PARTICIPANTS)
def shown(study_id: str, participant_id: str) -> str:
    """One participant: visits, courses, weights, card, signatures."""
    sheet = participant_pages.sheet(act(), participant_id)
    return render_template(
        "participants/shown.html",
        page=frame(f"Participant {sheet.line.code}"),
        sheet=sheet,
        study_id=study_id,
        participant_id=participant_id,
        may_enrol=_may(Permission.ENROL),
        may_sign=_may(Permission.SIGN_ORDERS),
        may_report=_may(Permission.REPORT_DEVIATIONS),
    )


@blueprint.route("/<participant_id>/weight", methods=["GET", "POST"])
@door(Permission.ENROL)
def weigh(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """Add a weighing; a correction is another one."""
    today = participant_pages.site_today(act(), participant_id)
    form = WeightForm(request.form, measured_on=today)
    if request.method == "POST":
        answered = attempt(form, lambda: _weigh(form, participant_id))
        if answered:
            return answered
    return form_page("participants/weigh.html", "Add a weight", form, participant_id)


@blueprint.route("/<participant_id>/factors", methods=["GET", "POST"])
@door(Permission.ENROL)
def enter_factors(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """Enter the baseline factors that the protocol asks for; a correction is another entry."""
    asked = factors.asked(act(), participant_id)
    form = _factors_form(asked)
    if request.method == "POST":
        answered = attempt(form, lambda: _enter_factors(form, asked, participant_id))
        if answered:
            return answered
    title = "Correct the baseline factors" if asked.before else "Enter the baseline factors"
    return form_page("participants/factors.html", title, form, participant_id, asked=asked)


@blueprint.get("/<participant_id>/card.pdf")
@door(Permission.ENROL)
def card(study_id: str, participant_id: str) -> Response:
    """The participant's card to print."""
    pdf = cards.card_pdf(act(), participant_id)
    headers = {"Content-Disposition": "inline; filename=card.pdf"}
    return Response(pdf, mimetype="application/pdf", headers=headers)


@blueprint.route("/<participant_id>/replace-card", methods=["GET", "POST"])
@door(Permission.ENROL)
def replace_card(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """Give a new card; the old one, if there is one, stops the nurse from then on."""
    standing = cards.standing(act(), participant_id)
    form = CardForm(request.form, mark=standing.mark)
    form.reason.choices = list(cards.REPLACE_REASONS.items())
    if request.method == "POST":
        answered = attempt(form, lambda: _replace(form, participant_id, standing))
        if answered:
            return answered
    title = "Replace the card" if standing.counts else "Make a new card"
    page = "participants/replace_card.html"
    return form_page(page, title, form, participant_id, standing=standing)


@blueprint.route("/<participant_id>/revoke-card", methods=["GET", "POST"])
@door(Permission.ENROL)
def revoke_card(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """End a card without a new one; it stops the nurse from then on."""
    standing = cards.standing(act(), participant_id)
    form = CardForm(request.form, mark=standing.mark)
    form.reason.choices = list(cards.REVOKE_REASONS.items())
    if request.method == "POST":
        answered = attempt(form, lambda: _revoke(form, participant_id))
        if answered:
            return answered
    page = "participants/revoke_card.html"
    return form_page(page, "Revoke the card", form, participant_id, standing=standing)


@blueprint.route("/<participant_id>/eligibility", methods=["GET", "POST"])
@door(Permission.SIGN_ORDERS)
def eligibility(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """Sign eligibility, which asks for a place."""
    form = SignForm(request.form)
    if request.method == "POST":
        answered = attempt(form, lambda: _sign_eligibility(form, participant_id))
        if answered:
            return answered
    return form_page(
        "participants/eligibility.html",
        "Sign eligibility",
        form,
        participant_id,
        screening=orders.screening_facts(act(), participant_id),
        meaning=orders.ELIGIBLE_MEANING,
    )


@blueprint.route("/<participant_id>/order", methods=["GET", "POST"])
@door(Permission.SIGN_ORDERS)
def order(study_id: str, participant_id: str) -> str | tuple[str, int] | Answer:
    """Sign the order of one course."""
    rules = participant_pages.order_rules(act(), participant_id)
    open_visits = participant_pages.sheet(act(), participant_id).open_visits
    form = OrderForm(request.form, first_day=rules.today, visit=_first(open_visits))
    form.visit.choices = dict(open_visits)
    if request.method == "POST":
        answered = attempt(form, lambda: _sign_order(form, participant_id))
        if answered:
            return answered
    return form_page(
        "participants/order.html",
        "Sign an order",
        form,
        participant_id,
        rules=rules,
        meaning=orders.ORDER_MEANING,
    )


def _may(permission: Permission) -> bool:
    return may(act().roles, permission)


def _first(visits: tuple[tuple[str, str], ...]) -> str | None:
    return next((code for code, _ in visits), None)


def form_page(
    template: str, title: str, form: PageForm, participant_id: str, **more: object
) -> tuple[str, int]:
    """A form about one participant, drawn with its answer's status."""
    shown_page = render_template(
        template,
        page=frame(title),
        form=form,
        code=participant_pages.code_of(act(), participant_id),
        back_url=_page_of(participant_id),
        **more,
    )
    return shown_page, form.status


def _page_of(participant_id: str) -> str:
    return url_for("participants.shown", study_id=act().in_study.id, participant_id=participant_id)


def _register(form: RegisterForm) -> str:
    made = verbs.register(
        act(), form.code.data.strip(), form.consented_on.data, form.site.data or ""
    )
    return told(_page_of(made.id), "participant_registered")


def _factors_form(asked: FactorForm) -> PageForm:
    """A form with one question a factor, and why it is corrected where it is."""
    questions = {
        factors.field_name(factor.code): RadioField(
            factor.question,
            choices={level.code: level.label for level in factor.levels},
            default=asked.before.get(factor.code),
            validate_choice=False,
        )
        for factor in asked.factors
    }
    if asked.before:
        questions["reason"] = RadioField(
            "Why it is corrected", choices=factors.REASONS, validate_choice=False
        )
    made: PageForm = type("FactorsForm", (PageForm,), questions)(request.form)
    return made


def _enter_factors(form: PageForm, asked: FactorForm, participant_id: str) -> str:
    said = {
        factor.code: form[factors.field_name(factor.code)].data or "" for factor in asked.factors
    }
    reason = form["reason"].data or "" if asked.before else ""
    factors.record(act(), participant_id, said, reason)
    notice = "factors_corrected" if asked.before else "factors_entered"
    return told(_page_of(participant_id), notice)


def _weigh(form: WeightForm, participant_id: str) -> str:
    verbs.weigh(
        act(),
        participant_id,
        form.weight_kg.data or "",
        form.measured_on.data,
        form.measured_by.data,
    )
    return told(_page_of(participant_id), "weight_entered")


def _replace(form: CardForm, participant_id: str, standing: CardStanding) -> str:
    cards.replace(act(), participant_id, form.reason.data or "", form.mark.data or "")
    return told(_page_of(participant_id), "card_replaced" if standing.counts else "card_made")


def _revoke(form: CardForm, participant_id: str) -> str:
    cards.revoke(act(), participant_id, form.reason.data or "", form.mark.data or "")
    return told(_page_of(participant_id), "card_revoked")


def _sign_eligibility(form: SignForm, participant_id: str) -> str:
    orders.sign_eligibility(act(), participant_id, form.password.data)
    return told(_page_of(participant_id), "eligibility_signed")


def _sign_order(form: OrderForm, participant_id: str) -> str:
    orders.sign_order(
        act(),
        participant_id,
        form.visit.data,
        form.first_day.data,
        form.at_risk.data,
        form.premedication.data or "",
        form.password.data,
    )
    return told(_page_of(participant_id), "order_signed")
