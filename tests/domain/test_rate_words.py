"""Which bound limited a rate is said truthfully, and can be followed by hand. A14, D1."""

from __future__ import annotations

import re

import pytest

from pharmacy.domain.protocol import parse_protocol
from pharmacy.domain.rate_words import last_rate
from tests.domain.protocols import altered, might_text, plan_for


@pytest.mark.parametrize(
    ("alterations", "at_risk", "words"),
    [
        ({}, False, "as ordered, and at the ceiling of the product label"),
        ({}, True, "held by the ceiling of the at-risk group; ordered up to 168 mL/hour"),
        (
            {"label": "0.12", "indication": "0.12"},
            False,
            "as ordered; the lowest ceiling is 400 mL/hour, of the pump",
        ),
        (
            {"risk": "0.02"},
            True,
            "held by the ceiling of the at-risk group; ordered up to 168 mL/hour",
        ),
    ],
)
def test_the_words_of_the_last_rate_are_true(
    alterations: dict[str, str], at_risk: bool, words: str
) -> None:
    """A14: "held" is said of a held ladder only, one that ended early among them."""
    text = might_text()
    for name, rate in alterations.items():
        text = re.sub(rf'{name}_ml_per_kg_per_min = "[^"]+"', _rate(name, rate), text)
    protocol = parse_protocol(text)
    assert last_rate(plan_for("70", at_risk, protocol=protocol), protocol) == words


def _rate(name: str, rate: str) -> str:
    return f'{name}_ml_per_kg_per_min = "{rate}"'


def test_a_held_step_can_be_followed_by_hand() -> None:
    """The line starts from the ordered rate: a rate held in mL/hour has no short one per kg."""
    pump = altered('pump_ml_per_hour = "400"', 'pump_ml_per_hour = "150"')
    found = plan_for("120", protocol=pump)
    assert found.arithmetic[-3] == (
        "From 60 min: 0.04 mL/kg/min x 120 kg x 60 = 288, held at 150 by pump, run at 150 mL/hour"
    )
