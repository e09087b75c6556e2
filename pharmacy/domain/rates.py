"""The rate ladder of an infusion day: ceiling, steps, rounding to the pump, duration.

A step's one canonical quantity is mL/kg/min; mL/hour is that times the dosing weight times 60,
held under the lowest bound and rounded down to the pump's step. Sources: product labels as
protocol data, design of the dose plan step 7 and 8, requirement A14.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from itertools import pairwise

from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol_parts import RateRule, RateStep
from pharmacy.domain.quantities import EXACT, QUOTIENT, format_weight, round_down

MINUTES_IN_HOUR = Decimal(60)
# How finely a rate per kg is written when an hourly bound, which is exact, holds it.
_HELD_PER_KG = Decimal("0.000001")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The lowest bound and which it was: label, indication, risk, site or pump.

    `ml_per_kg_per_min` is None where the bound is one in mL/hour (site, pump).
    """

    bound: str
    ml_per_hour: Decimal
    ml_per_kg_per_min: Decimal | None


@dataclass(frozen=True, slots=True)
class LadderStep:
    """One step: minutes from the start, the canonical rate, mL/hour exact and for the pump.

    `held_by` names the bound that held the step under its ordered rate, or is None.
    """

    start_min: int
    rate_ml_per_kg_per_min: Decimal
    rate_ml_per_hour_exact: Decimal
    rate_ml_per_hour: Decimal
    held_by: str | None


def ml_per_hour_exact(rate_ml_per_kg_per_min: Decimal, weight_kg: Decimal) -> Decimal:
    """mL/kg/min x kg x 60, unrounded."""
    per_minute = EXACT.multiply(rate_ml_per_kg_per_min, weight_kg)
    return EXACT.multiply(per_minute, MINUTES_IN_HOUR)


def mg_per_kg(ml_per_kg: Decimal, concentration_g_per_ml: Decimal) -> Decimal:
    """mL/kg as mg/kg, per whatever time: how labels print a rate beside mL/kg."""
    return EXACT.multiply(EXACT.multiply(ml_per_kg, concentration_g_per_ml), Decimal(1000))


def ceiling(rates: RateRule, weight_kg: Decimal, at_risk: bool) -> Ceiling:
    """The lowest of the bounds that apply; where two are equal the one named first.

    The order is label, indication, risk (at-risk people only), site, pump.
    """
    bounds = rates.ceilings
    per_kg = [
        ("label", bounds.label_ml_per_kg_per_min),
        ("indication", bounds.indication_ml_per_kg_per_min),
    ]
    if at_risk:
        per_kg.append(("risk", bounds.risk_ml_per_kg_per_min))
    found = [Ceiling(name, ml_per_hour_exact(rate, weight_kg), rate) for name, rate in per_kg]
    if bounds.site_ml_per_hour is not None:
        found.append(Ceiling("site", bounds.site_ml_per_hour, None))
    found.append(Ceiling("pump", bounds.pump_ml_per_hour, None))
    return min(found, key=lambda bound: bound.ml_per_hour)


def build_ladder(
    steps: tuple[RateStep, ...], bound: Ceiling, weight_kg: Decimal, pump_step: Decimal
) -> tuple[LadderStep, ...]:
    """The ordered steps under the ceiling, as the pump can run them.

    The first step that reaches the ceiling is the last of the ladder. Refused, when a rate
    rounds down to nothing.
    """
    ladder: list[LadderStep] = []
    start_min = 0
    for step in steps:
        ladder.append(_step(step, start_min, bound, weight_kg, pump_step))
        if ladder[-1].rate_ml_per_hour_exact >= bound.ml_per_hour:
            break
        start_min += step.minutes or 0
    return tuple(ladder)


def _step(
    step: RateStep, start_min: int, bound: Ceiling, weight_kg: Decimal, pump_step: Decimal
) -> LadderStep:
    ordered = ml_per_hour_exact(step.rate_ml_per_kg_per_min, weight_kg)
    held = ordered > bound.ml_per_hour
    exact = bound.ml_per_hour if held else ordered
    for_pump = round_down(exact, pump_step)
    if for_pump <= 0:
        raise Refusal(
            f"At {format_weight(weight_kg)} the first rate is below the pump's smallest step: "
            "ask the pharmacist in charge for another ladder."
        )
    return LadderStep(
        start_min=start_min,
        rate_ml_per_kg_per_min=(
            _held_per_kg(bound, weight_kg) if held else step.rate_ml_per_kg_per_min
        ),
        rate_ml_per_hour_exact=exact,
        rate_ml_per_hour=for_pump,
        held_by=bound.bound if held else None,
    )


def _held_per_kg(bound: Ceiling, weight_kg: Decimal) -> Decimal:
    if bound.ml_per_kg_per_min is not None:
        return bound.ml_per_kg_per_min
    per_kg = QUOTIENT.divide(bound.ml_per_hour, weight_kg * MINUTES_IN_HOUR)
    return per_kg.quantize(_HELD_PER_KG, rounding=ROUND_DOWN, context=QUOTIENT)


def infusion_minutes(ladder: tuple[LadderStep, ...], volume_ml: Decimal) -> tuple[int, Decimal]:
    """How long a volume takes at the pump's rounded rates: whole minutes up, and the exact time.

    The whole minutes are rounded up from the true quotient; the exact time is its first 28
    digits. A volume that is in before the last step ends the ladder early.
    """
    step, left = _last_step(ladder, volume_ml)
    whole, rest = divmod(left, step.rate_ml_per_hour)
    minutes = step.start_min + int(whole) + (1 if rest else 0)
    exact = QUOTIENT.add(Decimal(step.start_min), QUOTIENT.divide(left, step.rate_ml_per_hour))
    return minutes, exact


def step_at_volume(ladder: tuple[LadderStep, ...], volume_ml: Decimal) -> LadderStep:
    """The step that runs when this much of the day is in: where a later bag goes on."""
    return _last_step(ladder, volume_ml)[0]


def _last_step(ladder: tuple[LadderStep, ...], volume_ml: Decimal) -> tuple[LadderStep, Decimal]:
    """The step in which the volume ends, and the mL x 60 that are left at its start."""
    # Counted in mL x 60, so that rate x minutes needs no division.
    left = volume_ml * MINUTES_IN_HOUR
    for step, following in pairwise(ladder):
        run = step.rate_ml_per_hour * (following.start_min - step.start_min)
        if left < run:
            return step, left
        left -= run
    return ladder[-1], left
