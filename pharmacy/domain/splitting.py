"""Rounding a course to the vial grid and splitting it over days and bags, on that grid.

Days, and the bags of a day, differ by at most one grid step, the larger first; bags are as few
as the fill limit allows, so that none ever holds a fraction of a grid step (requirement D3).
"""

from __future__ import annotations

from decimal import Decimal

from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol_parts import DoseRule, Protocol
from pharmacy.domain.quantities import EXACT, format_grams, format_number


def course_grams(dose: DoseRule, dosing_weight_kg: Decimal) -> Decimal:
    """g/kg x dosing weight, under the protocol's cap if it has one; unrounded."""
    grams = EXACT.multiply(dose.g_per_kg, dosing_weight_kg)
    return grams if dose.cap_g is None else min(grams, dose.cap_g)


def round_to_grid(grams: Decimal, dose: DoseRule) -> Decimal:
    """The course on the grid by the protocol's named rule; exact, never banker's rounding."""
    below = grams // dose.grid_g * dose.grid_g
    over = grams - below
    up = {
        "down": False,
        "up": over > 0,
        "nearest_ties_down": over * 2 > dose.grid_g,
        "nearest_ties_up": over * 2 >= dose.grid_g,
    }[dose.rounding]
    return below + dose.grid_g if up else below


def check_tolerance(exact_g: Decimal, rounded_g: Decimal, dose: DoseRule) -> None:
    """Refuse a rounded course further from the unrounded one than the tolerance, or over a cap."""
    off = abs(rounded_g - exact_g) * 100
    if off > dose.tolerance_percent * exact_g:
        raise Refusal(
            f"Rounding {format_grams(exact_g)} to {format_grams(rounded_g)} moves the dose by "
            f"more than the protocol's {format_number(dose.tolerance_percent)}%: "
            "ask the pharmacist in charge."
        )
    if dose.cap_g is not None and rounded_g > dose.cap_g:
        raise Refusal(
            f"The rounded dose, {format_grams(rounded_g)}, is over the protocol's cap of "
            f"{format_grams(dose.cap_g)}: ask the pharmacist in charge."
        )


def volume_ml(grams: Decimal, concentration_g_per_ml: Decimal) -> Decimal:
    """grams / concentration, exact (10%: 10 mL for each gram); raises if it would not end."""
    return EXACT.divide(grams, concentration_g_per_ml)


def split_evenly(grams: Decimal, parts: int, grid_g: Decimal) -> tuple[Decimal, ...]:
    """Grams on the grid over a number of parts that differ by one grid step at most.

    The larger parts come first. Refused, when a part would be empty.
    """
    steps, rest = divmod(grams, grid_g)
    if rest:
        raise ValueError("the grams to split are not on the grid")
    each, larger = divmod(int(steps), parts)
    if each == 0:
        raise Refusal(
            f"{format_grams(grams)} cannot be split into {parts} parts of at least "
            f"{format_grams(grid_g)}: ask the pharmacist in charge."
        )
    return tuple((each + (1 if number < larger else 0)) * grid_g for number in range(parts))


def split_into_bags(day_g: Decimal, protocol: Protocol) -> tuple[Decimal, ...]:
    """The grams of a day's bags: as few bags as the fill limit allows, larger first."""
    concentration = protocol.product.concentration_g_per_ml
    grid_g = protocol.dose.grid_g
    limit_ml = protocol.split.bag_fill_limit_ml
    count = max(1, int(volume_ml(day_g, concentration) // limit_ml))
    bags = split_evenly(day_g, count, grid_g)
    while volume_ml(bags[0], concentration) > limit_ml:
        count += 1
        bags = split_evenly(day_g, count, grid_g)
    return bags
