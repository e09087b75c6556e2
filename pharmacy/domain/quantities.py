"""Quantities as they are typed, computed and printed: exact decimals, never binary fractions.

The number style is ISMP's: no trailing zero, always a leading zero, a comma from 1,000, a space
before the unit, and only the units `mL`, `g`, `mg`, `kg` and `hour` (requirements A22, A23).
"""

from __future__ import annotations

import re
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

from pharmacy.domain.errors import BadForm

# Dose arithmetic runs under this context: a digit that would be lost raises instead.
EXACT = Context(
    prec=40,
    rounding=ROUND_HALF_EVEN,
    traps=[DivisionByZero, Inexact, InvalidOperation, Overflow],
)
# The one quotient that may not terminate is the length of the last rate step.
QUOTIENT = Context(
    prec=28, rounding=ROUND_HALF_EVEN, traps=[DivisionByZero, InvalidOperation, Overflow]
)

LIGHTEST_TYPED_KG = Decimal("1")
HEAVIEST_TYPED_KG = Decimal("300")
SHORTEST_TYPED_CM = 120
TALLEST_TYPED_CM = 220

_WEIGHT = re.compile(r"(0|[1-9][0-9]{0,2})(\.[0-9])?", re.ASCII)
_PLAIN = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_EXAMPLE = "type it in kilograms with at most one decimal, for example 70.5."


def parse_weight_kg(text: str) -> Decimal:
    """Read a body weight typed in kilograms, with at most one decimal (requirement D2).

    Refused with `BadForm({"weight_kg": sentence})`: nothing typed, pounds or any other unit,
    a decimal comma, a sign, an exponent, two decimals, and weights no adult has
    (under 1 kg or over 300 kg). The protocol's own limits are judged later.
    """
    typed = text.strip()
    if not _WEIGHT.fullmatch(typed):
        raise BadForm({"weight_kg": _weight_sentence(typed)})
    weight_kg = Decimal(typed)
    if not LIGHTEST_TYPED_KG <= weight_kg <= HEAVIEST_TYPED_KG:
        raise BadForm(
            {"weight_kg": f"{typed} kg is not a plausible weight; check the scale and {_EXAMPLE}"}
        )
    return weight_kg


def _weight_sentence(typed: str) -> str:
    if not typed:
        return f"The weight is missing: {_EXAMPLE}"
    if re.search(r"lb|pound|#|st\b|stone", typed, re.IGNORECASE):
        return f"Pounds and stones are not accepted: {_EXAMPLE}"
    if re.search(r"[a-z]", typed.lower().replace("e", "")):
        return f"The unit must be left out: {_EXAMPLE}"
    if "," in typed:
        return f"A decimal comma is not accepted: {_EXAMPLE}"
    if typed[0] in "-+\u2212":
        return f"A weight has no sign: {_EXAMPLE}"
    if re.fullmatch(r"[0-9]+\.[0-9]{2,}", typed, re.ASCII):
        return f"The weight has more than one decimal: {_EXAMPLE}"
    return f"This is not a weight: {_EXAMPLE}"


def parse_height_cm(text: str) -> Decimal:
    """Read a body height typed in whole centimetres, of an adult: 120 to 220.

    Refused with `BadForm({"height_cm": sentence})`: anything else, feet and inches among it.
    """
    typed = text.strip()
    if not re.fullmatch(r"[0-9]{3}", typed, re.ASCII) or not (
        SHORTEST_TYPED_CM <= int(typed) <= TALLEST_TYPED_CM
    ):
        raise BadForm(
            {
                "height_cm": "Type the height in whole centimetres, from "
                f"{SHORTEST_TYPED_CM} to {TALLEST_TYPED_CM}, for example 170."
            }
        )
    return Decimal(typed)


def plain(value: Decimal) -> str:
    """The canonical text of a quantity for JSON: `1400`, `0.5`; no comma, exponent or idle zero."""
    return _trimmed(value, "f")


def read_plain(text: str) -> Decimal:
    """Read back what `plain` wrote; anything else is a `ValueError`."""
    if not isinstance(text, str) or not _PLAIN.fullmatch(text):
        raise ValueError(f"not a plain decimal: {text!r}")
    return Decimal(text)


def format_number(value: Decimal) -> str:
    """The printed text of a quantity: `1,400`, `0.5`; every digit kept, never an exponent."""
    return _trimmed(value, ",f")


def _trimmed(value: Decimal, style: str) -> str:
    if not isinstance(value, Decimal):
        raise TypeError("a quantity is a Decimal")
    if not value.is_finite():
        raise ValueError("a quantity is a finite number")
    if value.is_zero():
        return "0"
    text = format(value, style)
    return text.rstrip("0").rstrip(".") if "." in text else text


def format_volume(volume_ml: Decimal) -> str:
    """A volume in millilitres: `1,400 mL`."""
    return f"{format_number(volume_ml)} mL"


def format_grams(grams: Decimal) -> str:
    """A mass of immune globulin in grams: `140 g`."""
    return f"{format_number(grams)} g"


def format_weight(weight_kg: Decimal) -> str:
    """A body weight in kilograms: `70.5 kg`."""
    return f"{format_number(weight_kg)} kg"


def format_rate(rate_ml_per_hour: Decimal) -> str:
    """A pump rate: `35 mL/hour`."""
    return f"{format_number(rate_ml_per_hour)} mL/hour"


def round_down(value: Decimal, step: Decimal) -> Decimal:
    """The largest whole multiple of `step` not above a value that is zero or more; exact."""
    return value // step * step


def exactly_divides(value: Decimal, divisor: Decimal) -> bool:
    """Whether value / divisor is a decimal that ends (volumes must be)."""
    try:
        EXACT.divide(value, divisor)
    except Inexact:
        return False
    return True
