"""A protocol is data: read whole, or refused with line, field and rule. A1, A2, A3, D8."""

from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from datetime import time
from decimal import Decimal

import pytest

from pharmacy.domain.errors import BadForm
from pharmacy.domain.protocol import ProtocolError, parse_protocol
from pharmacy.domain.protocol_wording import marking, product_line
from tests.domain.protocols import altered, altered_text, might, might_text, second


def test_might_reads_as_the_study_defines_it() -> None:
    protocol = might()
    assert (protocol.code, protocol.sponsor) == ("MIGHT", "University of Alabama at Birmingham")
    assert [arm.name for arm in protocol.arms] == ["IVIG", "placebo"]
    assert [(v.code, v.name, v.day_offset, v.infusion) for v in protocol.visits] == [
        ("W0", "Week 0", 0, True),
        ("W4", "Week 4", 28, True),
        ("W8", "Week 8", 56, True),
        ("W12", "Week 12", 84, True),
        ("W16", "Week 16", 112, True),
        ("W20", "Week 20", 140, True),
        ("W24", "Week 24", 168, False),
    ]
    assert [v.code for v in protocol.visits if protocol.phase_of(v).blinded] == ["W0", "W4", "W8"]
    assert [v.code for v in protocol.visits if v.assessments_first] == ["W12"]
    assert {(v.window_before_days, v.window_after_days) for v in protocol.visits} == {(3, 3)}


def test_might_holds_its_marked_defaults() -> None:
    """D8: every clinical number is a field of the file, and the placeholders are marked."""
    protocol = might()
    assert protocol.dose.g_per_kg == 2
    assert (protocol.dose.grid_g, protocol.dose.tolerance_percent) == (5, 5)
    assert (protocol.weight.minimum_kg, protocol.weight.maximum_kg) == (30, 120)
    assert (protocol.weight.maximum_age_days, protocol.weight.change_stops_percent) == (7, 10)
    assert (protocol.split.days, protocol.split.days_at_risk) == (2, 3)
    assert protocol.split.bag_fill_limit_ml == 900
    assert protocol.rates.ceilings.risk_ml_per_kg_per_min == Decimal("0.03")
    assert protocol.rates.ceilings.pump_ml_per_hour == 400
    assert protocol.rates.ceilings.site_ml_per_hour is None
    assert protocol.margins.safety_min == 30
    assert protocol.runs.times == (time(9), time(13))
    assert protocol.flush.volume_ml == 50
    marked = dict(pair for default in protocol.marked_defaults for pair in default.settings)
    assert marked["split.bag_fill_limit_ml"] == "900"
    assert marked["margins.preparation_min"] == "45"


def test_the_concealed_list_rules_are_not_in_the_protocol_file() -> None:
    """C: block lengths and ratio are concealed from blinded people; a protocol is not."""
    concealed = re.compile(r"\b(blocks?|block_\w+|ratio|strat\w+|slots?|seed|randomi\w+)\b", re.I)
    assert not concealed.search(might_text())
    assert concealed.search(might_text() + "\nblock_length = 4")
    with pytest.raises(ProtocolError, match="no such field"):
        altered("[dose]", "[list]\nblock_length = 4\n\n[dose]")


def test_a_protocol_cannot_be_changed_once_read() -> None:
    with pytest.raises(FrozenInstanceError):
        might().dose.grid_g = Decimal(10)  # type: ignore[misc]


def test_a_different_protocol_is_read_by_the_same_code() -> None:
    protocol = second()
    assert protocol.product.concentration_g_per_ml == Decimal("0.05")
    assert isinstance(protocol.dose.grid_g, Decimal)
    assert protocol.rates.ceilings.site_ml_per_hour == 200
    assert protocol.label.warnings == ()


