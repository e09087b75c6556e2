"""What a plan refuses, the history it is judged by, and a second protocol. D1, D2, D3, B6."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal

import pytest

from pharmacy.domain.dose_plan import plan_from_dict, plan_to_dict
from pharmacy.domain.dosing import plan
from pharmacy.domain.dosing_weight import Body, dosing_weight, formula_holds
from pharmacy.domain.errors import Refusal
from pharmacy.domain.history import AdministeredCourse, History, on_schedule
from pharmacy.domain.weight_limits import check_weight
from tests.domain.protocols import altered, might, plan_for, second

TODAY = date(2026, 3, 15)


def check(weight: str, days_old: int = 0, previous: str | None = None, **signed: object) -> None:
    before = Decimal(previous) if previous else None
    measured_on = TODAY - timedelta(days=days_old)
    weight_kg = Decimal(weight)
    check_weight(might(), weight_kg, measured_on, TODAY, before, **signed)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("weight", "days_old", "previous"),
    [
        ("30", 0, None),
        ("120", 0, None),
        ("70", 7, None),
        ("76.9", 0, "70"),
        ("63.1", 0, "70"),
        ("70", 7, "70"),
    ],
)
def test_a_weight_just_inside_every_limit_may_be_dosed_on(
    weight: str, days_old: int, previous: str | None
) -> None:
    """D2."""
    check(weight, days_old, previous)


@pytest.mark.parametrize(
    ("weight", "days_old", "previous", "sentence"),
    [
        ("70", -1, None, "in the future"),
        ("70", 8, None, "8 days old; at most 7"),
        ("29.9", 0, None, "under the protocol's minimum of 30 kg"),
        ("120.1", 0, None, "over the protocol's limit of 120 kg"),
        ("77", 0, "70", "10% or more"),
        ("63", 0, "70", "10% or more"),
        ("90", 0, "70", "from 70 kg to 90 kg"),
    ],
)
def test_a_weight_just_outside_a_limit_is_refused_in_its_own_words(
    weight: str, days_old: int, previous: str | None, sentence: str
) -> None:
    """D2."""
    with pytest.raises(Refusal, match=sentence):
        check(weight, days_old, previous)


def test_a_signed_decision_lets_a_weight_pass() -> None:
    """D2: reason and signature override, nothing else does."""
    check("77", previous="70", change_confirmed=True)
    check("121", over_limit="dose_as_limit")
    check("121", over_limit="actual")
    with pytest.raises(Refusal, match="signed to skip"):
        check("121", over_limit="skip")
    with pytest.raises(Refusal, match="not one that the protocol allows"):
        check("121", over_limit="guess")
    with pytest.raises(Refusal, match="under the protocol's minimum"):
        check("29", over_limit="actual", change_confirmed=True)


def test_over_the_limit_the_signed_choice_decides_the_dose() -> None:
    def over(choice: str | None) -> Decimal:
        return plan(Decimal("130"), might(), "W4", False, History(), over_limit=choice).course_g

    assert over("dose_as_limit") == 240
    assert over("actual") == 260
    for choice, sentence in ((None, "investigator must sign"), ("skip", "signed to skip")):
        with pytest.raises(Refusal, match=sentence):
            over(choice)


def test_a_plan_says_both_the_weight_and_the_dosing_weight() -> None:
    found = plan(Decimal("130"), might(), "W4", False, History(), over_limit="dose_as_limit")
    assert (found.weight_kg, found.dosing_weight_kg) == (130, 120)


@pytest.mark.parametrize(
    ("visit", "sentence"), [("W24", "Week 24 has no infusion"), ("W99", "no visit W99")]
)
def test_only_infusion_visits_are_planned(visit: str, sentence: str) -> None:
    with pytest.raises(Refusal, match=sentence):
        plan(Decimal(70), might(), visit, False, History())


@pytest.mark.parametrize("weight", [70, 70.5, "70.1", Decimal("NaN")])
def test_a_weight_that_is_not_a_decimal_is_a_bug(weight: object) -> None:
    with pytest.raises(TypeError):
        plan(weight, might(), "W0", False, History())  # type: ignore[arg-type]


def test_a_weight_with_two_decimals_is_a_bug() -> None:
    with pytest.raises(ValueError, match="one decimal"):
        plan(Decimal("70.55"), might(), "W0", False, History())


def test_a_dose_that_rounding_moves_too_far_is_refused() -> None:
    coarse = altered('grid_g = "5"', 'grid_g = "20"')
    with pytest.raises(Refusal, match=r"Rounding 68 g to 60 g .* more than the protocol's 5%"):
        plan_for("34", protocol=coarse)


def test_the_tolerance_is_met_at_its_edge() -> None:
    # 62.5 kg: 125 g, a tie on a grid of 10 g, goes down to 120 g: exactly 4% off.
    exactly = altered(
        'grid_g = "5"\nrounding = "nearest_ties_down"\ntolerance_percent = "5"',
        'grid_g = "10"\nrounding = "nearest_ties_down"\ntolerance_percent = "4"',
    )
    assert plan_for("62.5", protocol=exactly).course_g == 120
    # 31.2 kg: 62.4 g, rounded to 60 g, is 2.4 g or 3.846...% off.
    edge = altered('tolerance_percent = "5"', 'tolerance_percent = "3.85"')
    assert plan_for("31.2", protocol=edge).course_g == 60
    tight = altered('tolerance_percent = "5"', 'tolerance_percent = "3.84"')
    with pytest.raises(Refusal, match=r"more than the protocol's 3\.84%"):
        plan_for("31.2", protocol=tight)


def test_a_course_too_small_for_its_days_is_refused() -> None:
    with pytest.raises(Refusal, match="cannot be split"):
        plan_for("30", protocol=altered('g_per_kg = "2"', 'g_per_kg = "0.167"'))


def test_a_rate_below_the_pumps_step_is_refused() -> None:
    coarse = altered('pump_step_ml_per_hour = "1"', 'pump_step_ml_per_hour = "25"')
    with pytest.raises(Refusal, match="below the pump's smallest step"):
        plan_for("31", protocol=coarse)


def test_the_pump_is_a_ceiling_too() -> None:
    pump = altered('pump_ml_per_hour = "400"', 'pump_ml_per_hour = "150"')
    found = plan_for("120", protocol=pump)
    assert [int(step.rate_ml_per_hour) for step in found.ladder] == [72, 144, 150]
    assert [step.held_by for step in found.ladder] == [None, None, "pump"]
    assert found.limited_by == "pump"
    assert found.ladder[-1].rate_ml_per_kg_per_min == Decimal("0.020833")
    assert plan_for("60", protocol=pump).limited_by == "label"


def test_a_site_cap_is_a_ceiling_too() -> None:
    site = altered(
        'pump_ml_per_hour = "400"', 'pump_ml_per_hour = "400"\nsite_ml_per_hour = "100"'
    )
    found = plan_for("70", protocol=site)
    assert (found.limited_by, found.ladder[-1].rate_ml_per_hour) == ("site", 100)


def test_the_label_is_named_when_it_is_lowest_or_equal_and_else_the_indication() -> None:
    assert plan_for("70").limited_by == "label"
    higher = altered('label_ml_per_kg_per_min = "0.04"', 'label_ml_per_kg_per_min = "0.12"')
    assert plan_for("70", protocol=higher).limited_by == "indication"


def test_the_step_that_reaches_the_ceiling_is_the_last() -> None:
    low = altered(
        'indication_ml_per_kg_per_min = "0.04"', 'indication_ml_per_kg_per_min = "0.03"'
    )
    at_the_ceiling = plan_for("100", at_risk=True, protocol=low)
    assert [int(step.rate_ml_per_hour) for step in at_the_ceiling.ladder] == [60, 120, 180]
    slow = altered(
        'risk_ml_per_kg_per_min = "0.03"', 'risk_ml_per_kg_per_min = "0.02"'
    )
    found = plan_for("100", at_risk=True, protocol=slow)
    assert [(int(step.rate_ml_per_hour), step.held_by) for step in found.ladder] == [
        (60, None),
        (120, None),
    ]


def test_a_plan_survives_storage() -> None:
    for protocol, weight, visit in ((might(), "63.4", "W0"), (second(), "41.5", "M3")):
        found = plan_for(weight, True, visit, protocol)
        stored = json.dumps(plan_to_dict(found), sort_keys=True)
        assert plan_from_dict(json.loads(stored)) == found


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("course_g", 140),
        ("course_g", "1,400"),
        ("weight_kg", 70.0),
        ("at_risk", 1),
        ("visit", 0),
        ("days", [{}]),
    ],
)
def test_a_stored_plan_of_another_shape_is_not_read(field: str, value: object) -> None:
    stored = plan_to_dict(plan_for("70")) | {field: value}
    with pytest.raises((ValueError, TypeError, KeyError)):
        plan_from_dict(stored)


def given(*courses: tuple[str, int], on: int) -> History:
    """A history: visit and study day of each administered course, and the day of this one."""
    start = date(2026, 1, 1)
    return History(
        tuple(AdministeredCourse(code, start + timedelta(days=day)) for code, day in courses),
        start + timedelta(days=on),
    )


@pytest.mark.parametrize(
    ("visit", "history", "first"),
    [
        ("M0", History(), True),
        ("M3", given(("M0", 0), on=70), False),
        ("M3", given(("M0", 0), on=71), True),
        ("M3", given(on=90), True),
        ("M4", given(("M0", 0), ("M3", 90), on=120), False),
        ("M5", given(("M0", 0), ("M3", 90), ("M4", 120), on=150), True),
        ("M6", given(("M4", 120), on=180), True),
        ("M6", given(("M4", 120), ("M5", 150), on=180), False),
        ("M6", given(("M4", 120), ("M5", 100), on=180), True),
    ],
)
def test_the_first_infusion_ladder_is_judged_for_both_histories(
    visit: str, history: History, first: bool
) -> None:
    """B5, B6: as if always on globulin and as if always on placebo; the slower ladder wins."""
    found = plan(Decimal(60), second(), visit, False, history, body=Body(Decimal(170), "M"))
    assert found.first_infusion is first
    assert len(found.ladder) == (4 if first else 2)


def test_a_new_brand_or_a_lot_rule_starts_everyone_anew() -> None:
    usual = given(("M0", 0), on=60)
    new_brand = History(usual.courses, usual.infusion_on, brand_changed=True)
    body = Body(Decimal(170), "M")
    assert not plan(Decimal(60), second(), "M3", False, usual, body=body).first_infusion
    assert plan(Decimal(60), second(), "M3", False, new_brand, body=body).first_infusion
    lot_rule = altered("first_after_new_lot = false", "first_after_new_lot = true")
    assert plan_for("60", visit="W4", protocol=lot_rule).first_infusion
    assert not plan_for("60", visit="W4").first_infusion


def test_a_course_that_is_not_before_this_one_is_a_bug() -> None:
    with pytest.raises(ValueError, match="not before"):
        given(("M0", 60), on=60)
    with pytest.raises(ValueError, match="needs the day"):
        History((AdministeredCourse("M0", TODAY),))


def test_week_12_is_a_first_infusion_for_everyone_in_might() -> None:
    codes = [visit.code for visit in might().infusion_visits()]
    firsts = [code for code in codes if plan_for("70", visit=code).first_infusion]
    assert firsts == ["W0", "W12"]


def test_a_different_protocol_is_planned_by_the_same_code() -> None:
    """Nothing of MIGHT is hard-wired: 5%, rounded up on 2.5 g, one day, a site cap, 0.1 mL/hour."""
    body = Body(Decimal(175), "M")
    found = plan(Decimal("61.3"), second(), "M0", False, History(), body=body)
    assert found.course_g_exact == Decimal("24.52")
    assert found.course_g == 25
    assert [bag.volume_ml for bag in found.bags] == [250, 250]
    assert [str(step.rate_ml_per_hour.normalize()) for step in found.ladder] == [
        "18.3",
        "36.7",
        "110.3",
        "2E+2",
    ]
    assert [step.start_min for step in found.ladder] == [0, 15, 30, 50]
    assert found.limited_by == "site"


def test_a_cap_holds_the_course() -> None:
    body = Body(Decimal(190), "M")
    found = plan(Decimal("105"), second(), "M0", False, History(), body=body)
    assert found.course_g_exact == found.course_g == 40
    assert "capped at 40 g" in found.arithmetic[1]


def test_an_adjusted_weight_needs_height_and_sex() -> None:
    with pytest.raises(Refusal, match="record height and sex"):
        plan(Decimal(100), second(), "M0", False, History())
    heavy = Body(Decimal(175), "M")
    found = plan(Decimal(100), second(), "M0", False, History(), body=heavy)
    assert found.weight_kg == 100
    assert found.dosing_weight_kg == Decimal("82.2787915")
    with pytest.raises(ValueError, match="M or F"):
        Body(Decimal(175), "X")


def test_the_adjusted_weight_begins_above_its_limits() -> None:
    """A body mass index of exactly 30, and a man of exactly 50 kg, are dosed on actual weight."""
    rule = second().weight.dosing
    assert dosing_weight(rule, Decimal("76.8"), Body(Decimal(160), "M"))[1] == "actual"
    assert dosing_weight(rule, Decimal("76.9"), Body(Decimal(160), "M"))[1] == "adjusted"
    assert not formula_holds(rule, Decimal(50), Body(Decimal("152.4"), "M"))
    assert formula_holds(rule, Decimal("50.1"), Body(Decimal("152.4"), "M"))
    assert not formula_holds(rule, Decimal("50.1"), Body(Decimal("152.3"), "M"))
    assert formula_holds(rule, Decimal(50), Body(Decimal("152.4"), "F"))


def test_a_history_on_schedule_holds_every_earlier_course() -> None:
    visit = might().find_visit("W12")
    assert visit is not None
    history = on_schedule(might(), visit, date(2026, 1, 1))
    assert [course.visit for course in history.courses] == ["W0", "W4", "W8"]
    assert history.infusion_on == date(2026, 3, 26)
