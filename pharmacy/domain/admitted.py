"""What a protocol admits, proved: every weight, height and risk has a plan that fits its limits.

Weights go by 0.1 kg as they are typed, heights by whole centimetres where the protocol doses on
ideal or adjusted weight. Plans of the same grams differ in their rates alone, and these never fall
as the dosing weight rises; so a dosing weight between two that were planned needs no plan of its
own (requirements D1, D7).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.dosing import plan_course
from pharmacy.domain.dosing_weight import Body, dosing_weight
from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol_fields import ProtocolError
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.quantities import HEAVIEST_TYPED_KG, format_number, format_weight
from pharmacy.domain.splitting import course_grams, round_to_grid
from pharmacy.domain.time_limits import (
    begin_limit_min,
    complete_limit_min,
    earliest_start_min,
    minutes_needed,
)

# People outside are judged one by one, when their plan is made.
SHORTEST_PROVED_CM = 140
TALLEST_PROVED_CM = 200
_WEIGHT_STEP_KG = Decimal("0.1")


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody the protocol admits: the weight, the body where it counts, the dosing weight."""

    weight_kg: Decimal
    body: Body | None
    dosing_kg: Decimal

    @property
    def words(self) -> str:
        """`31.3 kg`, or `31.3 kg, 150 cm, F`."""
        if self.body is None:
            return format_weight(self.weight_kg)
        height = f"{format_number(self.body.height_cm)} cm"
        return f"{format_weight(self.weight_kg)}, {height}, {self.body.sex}"


@dataclass(frozen=True, slots=True)
class LongestPlan:
    """The infusion day that takes longest under a protocol, with the person who needs it."""

    person: Person
    at_risk: bool
    day: int
    duration_min: int

    @property
    def weight_kg(self) -> Decimal:
        """The scale's weight of that person."""
        return self.person.weight_kg


@dataclass(frozen=True, slots=True)
class Judged:
    """One person on one ladder: the infusion days, or why there is no plan."""

    person: Person
    at_risk: bool
    first_infusion: bool
    days: tuple[DayPlan, ...]
    refused: str


def counts_height(protocol: Protocol) -> bool:
    """Whether height and sex decide about the dose."""
    return protocol.weight.dosing.rule != "actual"


def people(protocol: Protocol, from_kg: Decimal, to_kg: Decimal) -> Iterator[Person]:
    """Every person between two weights, the lightest first."""
    rule = protocol.weight.dosing
    bodies = _bodies() if counts_height(protocol) else (None,)
    weight_kg = from_kg
    while weight_kg <= to_kg:
        for body in bodies:
            yield Person(weight_kg, body, dosing_weight(rule, weight_kg, body)[0])
        weight_kg += _WEIGHT_STEP_KG


def _bodies() -> tuple[Body, ...]:
    heights = range(SHORTEST_PROVED_CM, TALLEST_PROVED_CM + 1)
    return tuple(Body(Decimal(height), sex) for height in heights for sex in ("F", "M"))


def those_who_decide(protocol: Protocol, admitted: Iterable[Person]) -> Iterator[Judged]:
    """Everybody whose plan no other one answers for, in both risk groups and on either ladder."""
    rates = protocol.rates
    ladders = (True,) if rates.first == rates.later else (True, False)
    planned: dict[Decimal, tuple[Decimal, Decimal]] = {}
    for person in admitted:
        dosing_kg = person.dosing_kg
        course_g = round_to_grid(course_grams(protocol.dose, dosing_kg), protocol.dose)
        lowest, highest = planned.get(course_g, (dosing_kg, dosing_kg))
        if course_g in planned and lowest <= dosing_kg <= highest:
            continue
        for at_risk in (False, True):
            for first in ladders:
                yield _judged(protocol, person, at_risk, first)
        planned[course_g] = (min(lowest, dosing_kg), max(highest, dosing_kg))


def _judged(protocol: Protocol, person: Person, at_risk: bool, first: bool) -> Judged:
    try:
        _, _, days = plan_course(person.dosing_kg, protocol, at_risk, first)
    except Refusal as refused:
        return Judged(person, at_risk, first, (), refused.sentence)
    return Judged(person, at_risk, first, days, "")


def longest_plan(protocol: Protocol) -> LongestPlan:
    """The longest infusion day of everybody from the least to the greatest weight.

    Somebody who cannot be planned for at all is a `ProtocolError`.
    """
    longest: LongestPlan | None = None
    rule = protocol.weight
    admitted = people(protocol, rule.minimum_kg, rule.maximum_kg)
    for judged in those_who_decide(protocol, admitted):
        if judged.refused:
            raise ProtocolError(
                "dose", f"at {judged.person.words} there is no plan: {judged.refused}"
            )
        day = max(judged.days, key=lambda each: each.duration_min)
        if longest is None or day.duration_min > longest.duration_min:
            longest = LongestPlan(judged.person, judged.at_risk, day.day, day.duration_min)
    if longest is None:
        raise ProtocolError("weight", "leaves no weight to plan for")
    return longest


def longest_plan_check(protocol: Protocol) -> LongestPlan:
    """Refuse a protocol whose longest plan cannot meet its own limits; return that plan if it can.

    Preparation, wait for the run, travel and set-up must leave the longest infusion and the
    safety margin before the complete limits, and must themselves end before the begin limits.
    """
    longest = longest_plan(protocol)
    start_min, begin_min = earliest_start_min(protocol), begin_limit_min(protocol)
    if begin_min is not None and start_min > begin_min:
        raise ProtocolError(
            "margins", f"{start_min} minutes until the start are over the limit of {begin_min}"
        )
    needed_min = minutes_needed(longest.duration_min, protocol)
    if needed_min > complete_limit_min(protocol):
        raise ProtocolError(
            "limits",
            f"the longest plan, {longest.person.words} at {longest.duration_min} "
            f"minutes, needs {needed_min} minutes with its margins; the limit is "
            f"{complete_limit_min(protocol)}",
        )
    return longest


def actual_up_to_kg(protocol: Protocol) -> Decimal | None:
    """Up to which weight over the limit a dose on the actual weight has a plan that fits.

    None where the protocol does not offer that choice; the heaviest weight that can be typed
    where all fit. A heavier one is refused when its plan is made.
    """
    if "actual" not in protocol.weight.over_limit_choices:
        return None
    limit_kg, limit_min = protocol.weight.maximum_kg, complete_limit_min(protocol)
    over = people(protocol, limit_kg + _WEIGHT_STEP_KG, HEAVIEST_TYPED_KG)
    for judged in those_who_decide(protocol, over):
        longest_min = max((day.duration_min for day in judged.days), default=0)
        if judged.refused or minutes_needed(longest_min, protocol) > limit_min:
            return judged.person.weight_kg - _WEIGHT_STEP_KG
    return max(HEAVIEST_TYPED_KG, limit_kg)
