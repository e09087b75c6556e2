"""What holds for every plan, whatever the weight and the protocol. D1, D3, B6."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.dose_plan import DosePlan, plan_from_dict, plan_to_dict
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.rates import ceiling
from tests.domain.protocols import might, plan_for, second

weights = st.integers(min_value=400, max_value=1200).map(lambda tenths: Decimal(tenths) / 10)
protocols = st.sampled_from([might(), second()])
risks = st.booleans()


def first_visit(protocol: Protocol) -> str:
    return protocol.infusion_visits()[0].code


def planned(weight: Decimal, at_risk: bool, protocol: Protocol) -> DosePlan:
    return plan_for(weight, at_risk, first_visit(protocol), protocol)


@given(weights, weights, risks)
def test_a_heavier_person_never_gets_fewer_grams(a: Decimal, b: Decimal, at_risk: bool) -> None:
    light, heavy = sorted((a, b))
    assert plan_for(light, at_risk).course_g <= plan_for(heavy, at_risk).course_g


@given(weights, risks, protocols)
def test_days_and_bags_add_up_to_the_course(w: Decimal, r: bool, protocol: Protocol) -> None:
    """D3, A13."""
    plan = planned(w, r, protocol)
    concentration = protocol.product.concentration_g_per_ml
    assert sum(day.grams for day in plan.days) == plan.course_g
    assert sum(day.volume_ml for day in plan.days) == plan.course_ml
    assert plan.course_ml * concentration == plan.course_g
    for day in plan.days:
        assert sum(bag.grams for bag in day.bags) == day.grams
        assert sum(bag.volume_ml for bag in day.bags) == day.volume_ml
        assert [bag.number for bag in day.bags] == list(range(1, len(day.bags) + 1))
        assert {(bag.of, bag.day) for bag in day.bags} == {(len(day.bags), day.day)}


@given(weights, risks, protocols)
def test_parts_are_on_the_grid_even_and_larger_first(
    w: Decimal, r: bool, protocol: Protocol
) -> None:
    plan = planned(w, r, protocol)
    grid_g = protocol.dose.grid_g
    for parts in ([d.grams for d in plan.days], *[[b.grams for b in d.bags] for d in plan.days]):
        assert parts == sorted(parts, reverse=True)
        assert parts[0] - parts[-1] <= grid_g
        assert all(part > 0 and part % grid_g == 0 for part in parts)


@given(weights, risks, protocols)
def test_bags_are_as_few_as_the_fill_limit_allows(
    w: Decimal, r: bool, protocol: Protocol
) -> None:
    limit_ml = protocol.split.bag_fill_limit_ml
    grid_ml = protocol.dose.grid_g / protocol.product.concentration_g_per_ml
    for day in planned(w, r, protocol).days:
        assert max(bag.volume_ml for bag in day.bags) <= limit_ml
        # One bag fewer could not hold the day, even filled to the last whole grid step.
        assert (len(day.bags) - 1) * (limit_ml // grid_ml * grid_ml) < day.volume_ml


@given(weights, risks, protocols)
def test_rounding_stays_within_the_tolerance_and_the_cap(
    w: Decimal, r: bool, protocol: Protocol
) -> None:
    plan = planned(w, r, protocol)
    off = abs(plan.course_g - plan.course_g_exact) * 100
    assert off <= protocol.dose.tolerance_percent * plan.course_g_exact
    assert protocol.dose.cap_g is None or plan.course_g <= protocol.dose.cap_g


@given(weights, risks, protocols)
def test_no_rate_is_above_any_bound(w: Decimal, r: bool, protocol: Protocol) -> None:
    plan = planned(w, r, protocol)
    bounds = protocol.rates.ceilings
    per_hour = plan.dosing_weight_kg * 60
    highest = plan.ladder[-1].rate_ml_per_hour
    assert highest <= bounds.label_ml_per_kg_per_min * per_hour
    assert highest <= bounds.indication_ml_per_kg_per_min * per_hour
    assert not r or highest <= bounds.risk_ml_per_kg_per_min * per_hour
    assert bounds.site_ml_per_hour is None or highest <= bounds.site_ml_per_hour
    assert highest <= bounds.pump_ml_per_hour
    assert plan.limited_by == ceiling(protocol.rates, plan.dosing_weight_kg, r).bound
    for step in plan.ladder:
        assert step.rate_ml_per_hour_exact - step.rate_ml_per_hour >= 0
        assert step.rate_ml_per_hour_exact - step.rate_ml_per_hour < 1
    rates = [step.rate_ml_per_hour for step in plan.ladder]
    assert rates == sorted(rates)


@given(weights, risks, protocols)
def test_the_day_is_in_after_its_minutes_and_not_one_minute_before(
    w: Decimal, r: bool, protocol: Protocol
) -> None:
    plan = planned(w, r, protocol)
    for day in plan.days:
        assert infused_x60(day.ladder, day.duration_min) >= day.volume_ml * 60
        assert infused_x60(day.ladder, day.duration_min - 1) < day.volume_ml * 60
        assert day.duration_min - 1 < day.duration_min_exact <= day.duration_min


def infused_x60(ladder: tuple, minutes: int) -> Decimal:
    """mL x 60 after some minutes, minute by minute."""
    total = Decimal(0)
    for minute in range(minutes):
        total += [s for s in ladder if s.start_min <= minute][-1].rate_ml_per_hour
    return total


@given(weights, risks, protocols)
def test_the_same_facts_give_the_same_plan(w: Decimal, r: bool, protocol: Protocol) -> None:
    plan = planned(w, r, protocol)
    assert planned(w, r, protocol) == plan
    assert plan_from_dict(plan_to_dict(plan)) == plan
    # Nor does it depend on the precision that a caller happens to have set.
    with localcontext(prec=4):
        assert planned(w, r, protocol) == plan


@given(weights, risks)
def test_every_course_of_a_study_is_the_same_at_the_same_weight(w: Decimal, r: bool) -> None:
    """B5: blinded or open label, first or later: in MIGHT nothing a person sees differs."""
    first, *others = [plan_for(w, r, v.code) for v in might().infusion_visits()]
    for other in others:
        assert other.days == first.days


EXACT_TYPES = (Decimal, int, str, bool, type(None))


def leaves(value: object) -> list[object]:
    if is_dataclass(value):
        return [leaf for f in fields(value) for leaf in leaves(getattr(value, f.name))]
    if isinstance(value, tuple):
        return [leaf for part in value for leaf in leaves(part)]
    if isinstance(value, dict):
        return [leaf for part in value.values() for leaf in leaves(part)]
    if isinstance(value, list):
        return [leaf for part in value for leaf in leaves(part)]
    return [value]


@given(weights, risks, protocols)
def test_no_value_of_a_plan_is_a_float(w: Decimal, r: bool, protocol: Protocol) -> None:
    """D1."""
    plan = planned(w, r, protocol)
    for leaf in (*leaves(plan), *leaves(plan_to_dict(plan))):
        assert type(leaf) in EXACT_TYPES
    for leaf in leaves(plan_to_dict(plan)):
        assert type(leaf) in (int, str, bool, type(None))


def test_the_walk_over_a_plan_would_find_a_float() -> None:
    assert 1.5 in leaves({"days": [{"volume_ml": 1.5}]})
    assert float not in EXACT_TYPES
    with pytest.raises(AssertionError):
        for leaf in leaves((Decimal(1), (0.1,))):
            assert type(leaf) in EXACT_TYPES
