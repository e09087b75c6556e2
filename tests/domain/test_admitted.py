"""Everybody a protocol admits has a plan that fits, and what is skipped was proved. D1, D7."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from itertools import islice

import pytest
from click.testing import CliRunner

from pharmacy.cli import cli
from pharmacy.domain.admitted import (
    Person,
    actual_up_to_kg,
    longest_plan,
    longest_plan_check,
    people,
    those_who_decide,
)
from pharmacy.domain.dosing import plan_course
from pharmacy.domain.protocol import Protocol, ProtocolError
from pharmacy.domain.time_limits import minutes_needed
from tests.domain.protocols import MIGHT_FILE, SECOND_FILE, altered, might, second

IDEAL = 'rule = "ideal"'


def everybody(protocol: Protocol) -> list[Person]:
    return list(people(protocol, protocol.weight.minimum_kg, protocol.weight.maximum_kg))


def minutes(protocol: Protocol, person: Person) -> int:
    """The longest day of a person, both risks and ladders, planned for that very person."""
    return max(
        day.duration_min
        for at_risk in (False, True)
        for first in (False, True)
        for day in plan_course(person.dosing_kg, protocol, at_risk, first)[2]
    )


def test_everybody_is_asked() -> None:
    """Each weight as it can be typed; each height of both sexes where height counts."""
    assert len(everybody(might())) == 901
    heights = everybody(second())
    assert len(heights) == 1101 * 61 * 2
    assert {person.body.sex for person in islice(heights, 2) if person.body} == {"F", "M"}
    assert all(0 < person.dosing_kg <= person.weight_kg for person in heights)


@pytest.mark.parametrize("protocol", [might(), altered('rule = "actual"', IDEAL), second()])
def test_who_is_not_planned_for_would_not_take_longer(protocol: Protocol) -> None:
    """The longest day is that of the long way too: a person in every few, planned one by one."""
    found = everybody(protocol)
    longest = longest_plan(protocol).duration_min
    sample = found[:: max(1, len(found) // 2000)]
    assert max(minutes(protocol, person) for person in sample) <= longest
    assert longest in {minutes(protocol, longest_plan(protocol).person)}


@pytest.mark.deep
def test_the_long_way_finds_the_same_for_everybody() -> None:
    assert max(minutes(second(), person) for person in everybody(second())) == (
        longest_plan(second()).duration_min
    )


def test_most_people_need_no_plan_of_their_own() -> None:
    """What makes the proof cheap enough to be made whenever a study is made."""
    asked = {judged.person for judged in those_who_decide(second(), iter(everybody(second())))}
    assert len(asked) < 2500


def test_a_person_without_a_plan_is_named_with_height_and_sex() -> None:
    """On ideal weight the doses reach below those of the lightest weight; a 10 g grid is coarse."""
    ideal = altered('rule = "actual"', IDEAL)
    assert longest_plan_check(ideal).duration_min == 318
    coarse = replace(ideal, dose=replace(ideal.dose, grid_g=Decimal(10)))
    with pytest.raises(ProtocolError, match=r"kg, 1[0-9]{2} cm, [FM] there is no plan: Rounding"):
        longest_plan_check(coarse)


def test_how_far_a_dose_over_the_limit_may_go() -> None:
    """MIGHT's choice "actual" fits up to 191.2 kg; without the choice there is no such dose."""
    assert actual_up_to_kg(might()) == Decimal("191.2")
    assert actual_up_to_kg(second()) == Decimal(300)
    without = altered(', "actual"]', "]")
    assert actual_up_to_kg(without) is None
    tight = altered("wait_for_run_min = 0", "wait_for_run_min = 7")
    reached = actual_up_to_kg(tight)
    assert reached is not None
    for weight_kg, fits in ((reached, True), (reached + Decimal("0.1"), False)):
        person = Person(weight_kg, None, weight_kg)
        assert (minutes_needed(minutes(tight, person), tight) <= 480) is fits


def test_the_check_prints_what_was_proved() -> None:
    might_says = CliRunner().invoke(cli, ["protocol", "check", str(MIGHT_FILE)]).stdout
    assert "Every weight from 30 kg to 120 kg has a plan that fits its time" in might_says
    assert 'may sign "actual": that fits up to 191.2 kg' in might_says
    second_says = CliRunner().invoke(cli, ["protocol", "check", str(SECOND_FILE)]).stdout
    assert "every height from 140 to 200 cm of either sex" in second_says