FAULTS = [
    ('until_visit = "W0"', 'until_visit = "W2"', "replacement.until_visit", "with an infusion"),
    ("allowed = true", 'allowed = "yes"', "replacement.allowed", "true or false"),
    ('code = "MIGHT"\n', "", "code", "is missing"),
    ('code = "MIGHT"', 'code = ""', "code", "must be a text"),
    ('code = "MIGHT"', "code = 7", "code", "must be a text"),
    ('code = "MIGHT"', 'code = "MI  GHT"', "code", "idle spaces"),
    ('code = "MIGHT"', 'code = "MIGHT"\ncolour = "red"', "colour", "no such field"),
    ('grid_g = "5"', 'grid_g = "5"\ngridg = "5"', "dose.gridg", "no such field"),
    ('g_per_kg = "2"', 'g_per_kg = "two"', "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', 'g_per_kg = "2e1"', "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', "g_per_kg = 2e1", "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', "g_per_kg = nan", "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', "g_per_kg = inf", "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', 'g_per_kg = "-2"', "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', 'g_per_kg = "0"', "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', "g_per_kg = true", "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', 'g_per_kg = "2,0"', "dose.g_per_kg", "number above zero"),
    ('g_per_kg = "2"', "g_per_kg = [2]", "dose.g_per_kg", "number above zero"),
    ('rounding = "nearest_ties_down"', 'rounding = "bankers"', "dose.rounding", "one of"),
    ('rounding = "nearest_ties_down"', 'rounding = ["up"]', "dose.rounding", "one of"),
    ('tolerance_percent = "5"', 'tolerance_percent = "100"', "dose.tolerance_percent", "below 100"),
    ('concentration_g_per_ml = "0.1"', 'concentration_g_per_ml = "0.3"', "dose.grid_g", "written"),
    (
        'concentration_g_per_ml = "0.1"',
        'concentration_g_per_ml = "10"',
        "product.concentration_g_per_ml",
        "below 1 g",
    ),
    ('minimum_kg = "30"', 'minimum_kg = "120"', "weight.maximum_kg", "above minimum_kg"),
    ("maximum_age_days = 7", 'maximum_age_days = "7"', "weight.maximum_age_days", "whole number"),
    ("maximum_age_days = 7", "maximum_age_days = 7.5", "weight.maximum_age_days", "whole number"),
    ("maximum_age_days = 7", "maximum_age_days = true", "weight.maximum_age_days", "whole number"),
    ("maximum_age_days = 7", "maximum_age_days = 61", "weight.maximum_age_days", "0 to 60"),
    ('"skip", "dose_as_limit"', '"guess"', "weight.over_limit_choices", "may only name"),
    ('"skip", "dose_as_limit"', '"skip", "skip"', "weight.over_limit_choices", "different texts"),
    ('rule = "actual"', 'rule = "lean"', "weight.dosing.rule", "one of"),
    ('rule = "actual"', 'rule = "adjusted"', "weight.dosing.factor", "is missing"),
    ("days_at_risk = 3", "days_at_risk = 1", "split.days_at_risk", "fewer"),
    ("days = 2", "days = 0", "split.days", "1 to 10"),
    ('limit_ml = "900"', 'limit_ml = "49"', "split.bag_fill_limit_ml", "one grid step"),
    ('"0.02", minutes = 30', '"0.02"', "rates.first[2].minutes", "every step but the last"),
    ('"0.04" }', '"0.04", minutes = 30 }', "rates.first[3].minutes", "every step but the last"),
    ('"0.02"', '"0.01"', "rates.first[2].rate_ml_per_kg_per_min", "above the step before"),
    ('"0.01", minutes = 30', '"0.015", minutes = 30', "rates.later", "slower than the first"),
    ('{ rate_ml_per_kg_per_min = "0.04" }', "4", "rates.first", "list of tables"),
    (
        'risk_ml_per_kg_per_min = "0.03"',
        'risk_ml_per_kg_per_min = "0.05"',
        "rates.ceilings.risk_ml_per_kg_per_min",
        "above the indication",
    ),
    ('restart_fraction = "0.5"', 'restart_fraction = "1.5"', "rates.restart_fraction", "above 1"),
    ('kind = "complete"', 'kind = "end"', "limits[1].kind", "one of begin, complete"),
    ('kind = "complete"', 'kind = "begin"', "limits", "kind complete"),
    (
        'product = "sodium chloride 0.9% (placebo)"',
        'product = "saline"',
        "limits[3].product",
        "identity of an arm",
    ),
    (
        'product = "sodium chloride 0.9% (placebo)"',
        'product = "immune globulin intravenous (human) 10%"',
        "limits",
        "no limit for sodium chloride",
    ),
    ('times = ["09:00", "13:00"]', 'times = ["13:00", "09:00"]', "runs.times", "earliest first"),
    ('times = ["09:00", "13:00"]', 'times = ["9:00"]', "runs.times", "09:00"),
    ('times = ["09:00", "13:00"]', 'times = ["24:00"]', "runs.times", "09:00"),
    ("every_minutes = 5", "every_minutes = 7", "runs.practice_every_minutes", "remainder"),
    ('low_c = "20"', 'low_c = "25"', "storage.high_c", "above low_c"),
    ("at_each_rate_change = true", "at_each_rate_change = 1", "vitals.at_each_rate_change", "true"),
    ('code = "W4"', 'code = "W0"', "visits", "'W0' twice"),
    ('name = "Week 4"', 'name = "Week 0"', "visits", "'Week 0' twice"),
    ("day_offset = 28", "day_offset = 0", "visits[2].day_offset", "later than"),
    ('phase = "blinded"', 'phase = "blind"', "visits[1].phase", "no phase 'blind'"),
    ('phase = "blinded"', 'phase = "open_label"', "visits[2].phase", "may not follow"),
    ('name = "placebo"', 'name = "IVIG"', "arms", "'IVIG' twice"),
    ("New Drug\u2014Limited", "New Drug--Limited", "label.caution", "21 CFR 312.6(a)"),
    ('device = "Infusion pump"', 'device = "A safe pump"', "label.device", "safety"),
    ('"Do not shake"', '"Highly effective"', "label.handling", "efficacy"),
    ("{grams} in {volume}, or", "{grams}, or", "label.product_line_blinded", "{volume}"),
    (", or sodium chloride 0.9% (placebo), {volume}", "", "label.product_line_blinded", "name sod"),
    ("{rate};", "{rates};", "label.later_bag", "{rate}"),
    ('next_bag = "then bag {bag}', 'next_bag = "then bag', "label.next_bag", "{bag}"),
    ('"product", "limits"', '"product.maker"', "marked_defaults[1].fields", "does not have"),
    ("[margins]", "[margin]", "margins", "is missing"),
    ("[flush]", "[[flush]]", "flush", "must be a table"),
]


@pytest.mark.parametrize(("old", "new", "field", "rule"), FAULTS)
def test_a_faulty_protocol_names_the_field_and_the_rule(
    old: str, new: str, field: str, rule: str
) -> None:
    with pytest.raises(ProtocolError) as refused:
        altered(old, new)
    assert refused.value.field == field
    assert rule in refused.value.sentence
    assert field in refused.value.sentence
    assert refused.value.sentence.endswith(".")
    assert not refused.value.sentence.endswith("..")


def test_the_line_of_the_fault_is_named() -> None:
    text = altered_text('grid_g = "5"', 'grid_g = "0"')
    line = text.splitlines().index('grid_g = "0"') + 1
    with pytest.raises(ProtocolError, match=rf"^Line {line}, dose\.grid_g: "):
        parse_protocol(text)
    text = altered_text("day_offset = 84", "day_offset = -1")
    line = text.splitlines().index("day_offset = -1") + 1
    with pytest.raises(ProtocolError, match=rf"^Line {line}, visits\[4\]\.day_offset: "):
        parse_protocol(text)


@pytest.mark.parametrize("text", ["", "code = ", "[dose]\n[dose]", "\x00", "= 3"])
def test_what_is_not_toml_is_refused_as_a_form(text: str) -> None:
    with pytest.raises(BadForm) as refused:
        parse_protocol(text)
    assert list(refused.value.errors) == ["protocol"]


def test_an_open_label_line_may_not_offer_the_placebo() -> None:
    """A2: "or placebo" would be false in the open-label phase."""
    open_line = 'product_line_open = "immune globulin intravenous (human) 10%, {grams} in {volume}'
    with pytest.raises(ProtocolError, match="may not name sodium chloride"):
        altered(open_line, f"{open_line}, or sodium chloride 0.9% (placebo)")


def test_the_product_line_is_true_in_both_arms_until_the_label_opens() -> None:
    """A2, A3."""
    protocol = might()
    week_0, week_12 = protocol.visits[0], protocol.visits[3]
    assert product_line(protocol, week_0, Decimal(120), Decimal(1200)) == (
        "immune globulin intravenous (human) 10%, 120 g in 1,200 mL, "
        "or sodium chloride 0.9% (placebo), 1,200 mL"
    )
    assert product_line(protocol, week_12, Decimal(120), Decimal(1200)) == (
        "immune globulin intravenous (human) 10%, 120 g in 1,200 mL"
    )
    assert marking(protocol, week_0) == "Blinded study product"
    assert marking(protocol, week_12) == "Open-label study product"
