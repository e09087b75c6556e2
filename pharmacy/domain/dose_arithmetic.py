"""The arithmetic of a dose plan written out, line by line, for a pharmacist to check by hand."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.quantities import (
    QUOTIENT,
    format_grams,
    format_number,
    format_rate,
    format_volume,
    format_weight,
)
from pharmacy.domain.rate_words import ordered_rate, ordered_steps, run_at
from pharmacy.domain.rates import ceiling, mg_per_kg

_ROUNDING_WORDS = {
    "nearest_ties_down": "to the nearest, ties down",
    "nearest_ties_up": "to the nearest, ties up",
    "down": "down",
    "up": "up",
}
_SHOWN = Decimal("0.01")


def arithmetic_lines(
    protocol: Protocol,
    weight_kg: Decimal,
    dosing_kg: Decimal,
    method: str,
    at_risk: bool,
    first_infusion: bool,
    exact_g: Decimal,
    days: tuple[DayPlan, ...],
) -> tuple[str, ...]:
    """Finished sentences, in the order of the calculation."""
    ladder_words = "first infusion" if first_infusion else "later infusion"
    return (
        f"Weight {format_weight(weight_kg)}; dosing weight ({method}) {format_weight(dosing_kg)}",
        *_course_lines(protocol, dosing_kg, exact_g, days),
        *(_bag_line(day) for day in days),
        f"Ladder for a {ladder_words}; {_ceiling_words(protocol, dosing_kg, at_risk)}",
        *_step_lines(protocol, dosing_kg, at_risk, first_infusion, days[0]),
        *(_duration_line(day) for day in days),
    )


def _course_lines(
    protocol: Protocol, dosing_kg: Decimal, exact_g: Decimal, days: tuple[DayPlan, ...]
) -> tuple[str, ...]:
    dose = protocol.dose
    course_g = sum((day.grams for day in days), Decimal(0))
    course_ml = sum((day.volume_ml for day in days), Decimal(0))
    product = dose.g_per_kg * dosing_kg
    capped = f", capped at {format_grams(exact_g)}" if exact_g != product else ""
    off = _quotient(abs(course_g - exact_g) * 100, exact_g)
    split = " + ".join(format_grams(day.grams) for day in days)
    return (
        f"{format_number(dose.g_per_kg)} g/kg x {format_weight(dosing_kg)} = "
        f"{format_grams(product)}{capped}",
        f"Rounded {_ROUNDING_WORDS[dose.rounding]} on the {format_grams(dose.grid_g)} grid: "
        f"{format_grams(course_g)}, {off}% off "
        f"(tolerance {format_number(dose.tolerance_percent)}%)",
        f"{format_grams(course_g)} at {format_number(protocol.product.concentration_g_per_ml)} "
        f"g in each mL = {format_volume(course_ml)}",
        f"{len(days)} infusion {'day' if len(days) == 1 else 'days'}: {split}",
    )


def _bag_line(day: DayPlan) -> str:
    bags = " + ".join(format_volume(bag.volume_ml) for bag in day.bags)
    count = "1 bag" if len(day.bags) == 1 else f"{len(day.bags)} bags"
    return f"Day {day.day}: {format_volume(day.volume_ml)} in {count}: {bags}"


def _ceiling_words(protocol: Protocol, dosing_kg: Decimal, at_risk: bool) -> str:
    bound = ceiling(protocol.rates, dosing_kg, at_risk)
    if bound.ml_per_kg_per_min is None:
        return f"ceiling {format_rate(bound.ml_per_hour)} by {bound.bound}"
    mg = mg_per_kg(bound.ml_per_kg_per_min, protocol.product.concentration_g_per_ml)
    return (
        f"ceiling {format_number(bound.ml_per_kg_per_min)} mL/kg/min "
        f"({format_number(mg)} mg/kg/min) by {bound.bound} = {format_rate(bound.ml_per_hour)}"
    )


def _step_lines(
    protocol: Protocol, dosing_kg: Decimal, at_risk: bool, first_infusion: bool, day: DayPlan
) -> tuple[str, ...]:
    """Each step from its ordered rate, so that a held one can be followed by hand too."""
    bound = ceiling(protocol.rates, dosing_kg, at_risk)
    ordered = ordered_steps(protocol, first_infusion)[: len(day.ladder)]
    return tuple(
        f"From {step.start_min} min: {ordered_rate(rate, dosing_kg)}, {run_at(step, bound)}"
        for step, rate in zip(day.ladder, ordered, strict=True)
    )


def _duration_line(day: DayPlan) -> str:
    exact = day.duration_min_exact.quantize(_SHOWN, rounding=ROUND_UP, context=QUOTIENT)
    return f"Day {day.day} takes {format_number(exact)} min, rounded up {day.duration_min} min"


def _quotient(dividend: Decimal, divisor: Decimal) -> str:
    value = QUOTIENT.divide(dividend, divisor)
    return format_number(value.quantize(_SHOWN, rounding=ROUND_UP, context=QUOTIENT))
