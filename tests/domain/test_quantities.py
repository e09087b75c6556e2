"""How a weight may be typed and a quantity printed: D2, A22, A23."""

from __future__ import annotations

import re
from decimal import Decimal, Inexact

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.errors import BadForm
from pharmacy.domain.quantities import (
    EXACT,
    exactly_divides,
    format_grams,
    format_number,
    format_rate,
    format_volume,
    parse_weight_kg,
    plain,
    read_plain,
    round_down,
)

# ISMP style: no idle zero behind the point, always one before it, a comma from 1,000.
PRINTED = re.compile(r"-?(0|[1-9][0-9]{0,2}(,[0-9]{3})*)(\.[0-9]*[1-9])?")

quantities = st.decimals(
    min_value=Decimal("0"), max_value=Decimal("9999999"), places=6, allow_nan=False
)


@pytest.mark.parametrize(
    ("typed", "weight"),
    [("70", "70"), ("70.5", "70.5"), (" 59.6 ", "59.6"), ("70.0", "70"), ("300", "300")],
)
def test_a_weight_in_kilograms_is_read(typed: str, weight: str) -> None:
    """D2."""
    assert parse_weight_kg(typed) == Decimal(weight)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "missing"),
        ("   ", "missing"),
        ("154 lb", "Pounds"),
        ("154lbs", "Pounds"),
        ("11 st 4", "Pounds"),
        ("70 kg", "unit"),
        ("70,5", "comma"),
        ("-70", "sign"),
        ("+70", "sign"),
        ("\u221270", "sign"),
        ("70.55", "more than one decimal"),
        ("400", "plausible"),
        ("300.1", "plausible"),
        ("0", "plausible"),
        ("0.9", "plausible"),
        ("7e1", "not a weight"),
        ("1E2", "not a weight"),
        ("nan", "unit"),
        ("Infinity", "unit"),
        ("070", "not a weight"),
        (".5", "not a weight"),
        ("70.", "not a weight"),
        ("7 0", "not a weight"),
        ("1000", "not a weight"),
        ("\uff17\uff10", "not a weight"),
        ("\u0667\u0660", "not a weight"),
        ("70\n71", "not a weight"),
    ],
)
def test_anything_else_is_refused_with_what_to_type(typed: str, said: str) -> None:
    """D2: pounds cannot be entered; every refusal says what to type."""
    with pytest.raises(BadForm) as refused:
        parse_weight_kg(typed)
    assert list(refused.value.errors) == ["weight_kg"]
    assert said in refused.value.errors["weight_kg"]
    assert "kilograms with at most one decimal" in refused.value.errors["weight_kg"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0", "0"),
        ("-0.0", "0"),
        ("0.50", "0.5"),
        ("1.0", "1"),
        ("999", "999"),
        ("1000", "1,000"),
        ("1400.0", "1,400"),
        ("1.4E+3", "1,400"),
        ("1234567.25", "1,234,567.25"),
        ("0.0000001", "0.0000001"),
        ("1E-7", "0.0000001"),
        ("100", "100"),
        ("-1500.50", "-1,500.5"),
    ],
)
def test_number_style(value: str, text: str) -> None:
    """A22."""
    assert format_number(Decimal(value)) == text


def test_units_stand_after_a_space() -> None:
    """A22, A23."""
    assert format_volume(Decimal("1400.0")) == "1,400 mL"
    assert format_grams(Decimal("140")) == "140 g"
    assert format_rate(Decimal("35")) == "35 mL/hour"


@given(quantities)
def test_every_quantity_keeps_the_style_and_its_value(value: Decimal) -> None:
    """A22: over the whole range, and no digit is lost."""
    text = format_number(value)
    assert PRINTED.fullmatch(text)
    assert Decimal(text.replace(",", "")) == value


@given(quantities)
def test_plain_text_is_read_back(value: Decimal) -> None:
    assert read_plain(plain(value)) == value
    assert plain(read_plain(plain(value))) == plain(value)


@pytest.mark.parametrize("text", ["1,400", "1e3", "", ".5", "1.", "NaN", "01", " 1", "\u0661"])
def test_what_is_not_plain_is_not_read(text: str) -> None:
    with pytest.raises(ValueError, match="not a plain decimal"):
        read_plain(text)


@pytest.mark.parametrize("value", [1.5, 7, "seven"])
def test_only_decimals_are_quantities(value: object) -> None:
    with pytest.raises(TypeError):
        format_number(value)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity"])
def test_only_finite_numbers_are_printed(value: str) -> None:
    with pytest.raises(ValueError, match="finite"):
        plain(Decimal(value))


@given(quantities, st.sampled_from([Decimal("1"), Decimal("0.1"), Decimal("5")]))
def test_rounding_down_never_goes_up(value: Decimal, step: Decimal) -> None:
    rounded = round_down(value, step)
    assert rounded <= value < rounded + step
    assert rounded % step == 0


def test_a_lost_digit_raises() -> None:
    """D1: nothing is rounded early."""
    assert exactly_divides(Decimal(5), Decimal("0.1"))
    assert not exactly_divides(Decimal(5), Decimal("0.3"))
    with pytest.raises(Inexact):
        EXACT.divide(Decimal(1), Decimal(3))
