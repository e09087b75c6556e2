"""Whether the labels hold what a plan puts on them, asked long before anybody draws a drug (A25).

A whole protocol is asked when a study is made from it, each plan again before it is kept. Nothing
is printed for that: every text is set where it would stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from labels.content import BagLabel, InnerLabel
from labels.errors import LabelRefused
from labels.pdf import need_room
from labels.typesetting import WIDEST_DIGIT
from pharmacy.domain.admitted import actual_up_to_kg, people, those_who_decide
from pharmacy.domain.bag_code import BODY_LENGTH
from pharmacy.domain.dose_plan import BagPlan, DayPlan, DosePlan
from pharmacy.domain.errors import Refusal
from pharmacy.domain.label_rates import rate_rows
from pharmacy.domain.protocol import Protocol, ProtocolError, Visit
from pharmacy.domain.quantities import format_grams, format_volume
from pharmacy.domain.time_limits import time_limits
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import InfusionDay, Order
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.studies import Site
from pharmacy.services.label_texts import LabelFacts, compose_cover, compose_inner

# Whoever signs has two initials; no letter is wider.
_STAFF = "WW/WW"
_CODE_BODY = "W" * BODY_LENGTH
_RUN_AT = datetime(2026, 11, 30, 18, tzinfo=UTC)
_RATE = re.compile(r"([0-9,]+)(?:[.][0-9]+)?( mL/hour)")


@dataclass(frozen=True)
class OnPaper:
    """Whose labels are asked: the rows as they are, or made up ones in no database."""

    site: Site
    participant: Participant
    order_number: str
    practice: bool


def need_plan_fits(plan: DosePlan, protocol: Protocol, paper: OnPaper) -> None:
    """Refuse (409) a plan of which a label could not carry what must stand on it."""
    visit = protocol.find_visit(plan.visit)
    if visit is None:
        raise ValueError("a plan is of a visit of its protocol")
    for day in plan.days:
        for bag in day.bags:
            try:
                for label in _labels(protocol, visit, len(plan.days), day, bag, paper):
                    need_room(label)
            except LabelRefused as refused:
                raise Refusal(
                    f"{visit.name}, day {day.day}, bag {bag.number}: {refused.sentence}"
                ) from None


def need_protocol_fits(protocol: Protocol) -> None:
    """Refuse, as a `ProtocolError`, a protocol of which somebody's label would have no room.

    Everybody it admits is asked, at every visit, and whoever is over its limit as far as a dose
    on the actual weight fits the time. Every figure is taken at its widest, with the decimals of
    the pump, so that labels of one shape are asked once.
    """
    asked: set[object] = set()
    for day, days, bag in _bags_admitted(protocol):
        shape = _shape(protocol, day, days, bag)
        if shape in asked:
            continue
        asked.add(shape)
        for visit in protocol.infusion_visits():
            try:
                for label in _labels(protocol, visit, days, day, bag, _SAMPLE):
                    wide = _widest(label, protocol)
                    if wide not in asked:
                        need_room(wide)
                    asked.add(wide)
            except (LabelRefused, Refusal) as refused:
                raise ProtocolError(
                    "label", f"{visit.name}, {format_volume(bag.volume_ml)}: {refused.sentence}"
                ) from None


def _bags_admitted(protocol: Protocol) -> Iterator[tuple[DayPlan, int, BagPlan]]:
    rule = protocol.weight
    admitted = people(protocol, rule.minimum_kg, rule.maximum_kg)
    over = people(protocol, rule.maximum_kg, actual_up_to_kg(protocol) or rule.maximum_kg)
    for judged in those_who_decide(protocol, chain(admitted, over)):
        for day in judged.days:
            for bag in day.bags:
                yield day, len(judged.days), bag


def _shape(protocol: Protocol, day: DayPlan, days: int, bag: BagPlan) -> tuple[object, ...]:
    """What a label's width depends on, before a label is composed."""
    rates = tuple(
        (_widest_text(rate, protocol), _widest_text(words, protocol))
        for rate, words in rate_rows(day, bag.number, protocol)
    )
    amounts = format_volume(bag.volume_ml), format_grams(bag.grams)
    wide = tuple(_widest_text(amount, protocol) for amount in amounts)
    return rates, wide, day.day, days, bag.number, bag.of


def _widest_text(text: str, protocol: Protocol) -> str:
    """Each digit as the widest one, and each rate with all the decimals the pump can run."""
    exponent = protocol.rates.pump_step_ml_per_hour.normalize().as_tuple().exponent
    decimals = max(0, -int(exponent))
    tail = f".{'0' * decimals}" if decimals else ""
    return re.sub("[0-9]", WIDEST_DIGIT, _RATE.sub(rf"\g<1>{tail}\g<2>", text))


def _widest(label: BagLabel | InnerLabel, protocol: Protocol) -> BagLabel | InnerLabel:
    def wide(text: str) -> str:
        return _widest_text(text, protocol)

    label = replace(label, volume=wide(label.volume), visit_and_day=wide(label.visit_and_day))
    if isinstance(label, InnerLabel):
        return label
    return replace(
        label,
        product_line=wide(label.product_line),
        rate_steps=tuple((wide(rate), wide(words)) for rate, words in label.rate_steps),
        start_by=wide(label.start_by),
        stop_by=wide(label.stop_by),
    )


def _labels(
    protocol: Protocol, visit: Visit, days: int, day: DayPlan, bag: BagPlan, paper: OnPaper
) -> tuple[BagLabel, InnerLabel]:
    limits = time_limits(_RUN_AT, day.duration_min, protocol)
    facts = LabelFacts(
        site=paper.site,
        protocol=protocol,
        visit=visit,
        participant=paper.participant,
        order=Order(number=paper.order_number, first_day=_RUN_AT.date()),
        day=InfusionDay(
            day=day.day,
            run_at=_RUN_AT,
            latest_start=limits.latest_start,
            stop_by=limits.stop_by,
        ),
        day_plan=day,
        days=days,
        bag=Bag(number=bag.number, of=bag.of, volume_ml=bag.volume_ml),
        bag_plan=bag,
        code_body=_CODE_BODY,
        practice=paper.practice,
    )
    return compose_cover(facts, _STAFF), compose_inner(facts)


# Site and participant have zones of their own, asked when they are typed.
_SAMPLE = OnPaper(
    site=Site(
        pharmacy_name="-",
        pharmacy_address="-",
        pharmacy_phone="-",
        unblinding_phone="-",
        zone="America/Chicago",
        investigator_name="-",
    ),
    participant=Participant(code="-"),
    order_number="000000",
    practice=True,
)
