"""The dose plan as a value: what is given, on which day, in which bags and at which rates.

It is computed before and without the arm, and stored as canonical JSON: counts and minutes as
integers, quantities as plain decimal text (`plan_to_dict`, `plan_from_dict`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pharmacy.domain.quantities import plain, read_plain
from pharmacy.domain.rates import LadderStep


@dataclass(frozen=True, slots=True)
class BagPlan:
    """Bag `number` of `of` on an infusion day; numbers start at 1 each day."""

    day: int
    number: int
    of: int
    volume_ml: Decimal
    grams: Decimal


@dataclass(frozen=True, slots=True)
class DayPlan:
    """One infusion day. The ladder belongs to the day and goes on over a change of bag.

    `duration_min` is `duration_min_exact` rounded up. `limited_by` is the bound that set the
    day's ceiling: label, indication, risk, site or pump.
    """

    day: int
    grams: Decimal
    volume_ml: Decimal
    bags: tuple[BagPlan, ...]
    ladder: tuple[LadderStep, ...]
    duration_min: int
    duration_min_exact: Decimal
    limited_by: str


@dataclass(frozen=True, slots=True)
class DosePlan:
    """One course. `arithmetic` holds the lines a pharmacist can check by hand."""

    protocol_code: str
    protocol_version: str
    visit: str
    weight_kg: Decimal
    dosing_weight_kg: Decimal
    at_risk: bool
    first_infusion: bool
    course_g_exact: Decimal
    course_g: Decimal
    course_ml: Decimal
    days: tuple[DayPlan, ...]
    arithmetic: tuple[str, ...]

    @property
    def ladder(self) -> tuple[LadderStep, ...]:
        """The rate ladder, the same on every day of the course."""
        return self.days[0].ladder

    @property
    def limited_by(self) -> str:
        """The bound that set the ceiling, the same on every day of the course."""
        return self.days[0].limited_by

    @property
    def bags(self) -> tuple[BagPlan, ...]:
        """All bags of the course, in the order they are given."""
        return tuple(bag for day in self.days for bag in day.bags)


def plan_to_dict(plan: DosePlan) -> dict[str, Any]:
    """The plan as JSON values; equal plans give equal values."""
    return {
        "protocol_code": plan.protocol_code,
        "protocol_version": plan.protocol_version,
        "visit": plan.visit,
        "weight_kg": plain(plan.weight_kg),
        "dosing_weight_kg": plain(plan.dosing_weight_kg),
        "at_risk": plan.at_risk,
        "first_infusion": plan.first_infusion,
        "course_g_exact": plain(plan.course_g_exact),
        "course_g": plain(plan.course_g),
        "course_ml": plain(plan.course_ml),
        "days": [_day_to_dict(day) for day in plan.days],
        "arithmetic": list(plan.arithmetic),
    }


def _day_to_dict(day: DayPlan) -> dict[str, Any]:
    return {
        "day": day.day,
        "grams": plain(day.grams),
        "volume_ml": plain(day.volume_ml),
        "bags": [_bag_to_dict(bag) for bag in day.bags],
        "ladder": [_step_to_dict(step) for step in day.ladder],
        "duration_min": day.duration_min,
        "duration_min_exact": plain(day.duration_min_exact),
        "limited_by": day.limited_by,
    }


def _bag_to_dict(bag: BagPlan) -> dict[str, Any]:
    return {
        "day": bag.day,
        "number": bag.number,
        "of": bag.of,
        "volume_ml": plain(bag.volume_ml),
        "grams": plain(bag.grams),
    }


def _step_to_dict(step: LadderStep) -> dict[str, Any]:
    return {
        "start_min": step.start_min,
        "rate_ml_per_kg_per_min": plain(step.rate_ml_per_kg_per_min),
        "rate_ml_per_hour_exact": plain(step.rate_ml_per_hour_exact),
        "rate_ml_per_hour": plain(step.rate_ml_per_hour),
        "held_by": step.held_by,
    }


def plan_from_dict(values: dict[str, Any]) -> DosePlan:
    """Read back what `plan_to_dict` wrote.

    A record that was altered in shape is a bug or a tampered record, not a form: `ValueError`,
    `KeyError` or `TypeError`.
    """
    return DosePlan(
        protocol_code=_text(values["protocol_code"]),
        protocol_version=_text(values["protocol_version"]),
        visit=_text(values["visit"]),
        weight_kg=read_plain(values["weight_kg"]),
        dosing_weight_kg=read_plain(values["dosing_weight_kg"]),
        at_risk=_flag(values["at_risk"]),
        first_infusion=_flag(values["first_infusion"]),
        course_g_exact=read_plain(values["course_g_exact"]),
        course_g=read_plain(values["course_g"]),
        course_ml=read_plain(values["course_ml"]),
        days=tuple(_day_from_dict(day) for day in values["days"]),
        arithmetic=tuple(_text(line) for line in values["arithmetic"]),
    )


def _day_from_dict(values: dict[str, Any]) -> DayPlan:
    return DayPlan(
        day=_count(values["day"]),
        grams=read_plain(values["grams"]),
        volume_ml=read_plain(values["volume_ml"]),
        bags=tuple(_bag_from_dict(bag) for bag in values["bags"]),
        ladder=tuple(_step_from_dict(step) for step in values["ladder"]),
        duration_min=_count(values["duration_min"]),
        duration_min_exact=read_plain(values["duration_min_exact"]),
        limited_by=_text(values["limited_by"]),
    )


def _bag_from_dict(values: dict[str, Any]) -> BagPlan:
    return BagPlan(
        day=_count(values["day"]),
        number=_count(values["number"]),
        of=_count(values["of"]),
        volume_ml=read_plain(values["volume_ml"]),
        grams=read_plain(values["grams"]),
    )


def _step_from_dict(values: dict[str, Any]) -> LadderStep:
    held_by = values["held_by"]
    return LadderStep(
        start_min=_count(values["start_min"]),
        rate_ml_per_kg_per_min=read_plain(values["rate_ml_per_kg_per_min"]),
        rate_ml_per_hour_exact=read_plain(values["rate_ml_per_hour_exact"]),
        rate_ml_per_hour=read_plain(values["rate_ml_per_hour"]),
        held_by=None if held_by is None else _text(held_by),
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false was expected")
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("a whole number was expected")
    return value
