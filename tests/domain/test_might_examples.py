"""MIGHT's worked examples, and every weight from 30.0 to 120.0 kg in both risk groups. D1, D3."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.ladder_text import rate_lines
from pharmacy.domain.rates import step_at_volume
from tests.domain.protocols import altered, might, plan_for

EVERY_WEIGHT = [Decimal(tenths) / 10 for tenths in range(300, 1201)]


def ladder(plan: DosePlan) -> list[int]:
    return [int(step.rate_ml_per_hour) for step in plan.ladder]


def volumes(plan: DosePlan) -> list[list[int]]:
    return [[int(bag.volume_ml) for bag in day.bags] for day in plan.days]


EXAMPLES = [
    # weight, at risk, exact g, g, mL by day and bag, ladder, minutes by day, limited by
    ("70", False, "140", 140, [[700], [700]], [42, 84, 168], [288, 288], "label"),
    ("59.6", False, "119.2", 120, [[600], [600]], [35, 71, 143], [290, 290], "label"),
    ("63.4", False, "126.8", 125, [[650], [600]], [38, 76, 152], [295, 275], "label"),
    (
        "120",
        False,
        "240",
        240,
        [[600, 600], [600, 600]],
        [72, 144, 288],
        [288, 288],
        "label",
    ),
    ("31.3", False, "62.6", 65, [[350], [300]], [18, 37, 75], [318, 278], "label"),
    ("95", False, "190", 190, [[500, 450], [500, 450]], [57, 114, 228], [288, 288], "label"),
    ("59.6", True, "119.2", 120, [[400]] * 3, [35, 71, 107], [255, 255, 255], "risk"),
    ("63.4", True, "126.8", 125, [[450], [400], [400]], [38, 76, 114], [267, 241, 241], "risk"),
    ("120", True, "240", 240, [[800]] * 3, [72, 144, 216], [253, 253, 253], "risk"),
]


@pytest.mark.parametrize(
    ("weight", "risk", "exact", "grams", "bags", "rates", "minutes", "bound"), EXAMPLES
)
def test_worked_examples(
    weight: str,
    risk: bool,
    exact: str,
    grams: int,
    bags: list[list[int]],
    rates: list[int],
    minutes: list[int],
    bound: str,
) -> None:
    """D1, D3."""
    plan = plan_for(weight, risk)
    assert plan.course_g_exact == Decimal(exact)
    assert plan.course_g == grams
    assert plan.course_ml == grams * 10
    assert volumes(plan) == bags
    assert ladder(plan) == rates
    assert [day.duration_min for day in plan.days] == minutes
    assert plan.limited_by == bound


def test_the_exact_rate_and_the_rounded_one_are_both_kept() -> None:
    plan = plan_for("59.6")
    assert [str(step.rate_ml_per_hour_exact.normalize()) for step in plan.ladder] == [
        "35.76",
        "71.52",
        "143.04",
    ]
    assert [step.start_min for step in plan.ladder] == [0, 30, 60]
    assert Decimal("289.5104") < plan.days[0].duration_min_exact < Decimal("289.5105")


def test_a_tie_on_the_grid_goes_down() -> None:
    """A tie rule is needed: 61.25 kg cannot be typed, 127.5 g can be ordered."""
    tie = altered('g_per_kg = "2"', 'g_per_kg = "2.5"')
    assert plan_for("51", protocol=tie).course_g_exact == Decimal("127.5")
    assert plan_for("51", protocol=tie).course_g == 125
    assert plan_for("53", protocol=tie).course_g_exact == Decimal("132.5")
    assert plan_for("53", protocol=tie).course_g == 130


def test_the_arithmetic_can_be_followed_by_hand() -> None:
    assert plan_for("63.4").arithmetic == (
        "Weight 63.4 kg; dosing weight (actual) 63.4 kg",
        "2 g/kg x 63.4 kg = 126.8 g",
        "Rounded to the nearest, ties down on the 5 g grid: 125 g, 1.42% off (tolerance 5%)",
        "125 g at 0.1 g in each mL = 1,250 mL",
        "2 infusion days: 65 g + 60 g",
        "Day 1: 650 mL in 1 bag: 650 mL",
        "Day 2: 600 mL in 1 bag: 600 mL",
        "Ladder for a first infusion; ceiling 0.04 mL/kg/min (4 mg/kg/min) by label = "
        "152.16 mL/hour",
        "From 0 min: 0.01 mL/kg/min x 63.4 kg x 60 = 38.04, run at 38 mL/hour, as ordered",
        "From 30 min: 0.02 mL/kg/min x 63.4 kg x 60 = 76.08, run at 76 mL/hour, as ordered",
        "From 60 min: 0.04 mL/kg/min x 63.4 kg x 60 = 152.16, run at 152 mL/hour, as ordered, "
        "the ceiling by label",
        "Day 1 takes 294.08 min, rounded up 295 min",
        "Day 2 takes 274.35 min, rounded up 275 min",
    )


def test_a_held_step_says_which_bound_held_it() -> None:
    plan = plan_for("70", at_risk=True)
    assert [step.held_by for step in plan.ladder] == [None, None, "risk"]
    assert plan.ladder[-1].rate_ml_per_kg_per_min == Decimal("0.03")
    assert plan.arithmetic[-4] == (
        "From 60 min: 0.04 mL/kg/min x 70 kg x 60 = 168, held at 126 by risk, run at 126 mL/hour"
    )


def test_the_words_of_each_bag() -> None:
    """A14: the ladder belongs to the day, not to the bag."""
    day = plan_for("120").days[0]
    assert rate_lines(day, 1, might()) == (
        "72 mL/hour for 30 minutes",
        "144 mL/hour for 30 minutes",
        "then 288 mL/hour",
        "then bag 2 at the same rate",
    )
    assert rate_lines(day, 2, might()) == (
        "Continue at 288 mL/hour; from the first step again only if stopped longer than "
        "60 minutes.",
    )
    with pytest.raises(ValueError, match="no such bag"):
        rate_lines(day, 3, might())


def test_a_bag_that_begins_before_the_last_step_says_what_is_to_come() -> None:
    small_bags = altered('limit_ml = "900"', 'limit_ml = "50"')
    day = plan_for("120", protocol=small_bags).days[0]
    assert rate_lines(day, 2, small_bags)[:2] == (
        "Continue at 144 mL/hour; from the first step again only if stopped longer than "
        "60 minutes.",
        "then 288 mL/hour from minute 60 of the day",
    )
    # 100 mL are in when bag 3 begins, 108 when the last step does.
    assert rate_lines(day, 3, small_bags)[0].startswith("Continue at 144 mL/hour;")
    assert rate_lines(day, 4, small_bags)[0].startswith("Continue at 288 mL/hour;")


def test_at_the_very_end_of_a_step_the_next_one_runs() -> None:
    ladder_80 = plan_for("80").ladder
    assert [int(step.rate_ml_per_hour) for step in ladder_80] == [48, 96, 192]
    assert step_at_volume(ladder_80, Decimal("23.9")) == ladder_80[0]
    assert step_at_volume(ladder_80, Decimal(24)) == ladder_80[1]
    assert step_at_volume(ladder_80, Decimal(72)) == ladder_80[2]


@pytest.mark.parametrize("at_risk", [False, True])
def test_every_weight_against_independent_integer_arithmetic(at_risk: bool) -> None:
    """D1: the whole range again, in tenths and whole numbers, by another way of counting."""
    for weight in EVERY_WEIGHT:
        plan = plan_for(weight, at_risk)
        tenths = int(weight * 10)
        # Course: 2 g/kg in tenths of a gram is 2 x tenths; one grid step is 50 tenths.
        steps, over = divmod(2 * tenths, 50)
        steps += 1 if over > 25 else 0
        assert plan.course_g == 5 * steps
        day_steps = [
            steps // len(plan.days) + (1 if n < steps % len(plan.days) else 0)
            for n in range(3 if at_risk else 2)
        ]
        assert [day.volume_ml for day in plan.days] == [50 * n for n in day_steps]
        # Rates: 0.01 mL/kg/min is 0.06 x tenths of a kg in mL/hour.
        rates = [6 * tenths * k // 100 for k in ((1, 2, 3) if at_risk else (1, 2, 4))]
        assert ladder(plan) == rates
        for day, grid_steps in zip(plan.days, day_steps, strict=True):
            left_x60 = 50 * grid_steps * 60 - 30 * (rates[0] + rates[1])
            assert day.duration_min == 60 - (-left_x60 // rates[2])
            assert len(day.bags) == -(-grid_steps // 18)
            assert max(bag.volume_ml for bag in day.bags) <= 900
