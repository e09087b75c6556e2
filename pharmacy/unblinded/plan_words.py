"""A dose plan as the planning page shows it: finished values, nothing computed anew."""

from __future__ import annotations

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.quantities import (
    format_grams,
    format_rate,
    format_volume,
    format_weight,
    plain,
)
from pharmacy.domain.rate_words import last_rate
from pharmacy.domain.site_time import format_day
from pharmacy.persistence.participants import Weight

_BREAKS = (" = ", ": ", "; ", " takes ")


def totals(
    plan: DosePlan, weight: Weight, protocol: Protocol, decision: str = ""
) -> list[tuple[str, str, str]]:
    """The course in a few lines: label, value, note; with what was signed about the weight."""
    course = f"{format_grams(plan.course_g)}, {format_volume(plan.course_ml)}"
    last = plan.ladder[-1]
    weighed = f"measured {format_day(weight.measured_on)} by {weight.measured_by}"
    return [
        ("Weight", format_weight(plan.weight_kg), weighed),
        *((("Signed about the weight", decision, ""),) if decision else ()),
        ("Course", course, ""),
        ("Ladder", "First infusion" if plan.first_infusion else "Later infusion", ""),
        ("Risk group", "Yes" if plan.at_risk else "No", ""),
        ("Last rate", format_rate(last.rate_ml_per_hour), last_rate(plan, protocol)),
    ]


def arithmetic(plan: DosePlan) -> list[tuple[str, str]]:
    """The lines to check by hand, each as what is reckoned and what comes out; the course last."""
    course = f"{format_grams(plan.course_g)}, {format_volume(plan.course_ml)}"
    return [*map(_split, plan.arithmetic), ("Course", course)]


def day_rows(plan: DosePlan) -> list[tuple[str, str, str, str]]:
    """Each infusion day: its name, grams, volume with bags, duration."""
    return [
        (
            f"Day {day.day}",
            format_grams(day.grams),
            " + ".join(format_volume(bag.volume_ml) for bag in day.bags),
            f"{day.duration_min} min",
        )
        for day in plan.days
    ]


def ladder(plan: DosePlan) -> list[tuple[int, str]]:
    """The steps for the chart: minute and mL/hour."""
    return [(step.start_min, plain(step.rate_ml_per_hour)) for step in plan.ladder]


def _split(line: str) -> tuple[str, str]:
    for mark in _BREAKS:
        if mark in line:
            label, result = line.split(mark, 1)
            return label, result
    return line, ""
