"""The weight a dose counts on is never above the scale's, whatever the protocol's rule. D1, D2."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.dosing import plan
from pharmacy.domain.dosing_weight import Body
from pharmacy.domain.errors import Refusal
from pharmacy.domain.history import History
from pharmacy.domain.protocol import Protocol, ProtocolError
from tests.domain.protocols import altered, might, plan_for, second


def dosed_on(rule: str, **other: str) -> Protocol:
    """MIGHT with another dosing weight."""
    lines = "\n".join([f'rule = "{rule}"', *(f'{name} = "{is_}"' for name, is_ in other.items())])
    return altered('rule = "actual"', lines)


@pytest.mark.parametrize(
    ("protocol", "method"),
    [(dosed_on("ideal"), "ideal"), (dosed_on("adjusted", factor="0.4"), "adjusted")],
)
def test_nobody_is_dosed_above_the_scale(protocol: Protocol, method: str) -> None:
    """D1: a tall man of 35 kg has an ideal weight of 88.6 kg, and gets the dose of 35 kg."""
    tall = Body(Decimal(195), "M")
    found = plan(Decimal(35), protocol, "W0", False, History(), body=tall)
    assert (found.dosing_weight_kg, found.course_g) == (35, 70)
    assert found.arithmetic[0] == f"Weight 35 kg; dosing weight (actual, below {method}) 35 kg"
    assert found.days == plan_for("35").days


@given(
    st.sampled_from(
        [
            dosed_on("ideal"),
            dosed_on("adjusted", factor="0.4"),
            dosed_on("adjusted", factor="1"),
            second(),
        ]
    ),
    st.integers(400, 1200),
    st.integers(140, 220),
    st.sampled_from("MF"),
    st.booleans(),
)
def test_no_rate_is_over_its_bound_for_the_person_as_they_are(
    protocol: Protocol, tenths: int, height: int, sex: str, at_risk: bool
) -> None:
    """A14: the bounds are judged on the scale's weight, whatever weight the dose counts on."""
    weight_kg, body = Decimal(tenths) / 10, Body(Decimal(height), sex)
    visit = protocol.infusion_visits()[0].code
    try:
        found = plan(weight_kg, protocol, visit, at_risk, History(), body=body)
    except Refusal:
        return
    assert 0 < found.dosing_weight_kg <= weight_kg
    bounds = protocol.rates.ceilings
    per_kg = min(bounds.label_ml_per_kg_per_min, bounds.indication_ml_per_kg_per_min)
    if at_risk:
        per_kg = min(per_kg, bounds.risk_ml_per_kg_per_min)
    assert all(step.rate_ml_per_hour <= per_kg * weight_kg * 60 for step in found.ladder)
    assert found.course_g_exact <= protocol.dose.g_per_kg * weight_kg


@pytest.mark.parametrize("rule", [("ideal", {}), ("adjusted", {"factor": "0.4"})])
def test_a_height_without_an_ideal_weight_is_refused(rule: tuple[str, dict[str, str]]) -> None:
    """Devine's line is below zero at 60 cm, for a woman and for a man."""
    protocol = dosed_on(rule[0], **rule[1])
    for sex in "MF":
        with pytest.raises(Refusal, match="no ideal weight for a height of 60 cm"):
            plan(Decimal(80), protocol, "W0", False, History(), body=Body(Decimal(60), sex))


def test_a_factor_over_one_would_add_weight_and_is_refused() -> None:
    with pytest.raises(ProtocolError, match=r"weight\.dosing\.factor: may not be above 1"):
        dosed_on("adjusted", factor="1.1")


def test_a_dose_on_the_limit_says_so() -> None:
    found = plan(Decimal(130), might(), "W4", False, History(), over_limit="dose_as_limit")
    assert found.arithmetic[0] == ("Weight 130 kg; dosing weight (the limit) 120 kg")
