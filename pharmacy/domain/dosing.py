"""From a weight to a dose plan.

Nothing here, and nothing it calls, knows an arm: the placebo is planned as if it were immune
globulin (requirements D1, D3, B6). Order: weight, dosing weight, grams, grid and tolerance, days,
bags, volumes, ladder, duration; all exact, nothing rounded early.
"""

from __future__ import annotations

from decimal import Decimal, localcontext

from pharmacy.domain.dose_arithmetic import arithmetic_lines
from pharmacy.domain.dose_plan import BagPlan, DayPlan, DosePlan
from pharmacy.domain.dosing_weight import Body, dosing_weight
from pharmacy.domain.errors import Refusal
from pharmacy.domain.history import History, is_first_infusion
from pharmacy.domain.protocol_parts import Protocol, Visit
from pharmacy.domain.quantities import EXACT
from pharmacy.domain.rates import Ceiling, LadderStep, build_ladder, ceiling, infusion_minutes
from pharmacy.domain.splitting import (
    check_tolerance,
    course_grams,
    round_to_grid,
    split_evenly,
    split_into_bags,
    volume_ml,
)
from pharmacy.domain.weight_limits import weight_to_dose


def plan(
    weight_kg: Decimal,
    protocol: Protocol,
    visit: str,
    at_risk: bool,
    history: History,
    *,
    body: Body | None = None,
    over_limit: str | None = None,
) -> DosePlan:
    """The dose plan of one course, for either arm.

    `over_limit` is the investigator's signed choice for a weight over the protocol's limit.
    Refused: an unknown visit or one without infusion, a weight outside the limits, a dose that
    rounding moves too far. Whether the weight is fresh is for `weight_limits.check_weight` to say.
    """
    planned = _infusion_visit(protocol, visit)
    _check_decimals(weight_kg)
    with localcontext(EXACT):
        limited_kg = weight_to_dose(protocol, weight_kg, over_limit)
        dosing_kg, method = dosing_weight(protocol.weight.dosing, limited_kg, body)
        if limited_kg != weight_kg:
            method = method.replace("actual", "the limit")
        first = is_first_infusion(protocol, planned, history)
        exact_g, course_g, days = plan_course(dosing_kg, protocol, at_risk, first)
        return DosePlan(
            protocol_code=protocol.code,
            protocol_version=protocol.version,
            visit=planned.code,
            weight_kg=weight_kg,
            dosing_weight_kg=dosing_kg,
            at_risk=at_risk,
            first_infusion=first,
            course_g_exact=exact_g,
            course_g=course_g,
            course_ml=volume_ml(course_g, protocol.product.concentration_g_per_ml),
            days=days,
            arithmetic=arithmetic_lines(
                protocol, weight_kg, dosing_kg, method, at_risk, first, exact_g, days
            ),
        )


def plan_course(
    dosing_weight_kg: Decimal, protocol: Protocol, at_risk: bool, first_infusion: bool
) -> tuple[Decimal, Decimal, tuple[DayPlan, ...]]:
    """Course grams exact and rounded, and the infusion days, for a dosing weight."""
    with localcontext(EXACT):
        exact_g = course_grams(protocol.dose, dosing_weight_kg)
        course_g = round_to_grid(exact_g, protocol.dose)
        check_tolerance(exact_g, course_g, protocol.dose)
        number = protocol.split.days_at_risk if at_risk else protocol.split.days
        bound = ceiling(protocol.rates, dosing_weight_kg, at_risk)
        steps = protocol.rates.first if first_infusion else protocol.rates.later
        ladder = build_ladder(
            steps, bound, dosing_weight_kg, protocol.rates.pump_step_ml_per_hour
        )
        days = tuple(
            _day(day, grams, protocol, ladder, bound)
            for day, grams in enumerate(
                split_evenly(course_g, number, protocol.dose.grid_g), start=1
            )
        )
        return exact_g, course_g, days


def _day(
    day: int, grams: Decimal, protocol: Protocol, ladder: tuple[LadderStep, ...], bound: Ceiling
) -> DayPlan:
    concentration = protocol.product.concentration_g_per_ml
    bags = split_into_bags(grams, protocol)
    day_ml = volume_ml(grams, concentration)
    minutes, exact_min = infusion_minutes(ladder, day_ml)
    return DayPlan(
        day=day,
        grams=grams,
        volume_ml=day_ml,
        bags=tuple(
            BagPlan(day, number, len(bags), volume_ml(bag_g, concentration), bag_g)
            for number, bag_g in enumerate(bags, start=1)
        ),
        ladder=ladder,
        duration_min=minutes,
        duration_min_exact=exact_min,
        limited_by=bound.bound,
    )


def _infusion_visit(protocol: Protocol, code: str) -> Visit:
    visit = protocol.find_visit(code)
    if visit is None:
        known = ", ".join(each.code for each in protocol.infusion_visits())
        raise Refusal(f"{protocol.code} has no visit {code}; choose one of {known}.", 404)
    if not visit.infusion:
        raise Refusal(f"{visit.name} has no infusion, so there is nothing to plan.")
    return visit


def _check_decimals(weight_kg: Decimal) -> None:
    if not isinstance(weight_kg, Decimal) or not weight_kg.is_finite():
        raise TypeError("a weight is a finite Decimal")
    if weight_kg * 10 % 1:
        raise ValueError("a weight has at most one decimal")
