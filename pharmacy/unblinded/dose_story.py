"""How a bag's dose came about, in finished words: the weight, the arithmetic, the ladder."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.quantities import (
    format_grams,
    format_number,
    format_rate,
    format_volume,
    format_weight,
)
from pharmacy.domain.rate_words import last_rate
from pharmacy.domain.site_time import format_day
from pharmacy.persistence.participants import Weight
from pharmacy.services import plans
from pharmacy.services.act import Act
from pharmacy.unblinded.at_bench import BenchBag

_ROUNDED = {
    "nearest_ties_down": "Nearest {grid}",
    "nearest_ties_up": "Nearest {grid}",
    "down": "Down to {grid}",
    "up": "Up to {grid}",
}


@dataclass(frozen=True)
class DoseStory:
    """Lines of label, result and rule; the ladder as start minutes and mL/hour; its end."""

    lines: tuple[tuple[str, str, str], ...]
    ladder: tuple[tuple[str, str], ...]
    end_min: int
    ceiling: str


def dose_story(act: Act, on_bench: BenchBag) -> DoseStory:
    """The story of one bag, from the plan as it was kept."""
    plan = plans.plan_of(on_bench.course)
    day = plan.days[on_bench.day.day - 1]
    last = day.ladder[-1]
    ladder = tuple((str(s.start_min), format_number(s.rate_ml_per_hour)) for s in day.ladder)
    rate = f"The last rate, {format_rate(last.rate_ml_per_hour)}, is "
    rounded = last.rate_ml_per_hour != last.rate_ml_per_hour_exact
    to_pump = ". It is rounded down to the pump's step" if rounded else ""
    return DoseStory(
        _lines(act, on_bench, plan),
        ladder,
        day.duration_min,
        f"{rate}{last_rate(plan, on_bench.protocol)}{to_pump}. "
        f"The day takes {day.duration_min} min.",
    )


def _lines(act: Act, on_bench: BenchBag, plan: DosePlan) -> tuple[tuple[str, str, str], ...]:
    weight = act.uow.session.get_one(Weight, on_bench.course.weight_id)
    protocol = on_bench.protocol
    dose, per_ml = protocol.dose, protocol.product.concentration_g_per_ml
    rounded = _ROUNDED[dose.rounding].format(grid=format_grams(dose.grid_g))
    dosing = (
        (("Dosing weight", format_weight(plan.dosing_weight_kg), _method(plan, protocol)),)
        if plan.dosing_weight_kg != plan.weight_kg
        else ()
    )
    return (
        (f"Weight, {format_day(weight.measured_on)}", format_weight(plan.weight_kg), ""),
        *dosing,
        (f"{format_grams(dose.g_per_kg)} per kg", format_grams(plan.course_g_exact), ""),
        (rounded, format_grams(plan.course_g), ""),
        (f"{format_grams(per_ml)} in each mL", format_volume(plan.course_ml), ""),
        *_split(on_bench, plan),
    )


def _method(plan: DosePlan, protocol: Protocol) -> str:
    """Why the dosing weight is another than the measured one."""
    if plan.dosing_weight_kg == protocol.weight.maximum_kg < plan.weight_kg:
        return "The protocol's limit"
    return "Ideal weight" if protocol.weight.dosing.rule == "ideal" else "Adjusted weight"


def _split(on_bench: BenchBag, plan: DosePlan) -> tuple[tuple[str, str, str], ...]:
    days = _of(len(plan.days), "infusion day")
    of_day = plan.days[on_bench.day.day - 1]
    limit = format_volume(on_bench.protocol.split.bag_fill_limit_ml)
    bag = f"This bag, {on_bench.bag.number} of {on_bench.bag.of}"
    return (
        (days, _sum([day.volume_ml for day in plan.days]), ""),
        (
            f"Day {of_day.day}, {_of(len(of_day.bags), 'bag')}",
            _sum([each.volume_ml for each in of_day.bags]),
            f"A bag holds at most {limit}",
        ),
        (bag, format_volume(on_bench.bag.volume_ml), ""),
    )


def _of(count: int, what: str) -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"


def _sum(volumes: list[Decimal]) -> str:
    return f"{' + '.join(format_number(volume_ml) for volume_ml in volumes)} mL"
