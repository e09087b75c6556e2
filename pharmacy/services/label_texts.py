"""The texts of a bag's two labels, from facts alone.

Nothing here can know an arm: both labels follow from the order, the weight and the run alone
(requirements A1 to A17, B1 to B12). What was drawn, by whom it was checked and when it was really
prepared stays in the lit room; the staff codes are handed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from labels.content import BagLabel, InnerLabel
from labels.errors import LabelRefused
from pharmacy.domain.bag_code import BagCode, Piece
from pharmacy.domain.bag_limits import bag_latest_start
from pharmacy.domain.dose_plan import BagPlan, DayPlan
from pharmacy.domain.errors import Refusal
from pharmacy.domain.label_rates import rate_rows
from pharmacy.domain.protocol import Protocol, Visit
from pharmacy.domain.protocol_wording import marking, product_line
from pharmacy.domain.quantities import format_volume
from pharmacy.domain.site_time import format_limit
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import InfusionDay, Order
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.studies import Site
from pharmacy.services.printing import WATERMARK

TEMPLATE_VERSION = "label v1"
NOT_RELEASED = "NOT RELEASED"
# These two stand apart from the handling rules, in the label's foot (requirement A16).
_TRIAL_USE = ("For clinical trial use only", "Keep out of reach of children")


@dataclass(frozen=True)
class LabelFacts:
    """Everything a bag's labels are composed from. The rows need not be in a database.

    `days` is how many infusion days the course has, `code_body` the 16 characters that both
    labels share, `practice` whether both carry the watermark.
    """

    site: Site
    protocol: Protocol
    visit: Visit
    participant: Participant
    order: Order
    day: InfusionDay
    day_plan: DayPlan
    days: int
    bag: Bag
    bag_plan: BagPlan
    code_body: str
    practice: bool


def compose_cover(facts: LabelFacts, staff_codes: str) -> BagLabel:
    """The outer label from facts alone; a text that is missing is refused (409)."""
    label, zone = facts.protocol.label, ZoneInfo(facts.site.zone)
    handling = [text for text in label.handling if text not in _TRIAL_USE]
    trial_use = [text for text in label.handling if text in _TRIAL_USE]
    volume_ml = facts.bag_plan.volume_ml
    try:
        return BagLabel(
            pharmacy_name=facts.site.pharmacy_name,
            pharmacy_address=facts.site.pharmacy_address,
            pharmacy_phone=facts.site.pharmacy_phone,
            unblinding_phone=facts.site.unblinding_phone,
            protocol_code=facts.protocol.code,
            investigator=facts.site.investigator_name,
            participant=facts.participant.code,
            visit_and_day=_visit_and_day(facts),
            volume=format_volume(volume_ml),
            bag_n_of_n=_bag_n_of_n(facts),
            product_line=product_line(facts.protocol, facts.visit, facts.bag_plan.grams, volume_ml),
            product_note=marking(facts.protocol, facts.visit),
            route=_sentences(label.route, label.dosage_form),
            device=_sentences(label.device),
            rate_steps=rate_rows(facts.day_plan, facts.bag.number, facts.protocol),
            start_by=f"Start by {format_limit(_latest_start(facts), zone)}",
            stop_by=f"Stop and discard at {format_limit(facts.day.stop_by, zone)}",
            storage=_sentences(facts.protocol.storage.text),
            handling=_sentences(*handling),
            flush=_flush(facts.protocol),
            warnings=tuple(_sentences(text) for text in label.warnings),
            caution=label.caution,
            trial_use=_sentences(*trial_use),
            prescription=f"Rx {facts.order.number}",
            date_prepared=_date_prepared(facts.day.run_at, zone),
            staff_codes=staff_codes.strip(),
            template_version=TEMPLATE_VERSION,
            code=_code(facts, Piece.OUTER_COVER),
            watermark=_watermark(facts),
        )
    except LabelRefused as refused:
        raise Refusal(refused.sentence) from None


def compose_inner(facts: LabelFacts) -> InnerLabel:
    """The inner label from facts alone; a text that is missing is refused (409)."""
    try:
        return InnerLabel(
            protocol_code=facts.protocol.code,
            participant=facts.participant.code,
            visit_and_day=_visit_and_day(facts),
            bag_n_of_n=_bag_n_of_n(facts),
            volume=format_volume(facts.bag_plan.volume_ml),
            caution=facts.protocol.label.caution,
            not_released=NOT_RELEASED,
            pharmacy_name=facts.site.pharmacy_name,
            pharmacy_phone=facts.site.pharmacy_phone,
            code=_code(facts, Piece.INNER_CONTAINER),
            watermark=_watermark(facts),
        )
    except LabelRefused as refused:
        raise Refusal(refused.sentence) from None


def _latest_start(facts: LabelFacts) -> datetime:
    return bag_latest_start(facts.day_plan, facts.bag.number, facts.day.run_at, facts.protocol)


def _visit_and_day(facts: LabelFacts) -> str:
    return f"{facts.visit.name}, day {facts.day.day} of {facts.days}"


def _bag_n_of_n(facts: LabelFacts) -> str:
    return f"Bag {facts.bag.number} of {facts.bag.of}"


def _flush(protocol: Protocol) -> str:
    return f"Flush with {protocol.flush.fluid}, {format_volume(protocol.flush.volume_ml)}."


def _date_prepared(run_at: datetime, zone: ZoneInfo) -> str:
    """The run's date: the real moment of preparation is told to nobody (B10)."""
    return f"Prepared {format_limit(run_at, zone).split()[0]}"


def _sentences(*texts: str) -> str:
    return " ".join(f"{text.rstrip('.')}." for text in texts)


def _code(facts: LabelFacts, piece: Piece) -> str:
    return BagCode(facts.practice, piece, facts.code_body).text


def _watermark(facts: LabelFacts) -> str:
    return WATERMARK if facts.practice else ""
