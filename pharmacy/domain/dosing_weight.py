"""The weight a dose counts on: actual, ideal or adjusted, as the protocol says.

Ideal weight is Devine's: 50 kg (women 45.5 kg) and 2.3 kg for each inch over 60, with
1 cm = 0.393701 in; adjusted weight is ideal + factor x (actual - ideal), the factor being protocol
data. Nobody is dosed above the scale: an ideal or adjusted weight over the actual one gives way
to it, so that no rate is over its bound for the person as they are. Sources: nba.gov.au BloodSTAR
calculator; ivig.transfusionontario.org/dose for when the adjusted weight applies.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache

from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol_parts import DosingWeight
from pharmacy.domain.quantities import EXACT, format_number

_INCHES_IN_CM = Decimal("0.393701")
_DEVINE_MALE_KG = Decimal("50")
_DEVINE_FEMALE_KG = Decimal("45.5")
_DEVINE_KG_PER_INCH = Decimal("2.3")
_DEVINE_FROM_INCHES = Decimal("60")


@dataclass(frozen=True, slots=True)
class Body:
    """What ideal weight needs besides the scale: height in centimetres, and `M` or `F`."""

    height_cm: Decimal
    sex: str

    def __post_init__(self) -> None:
        if self.sex not in ("M", "F"):
            raise ValueError("sex is M or F")


@lru_cache(maxsize=256)
def ideal_weight_kg(body: Body) -> Decimal:
    """Devine's ideal weight, unrounded."""
    base_kg = _DEVINE_MALE_KG if body.sex == "M" else _DEVINE_FEMALE_KG
    with localcontext(EXACT):
        inches = body.height_cm * _INCHES_IN_CM
        return base_kg + _DEVINE_KG_PER_INCH * (inches - _DEVINE_FROM_INCHES)


def adjusted_weight_kg(weight_kg: Decimal, body: Body, factor: Decimal) -> Decimal:
    """Ideal weight and a fraction of what is over it, unrounded."""
    ideal_kg = ideal_weight_kg(body)
    with localcontext(EXACT):
        return ideal_kg + factor * (weight_kg - ideal_kg)


def exceeds_bmi(weight_kg: Decimal, body: Body, bmi: Decimal) -> bool:
    """Whether kg / m2 is above a value, asked without a division."""
    with localcontext(EXACT):
        return weight_kg * 10000 > bmi * body.height_cm * body.height_cm


def formula_holds(rule: DosingWeight, weight_kg: Decimal, body: Body) -> bool:
    """Whether height and weight are in the range for which the adjusted weight was published."""
    over_kg = rule.male_over_kg if body.sex == "M" else rule.female_over_kg
    if over_kg is None or rule.from_height_cm is None:
        raise ValueError("this rule has no range of its own")
    return body.height_cm >= rule.from_height_cm and weight_kg > over_kg


def dosing_weight(
    rule: DosingWeight, weight_kg: Decimal, body: Body | None
) -> tuple[Decimal, str]:
    """The dosing weight in kg, unrounded, and which it is: actual, ideal or adjusted.

    It is never above the actual weight; where the formula says more, the word is
    `actual, below ideal` or `actual, below adjusted`. Refused, when the protocol doses on another
    than the actual weight and height or sex is not on record, or the formula gives no weight.
    """
    counted_kg, method = _by_rule(rule, weight_kg, body)
    if counted_kg > weight_kg:
        return weight_kg, f"actual, below {method}"
    return counted_kg, method


def _by_rule(rule: DosingWeight, weight_kg: Decimal, body: Body | None) -> tuple[Decimal, str]:
    if rule.rule == "actual":
        return weight_kg, "actual"
    if body is None:
        raise Refusal(
            "This protocol doses on ideal or adjusted weight; record height and sex first."
        )
    if rule.rule == "adjusted_over_bmi" and not _is_over(rule, weight_kg, body):
        return weight_kg, "actual"
    _check_ideal(body)
    if rule.rule == "ideal":
        return ideal_weight_kg(body), "ideal"
    if rule.factor is None:
        raise ValueError("an adjusted weight needs its factor")
    return adjusted_weight_kg(weight_kg, body, rule.factor), "adjusted"


def _check_ideal(body: Body) -> None:
    """Devine's line falls below zero where it was never meant to be used."""
    if ideal_weight_kg(body) <= 0:
        raise Refusal(
            f"There is no ideal weight for a height of {format_number(body.height_cm)} cm: "
            "check the height."
        )


def _is_over(rule: DosingWeight, weight_kg: Decimal, body: Body) -> bool:
    if rule.over_bmi is None:
        raise ValueError("this rule has no body mass index")
    return formula_holds(rule, weight_kg, body) and exceeds_bmi(weight_kg, body, rule.over_bmi)
