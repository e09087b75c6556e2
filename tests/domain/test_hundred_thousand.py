"""A hundred thousand drawn cases: what holds for each plan holds by number. D1, D3, A13, A14, A22.

The cases are the same in every run. Each is a person, a risk group and a ladder under one of eight
protocols. A tenth are planned whole, words and all, twice; `make deep` plans every one of them so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from functools import cache
from itertools import islice

import pytest

from pharmacy.domain.dose_plan import BagPlan, DayPlan, DosePlan, plan_from_dict, plan_to_dict
from pharmacy.domain.dosing import plan, plan_course
from pharmacy.domain.dosing_weight import Body, dosing_weight
from pharmacy.domain.errors import Refusal
from pharmacy.domain.history import on_schedule
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.quantities import format_number, read_plain
from tests.domain.protocols import altered, might, second
from tests.domain.test_plan_properties import EXACT_TYPES, leaves
from tests.support.drawn import Drawn

CASES = 100_000
WHOLE_EVERY = 10
# Not every drawn person has a plan: so many more are drawn that enough have one.
DRAWN = 125_000


@dataclass(frozen=True, slots=True)
class Case:
    """One course to plan: who, under which protocol, at which visit."""

    protocol: int
    weight_kg: Decimal
    body: Body
    at_risk: bool
    visit: str


@cache
def protocols() -> tuple[Protocol, ...]:
    """MIGHT, the second one, and six that differ from MIGHT where a plan could go wrong."""
    pump = 'pump_ml_per_hour = "400"'
    return (
        might(),
        second(),
        altered('rule = "actual"', 'rule = "ideal"'),
        altered('rule = "actual"', 'rule = "adjusted"\nfactor = "0.25"'),
        altered('grid_g = "5"\nrounding = "nearest_ties_down"', 'grid_g = "2.5"\nrounding = "up"'),
        altered('g_per_kg = "2"', 'g_per_kg = "0.437"\ncap_g = "40"'),
        altered('limit_ml = "900"', 'limit_ml = "130"'),
        altered(pump, 'pump_ml_per_hour = "150"\nsite_ml_per_hour = "133.3"'),
    )


def cases() -> Iterator[Case]:
    """The same cases, drawn anew, so that nobody holds them all."""
    drawn = Drawn("cases")
    return (_case(drawn) for _ in range(DRAWN))


def _case(drawn: Drawn) -> Case:
    number = drawn.below(len(protocols()))
    protocol = protocols()[number]
    low, high = (int(kg * 10) for kg in (protocol.weight.minimum_kg, protocol.weight.maximum_kg))
    visits = protocol.infusion_visits()
    return Case(
        protocol=number,
        weight_kg=Decimal(drawn.between(low, high)) / 10,
        body=Body(Decimal(drawn.between(120, 220)), "MF"[drawn.below(2)]),
        at_risk=drawn.yes(),
        visit=visits[drawn.below(len(visits))].code,
    )


@dataclass(frozen=True, slots=True)
class Course:
    """What came out: the dosing weight, grams before and after the grid, and the days."""

    dosing_kg: Decimal
    exact_g: Decimal
    course_g: Decimal
    days: tuple[DayPlan, ...]


def course(case: Case) -> Course | None:
    """The course of a case on the ladder of its visit's number, or None where it is refused."""
    protocol = protocols()[case.protocol]
    try:
        dosing_kg, _ = dosing_weight(protocol.weight.dosing, case.weight_kg, case.body)
        first = case.visit == protocol.infusion_visits()[0].code
        return Course(dosing_kg, *plan_course(dosing_kg, protocol, case.at_risk, first))
    except Refusal:
        return None


def faults(case: Case, found: Course) -> list[str]:
    """Every rule that a course breaks, by name; none is what each of them should answer."""
    protocol = protocols()[case.protocol]
    return [name for name, holds in RULES.items() if not holds(case, found, protocol)]


def _sums(case: Case, found: Course, protocol: Protocol) -> bool:
    """D3, A13: bags add up to days, days to the course, in grams and in mL."""
    return sum(day.grams for day in found.days) == found.course_g and all(
        sum(bag.grams for bag in day.bags) == day.grams
        and sum(bag.volume_ml for bag in day.bags) == day.volume_ml
        and day.volume_ml * protocol.product.concentration_g_per_ml == day.grams
        for day in found.days
    )


