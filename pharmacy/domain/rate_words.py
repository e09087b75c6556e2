"""Which bound limited each rate, in words that are also true where nothing was held.

A rate is as ordered and under every bound, as ordered and at the lowest bound, or held by it
(requirement A14; design of the dose plan, step 7).
"""

from __future__ import annotations

from decimal import Decimal

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.protocol_parts import Protocol, RateStep
from pharmacy.domain.quantities import format_number, format_rate
from pharmacy.domain.rates import Ceiling, LadderStep, ceiling, ml_per_hour_exact

_BOUNDS = {
    "label": "product label",
    "indication": "indication",
    "risk": "at-risk group",
    "site": "site",
    "pump": "pump",
}


def ordered_steps(protocol: Protocol, first_infusion: bool) -> tuple[RateStep, ...]:
    """The ladder that the protocol orders, before any bound."""
    return protocol.rates.first if first_infusion else protocol.rates.later


def ordered_rate(step: RateStep, dosing_kg: Decimal) -> str:
    """A step's rate from the protocol: `0.04 mL/kg/min x 70 kg x 60 = 168`."""
    per_hour = ml_per_hour_exact(step.rate_ml_per_kg_per_min, dosing_kg)
    return (
        f"{format_number(step.rate_ml_per_kg_per_min)} mL/kg/min x {format_number(dosing_kg)} kg "
        f"x 60 = {format_number(per_hour)}"
    )


def run_at(step: LadderStep, bound: Ceiling) -> str:
    """What the pump runs at and why: `held at 126 by risk, run at 126 mL/hour`."""
    run = f"run at {format_rate(step.rate_ml_per_hour)}"
    if step.held_by is not None:
        return f"held at {format_number(step.rate_ml_per_hour_exact)} by {step.held_by}, {run}"
    if step.rate_ml_per_hour_exact == bound.ml_per_hour:
        return f"{run}, as ordered, the ceiling by {bound.bound}"
    return f"{run}, as ordered"


def last_rate(plan: DosePlan, protocol: Protocol) -> str:
    """What set the last rate of a plan's days, from the protocol it was computed from.

    A ladder that ends early, since a step before its last one reached the bound, is held too.
    """
    bound = ceiling(protocol.rates, plan.dosing_weight_kg, plan.at_risk)
    last = ordered_steps(protocol, plan.first_infusion)[-1]
    ordered = ml_per_hour_exact(last.rate_ml_per_kg_per_min, plan.dosing_weight_kg)
    whose = f"of the {_BOUNDS[bound.bound]}"
    if ordered > bound.ml_per_hour:
        return f"held by the ceiling {whose}; ordered up to {format_rate(ordered)}"
    if ordered == bound.ml_per_hour:
        return f"as ordered, and at the ceiling {whose}"
    return f"as ordered; the lowest ceiling is {format_rate(bound.ml_per_hour)}, {whose}"
