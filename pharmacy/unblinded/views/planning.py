"""Planning: the proposed dose of a signed order, and one run for each of its days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence.courses import Order
from pharmacy.persistence.participants import Participant, Weight
from pharmacy.services import plans
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded import plan_words, planning
from pharmacy.unblinded.doorway import lit_frame, the_room
from pharmacy.unblinded.planning import RunOffer
from pharmacy.unblinded.room import OpenRoom
from pharmacy.web.access import act, door
from pharmacy.web.forms import PageForm, attempt, told
from pharmacy.web.frame import page as frame

blueprint = Blueprint(
    "lit_planning",
    __name__,
    template_folder="../templates",
    url_prefix="/lit/<study_id>/orders/<order_id>",
)


@dataclass(frozen=True)
class Proposal:
    """What the page shows: the order, the plan as computed now, and the runs to choose from."""

    order: Order
    participant: Participant
    weight: Weight
    plan: DosePlan
    offers: tuple[RunOffer, ...]


@blueprint.get("")
@door(Permission.PREPARE, lit=True)
def page(study_id: str, order_id: str) -> str | tuple[str, int]:
    """The plan that the order leads to, before anything is kept."""
    the_room()
    try:
        proposal = _propose(order_id)
    except Refusal as refusal:
        return _refused(order_id, refusal)
    return _page(_form(proposal.offers, None), proposal)


@blueprint.post("")
@door(Permission.PREPARE, lit=True)
def plan(study_id: str, order_id: str) -> tuple[str, int] | Response:
    """Keep the plan with one run for each day."""
    room = the_room()
    runs = _typed_runs()
    form = PageForm(request.form)
    answered = attempt(form, lambda: _plan(room, order_id, runs))
    if answered:
        return answered
    try:
        proposal = _propose(order_id)
    except Refusal as refusal:
        return _refused(order_id, refusal)
    shown = _form(proposal.offers, request.form)
    shown.refusal, shown.status = form.refusal, form.status
    return _page(shown, proposal), shown.status


def _plan(room: OpenRoom, order_id: str, runs: Sequence[datetime]) -> str:
    seen = request.form.get("weight_id", "")
    planning.plan_course(act(), room, order_id, runs, seen)
    return told(url_for("lit_board.page", study_id=act().in_study.id), "course_planned")


def _typed_runs() -> list[datetime]:
    """One moment per day, in the order of the days; what is no moment is left out."""
    runs: list[datetime] = []
    number = 1
    while typed := request.form.get(f"day_{number}", ""):
        number += 1
        try:
            run = datetime.fromisoformat(typed)
        except ValueError:
            continue
        if run.tzinfo is not None:
            runs.append(run)
    return runs


def _propose(order_id: str) -> Proposal:
    order, participant, weight, dose_plan = plans.propose(act(), order_id)
    offers = planning.run_offers(act(), order, participant, len(dose_plan.days))
    return Proposal(order, participant, weight, dose_plan, tuple(offers))


def _form(offers: Sequence[RunOffer], typed: object) -> PageForm:
    class PlanForm(PageForm):
        """One choice per infusion day."""

    for offer in offers:
        field = SelectField(
            f"Run of day {offer.day}",
            [InputRequired("Choose a run.")],
            choices=[SelectChoice(run, words) for run, words in offer.choices],
            default=offer.proposed,
        )
        setattr(PlanForm, f"day_{offer.day}", field)
    return PlanForm(typed)


def _page(form: PageForm, proposal: Proposal) -> str:
    dose = proposal.plan
    return render_template(
        "lit/planning/page.html",
        page=frame(f"Plan {proposal.participant.code}"),
        lit=lit_frame(),
        form=form,
        proposal=proposal,
        visit=planning.visit_name(act(), proposal.order),
        totals=plan_words.totals(
            dose,
            proposal.weight,
            protocol_of(act())[1],
            planning.decision(act(), proposal.order),
        ),
        lines=plan_words.arithmetic(dose),
        days=plan_words.day_rows(dose),
        ladder=plan_words.ladder(dose),
        ladder_end_min=dose.days[0].duration_min,
        study_id=act().in_study.id,
    )


def _refused(order_id: str, refusal: Refusal) -> tuple[str, int]:
    order = plans.find_order(act(), order_id)
    shown = render_template(
        "lit/planning/refused.html",
        page=frame("Not possible yet"),
        lit=lit_frame(),
        sentence=refusal.sentence,
        code=act().uow.session.get_one(Participant, order.participant_id).code,
        visit=planning.visit_name(act(), order),
        study_id=act().in_study.id,
    )
    return shown, refusal.status