def _one_step(case: Case, found: Course, protocol: Protocol) -> bool:
    """Days, and bags of a day, on the grid, at most one step apart, the larger first."""
    grid_g = protocol.dose.grid_g
    parts = [[day.grams for day in found.days]]
    parts += [[bag.grams for bag in day.bags] for day in found.days]
    return all(
        each == sorted(each, reverse=True)
        and each[0] - each[-1] <= grid_g
        and all(grams > 0 and grams % grid_g == 0 for grams in each)
        for each in parts
    )


def _caps(case: Case, found: Course, protocol: Protocol) -> bool:
    """Under the dose's cap, its tolerance, the fill limit, and the scale."""
    dose = protocol.dose
    off = abs(found.course_g - found.exact_g) * 100
    return (
        0 < found.dosing_kg <= case.weight_kg
        and found.exact_g <= dose.g_per_kg * case.weight_kg
        and (dose.cap_g is None or found.course_g <= dose.cap_g)
        and off <= dose.tolerance_percent * found.exact_g
        and all(
            bag.volume_ml <= protocol.split.bag_fill_limit_ml
            for day in found.days
            for bag in day.bags
        )
    )


def _rates(case: Case, found: Course, protocol: Protocol) -> bool:
    """A14: no rate over a bound, judged on the scale's weight; rising, whole steps of the pump."""
    bounds, step = protocol.rates.ceilings, protocol.rates.pump_step_ml_per_hour
    per_hour = case.weight_kg * 60
    allowed = [
        bounds.label_ml_per_kg_per_min * per_hour,
        bounds.indication_ml_per_kg_per_min * per_hour,
        bounds.pump_ml_per_hour,
    ]
    allowed += [bounds.risk_ml_per_kg_per_min * per_hour] if case.at_risk else []
    allowed += [] if bounds.site_ml_per_hour is None else [bounds.site_ml_per_hour]
    rates = [each.rate_ml_per_hour for each in found.days[0].ladder]
    return (
        rates == sorted(rates)
        and 0 < rates[-1] <= min(allowed)
        and all(rate % step == 0 for rate in rates)
        and all(day.ladder == found.days[0].ladder for day in found.days)
    )


def _in_time(case: Case, found: Course, protocol: Protocol) -> bool:
    """The whole volume is in after the day's minutes, and was not one minute before."""
    return all(
        _in_x60(day, day.duration_min - 1) < day.volume_ml * 60 <= _in_x60(day, day.duration_min)
        for day in found.days
    )


def _in_x60(day: DayPlan, minutes: int) -> Decimal:
    """mL x 60 after some minutes: each step times the minutes it ran."""
    ends = [step.start_min for step in day.ladder[1:]] + [minutes]
    return sum(
        (
            step.rate_ml_per_hour * max(0, min(end, minutes) - step.start_min)
            for step, end in zip(day.ladder, ends, strict=True)
        ),
        Decimal(0),
    )


RULES: dict[str, Callable[[Case, Course, Protocol], bool]] = {
    "sums": _sums,
    "one step": _one_step,
    "caps": _caps,
    "rates": _rates,
    "in time": _in_time,
}


def courses() -> Iterator[tuple[Case, Course]]:
    """The first hundred thousand cases that have a plan."""
    planned = ((case, made) for case in cases() if (made := course(case)) is not None)
    return islice(planned, CASES)


def test_no_course_breaks_a_rule_and_grams_never_fall() -> None:
    """D1, D3, A13, A14: sums exact, within one grid step, never over a cap or a bound, in time.

    Grams never fall as the dosing weight rises, over all cases of a protocol.
    """
    grams: dict[int, list[tuple[Decimal, Decimal]]] = {}
    people: dict[int, set[tuple[Decimal, bool]]] = {}
    for case, found in courses():
        assert faults(case, found) == [], case
        grams.setdefault(case.protocol, []).append((found.dosing_kg, found.course_g))
        people.setdefault(case.protocol, set()).add((case.weight_kg, case.at_risk))
    assert sum(map(len, grams.values())) == CASES
    for number in range(len(protocols())):
        assert len(grams[number]) > 5_000
        assert len(people[number]) > 1_000
        course_g = [each for _, each in sorted(grams[number])]
        assert course_g == sorted(course_g)


