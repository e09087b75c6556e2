"""Baseline factors are protocol data: read whole, or refused with line and rule."""

from __future__ import annotations

import pytest

from pharmacy.domain.protocol import ProtocolError, parse_protocol
from tests.domain.protocols import might, might_text

FACTORS = """
[[factors]]
code = "age"
question = "Age at screening"
levels = [
    { code = "under_65", label = "Under 65 years" },
    { code = "from_65", label = "65 years or more" },
]

[[factors]]
code = "steroids"
question = "Steroids in the last 30 days"
levels = [{ code = "1", label = "Yes" }, { code = "0", label = "No" }]
"""


def test_might_asks_for_none() -> None:
    assert might().factors == ()


def test_factors_are_read_with_their_words() -> None:
    age, steroids = parse_protocol(might_text() + FACTORS).factors
    assert (age.code, age.question) == ("age", "Age at screening")
    assert [(one.code, one.label) for one in steroids.levels] == [("1", "Yes"), ("0", "No")]
    assert age.label_of("from_65") == "65 years or more"
    assert age.label_of("gone") == "gone"


FAULTS = [
    ('code = "age"', 'code = "Age"', "factors[1].code", "a letter first"),
    ('code = "age"', 'code = "steroids"', "factors", "gives 'steroids' twice"),
    ('code = "age"\n', "", "factors[1].code", "is missing"),
    ('code = "under_65"', 'code = "under/65"', "factors[1].levels[1].code", "letters, digits"),
    ('code = "under_65"', 'code = "from_65"', "factors[1].levels", "gives 'from_65' twice"),
    ('"65 years or more"', '"Under 65 years"', "factors[1].levels", "'Under 65 years' twice"),
    ('"Under 65 years"', f'"{"x" * 81}"', "factors[1].levels[1].label", "longer than 80"),
    ('"Under 65 years"', '""', "factors[1].levels[1].label", "must be a text"),
    ('"Age at screening"', '"Steroids in the last 30 days"', "factors", "twice"),
    ('"Age at screening"', '"Fit for IVIG"', "factors[1]", "may not name an arm"),
    ('"Under 65 years"', '"On Placebo before"', "factors[1]", "may not name an arm"),
    (', { code = "0", label = "No" }', "", "factors[2].levels", "at least two levels"),
    ('question = "Age', 'colour = "red"\nquestion = "Age', "factors[1].colour", "no such field"),
]


@pytest.mark.parametrize(("old", "new", "field", "rule"), FAULTS)
def test_a_wrong_factor_is_refused_by_line_and_rule(
    old: str, new: str, field: str, rule: str
) -> None:
    assert old in FACTORS
    with pytest.raises(ProtocolError) as refused:
        parse_protocol(might_text() + FACTORS.replace(old, new, 1))
    assert refused.value.field == field
    assert rule in refused.value.sentence
    assert refused.value.line > might_text().count("\n") or field == "factors"


def test_no_factor_at_all_is_left_out_not_left_empty() -> None:
    with pytest.raises(ProtocolError, match="at least one entry"):
        parse_protocol("factors = []\n" + might_text())