def a_course() -> tuple[Case, Course]:
    """The first one under MIGHT."""
    return next(each for each in courses() if each[0].protocol == 0)


@pytest.mark.parametrize(
    ("rule", "spoil"),
    [
        ("sums", lambda bag: replace(bag, volume_ml=bag.volume_ml + 1)),
        ("one step", lambda bag: replace(bag, grams=bag.grams + Decimal("0.1"))),
        ("caps", lambda bag: replace(bag, volume_ml=Decimal(901))),
    ],
)
def test_a_spoiled_bag_breaks_its_rule(rule: str, spoil: Callable[[BagPlan], BagPlan]) -> None:
    case, found = a_course()
    day = found.days[0]
    spoiled = replace(found, days=(replace(day, bags=(spoil(day.bags[0]),)), *found.days[1:]))
    assert rule in faults(case, spoiled)


def test_a_spoiled_rate_or_time_breaks_its_rule() -> None:
    case, found = a_course()
    day = found.days[0]
    fast = replace(day.ladder[-1], rate_ml_per_hour=day.ladder[-1].rate_ml_per_hour + 1)
    faster = replace(day, ladder=(*day.ladder[:-1], fast))
    assert "rates" in faults(case, replace(found, days=(faster,) * len(found.days)))
    for off in (-1, 1):
        wrong = replace(day, duration_min=day.duration_min + off)
        assert faults(case, replace(found, days=(wrong, *found.days[1:]))) == ["in time"]
    light = replace(case, weight_kg=case.weight_kg - 1)
    assert faults(light, found) == ["caps", "rates"]


def whole(case: Case) -> DosePlan | None:
    protocol = protocols()[case.protocol]
    visit = protocol.find_visit(case.visit)
    assert visit is not None
    history = on_schedule(protocol, visit)
    try:
        return plan(case.weight_kg, protocol, case.visit, case.at_risk, history, body=case.body)
    except Refusal:
        return None


def check_whole(some: Sequence[Case]) -> int:
    """Plan each case whole, again in another order and world; how many had a plan."""
    first = [whole(case) for case in some]
    # Later, in the opposite order, under a caller's coarse precision: the same plans.
    with localcontext(prec=4):
        again = [whole(case) for case in reversed(some)]
    assert again[::-1] == first
    for found in first:
        if found is not None:
            kept = plan_to_dict(found)
            assert plan_from_dict(kept) == found
            assert {type(leaf) for leaf in leaves(found)} <= set(EXACT_TYPES)
            assert {type(leaf) for leaf in leaves(kept)} <= {int, str, bool, type(None)}
    return sum(found is not None for found in first)


def check_every(step: int) -> int:
    """The same for every so manieth case, a few hundred at a time."""
    some = islice(cases(), 0, None, step)
    checked = 0
    while chunk := tuple(islice(some, 500)):
        checked += check_whole(chunk)
    return checked


def test_whole_plans_are_exact_and_the_same_in_any_world() -> None:
    """D1, B6: no float in any of their values, and nothing but the case decides."""
    assert check_every(WHOLE_EVERY) > CASES // WHOLE_EVERY


@pytest.mark.deep
def test_every_whole_plan_is_exact_and_the_same_in_any_world() -> None:
    """D1, B6, for each of the hundred thousand."""
    assert check_every(1) > CASES


_PRINTED = re.compile(r"(0|[1-9][0-9]{0,2}(,[0-9]{3})*)(\.[0-9]*[1-9])?")


def test_a_hundred_thousand_figures_are_printed_by_the_rule() -> None:
    """A22: a comma from 1,000, a leading zero, no idle zero, and the same number read back."""
    drawn = Drawn("figures")
    for _ in range(CASES):
        figure = Decimal(drawn.below(10 ** drawn.between(1, 9))).scaleb(-drawn.below(5))
        text = format_number(figure)
        assert _PRINTED.fullmatch(text), text
        assert read_plain(text.replace(",", "")) == figure


@pytest.mark.parametrize("text", ["1000", "1,0", ".5", "1.0", "0.50", "01", "1e3", "1,00.5", ""])
def test_a_figure_against_the_rule_would_be_seen(text: str) -> None:
    assert not _PRINTED.fullmatch(text)
