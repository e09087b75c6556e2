"""What must hold between the fields of a protocol, once each of them is well formed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal

from pharmacy.domain.protocol_fields import Fields
from pharmacy.domain.protocol_parts import Protocol, RateStep
from pharmacy.domain.quantities import EXACT, exactly_divides


def check_whole(protocol: Protocol, fields: Fields) -> None:
    """Raise the first contradiction as a `ProtocolError`; `fields` is only asked for the error."""
    _check_names(protocol, fields)
    _check_visits(protocol, fields)
    _check_amounts(protocol, fields)
    _check_ladders(protocol, fields)
    _check_limits(protocol, fields)
    _check_product_lines(protocol, fields)
    _check_factors(protocol, fields)
    _check_replacement(protocol, fields)


def _check_replacement(protocol: Protocol, fields: Fields) -> None:
    rule = protocol.replacement
    visits = {visit.code for visit in protocol.infusion_visits()}
    if rule is not None and rule.until_visit not in visits:
        raise fields.error("replacement.until_visit", "must be a visit with an infusion")


def _check_names(protocol: Protocol, fields: Fields) -> None:
    if len(protocol.arms) < 2:
        raise fields.error("arms", "must name at least two arms")
    for name, values in (
        ("arms", [arm.name for arm in protocol.arms]),
        ("arms", [arm.identity for arm in protocol.arms]),
        ("phases", [phase.code for phase in protocol.phases]),
        ("visits", [visit.code for visit in protocol.visits]),
        ("visits", [visit.name for visit in protocol.visits]),
    ):
        if twice := _first_repeated(values):
            raise fields.error(name, f"gives '{twice}' twice")


def _first_repeated(values: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def _check_visits(protocol: Protocol, fields: Fields) -> None:
    phases = {phase.code: phase for phase in protocol.phases}
    opened = False
    last_day = -1
    for number, visit in enumerate(protocol.visits, start=1):
        path = f"visits[{number}]"
        if visit.phase not in phases:
            raise fields.error(f"{path}.phase", f"there is no phase '{visit.phase}'")
        if visit.day_offset <= last_day:
            raise fields.error(f"{path}.day_offset", "must be later than the visit before")
        # What the first open-label infusion teaches about the arm must not precede a blinded one.
        if opened and phases[visit.phase].blinded:
            raise fields.error(f"{path}.phase", "a blinded visit may not follow an open-label one")
        opened = opened or not phases[visit.phase].blinded
        last_day = visit.day_offset
    if not protocol.infusion_visits():
        raise fields.error("visits", "at least one visit must have an infusion")


def _check_amounts(protocol: Protocol, fields: Fields) -> None:
    weight, dose, split = protocol.weight, protocol.dose, protocol.split
    concentration = protocol.product.concentration_g_per_ml
    if weight.dosing.factor is not None and weight.dosing.factor > 1:
        raise fields.error("weight.dosing.factor", "may not be above 1")
    if weight.minimum_kg >= weight.maximum_kg:
        raise fields.error("weight.maximum_kg", "must be above minimum_kg")
    if concentration >= 1:
        raise fields.error("product.concentration_g_per_ml", "must be below 1 g in each mL")
    if not exactly_divides(dose.grid_g, concentration):
        raise fields.error("dose.grid_g", "a grid step must be a volume that can be written out")
    if EXACT.divide(dose.grid_g, concentration) > split.bag_fill_limit_ml:
        raise fields.error("split.bag_fill_limit_ml", "a bag must hold at least one grid step")
    if dose.tolerance_percent >= 100:
        raise fields.error("dose.tolerance_percent", "must be below 100")
    if split.days_at_risk < split.days:
        raise fields.error("split.days_at_risk", "may not be fewer than days")


def _check_ladders(protocol: Protocol, fields: Fields) -> None:
    rates = protocol.rates
    _check_steps("rates.first", rates.first, fields)
    _check_steps("rates.later", rates.later, fields)
    # So that the slower of two judgements is always the first-infusion ladder.
    if not _never_slower(rates.later, rates.first):
        raise fields.error("rates.later", "may at no minute be slower than the first ladder")
    ceilings = rates.ceilings
    if ceilings.risk_ml_per_kg_per_min > ceilings.indication_ml_per_kg_per_min:
        raise fields.error(
            "rates.ceilings.risk_ml_per_kg_per_min", "may not be above the indication's ceiling"
        )
    if rates.restart_fraction > 1:
        raise fields.error("rates.restart_fraction", "may not be above 1")


def _check_steps(name: str, steps: tuple[RateStep, ...], fields: Fields) -> None:
    below = Decimal(0)
    for number, step in enumerate(steps, start=1):
        rate = step.rate_ml_per_kg_per_min
        if (step.minutes is None) != (number == len(steps)):
            raise fields.error(
                f"{name}[{number}].minutes", "every step but the last, and only those, has minutes"
            )
        if rate <= below:
            raise fields.error(
                f"{name}[{number}].rate_ml_per_kg_per_min", "must be above the step before"
            )
        below = rate


def _never_slower(later: tuple[RateStep, ...], first: tuple[RateStep, ...]) -> bool:
    starts = {start for steps in (later, first) for start in _starts(steps)}
    return all(_rate_at(later, minute) >= _rate_at(first, minute) for minute in starts)


def _starts(steps: tuple[RateStep, ...]) -> tuple[int, ...]:
    minutes = [step.minutes or 0 for step in steps]
    return tuple(sum(minutes[:number]) for number in range(len(steps)))


def _rate_at(steps: tuple[RateStep, ...], minute: int) -> Decimal:
    reached = [s for s, start in zip(steps, _starts(steps), strict=True) if start <= minute]
    return reached[-1].rate_ml_per_kg_per_min


def _check_limits(protocol: Protocol, fields: Fields) -> None:
    identities = {arm.identity for arm in protocol.arms}
    for number, limit in enumerate(protocol.limits, start=1):
        if limit.product not in identities:
            raise fields.error(f"limits[{number}].product", "must be the identity of an arm")
    if missing := sorted(identities - {limit.product for limit in protocol.limits}):
        raise fields.error("limits", f"gives no limit for {missing[0]}")
    if all(limit.kind != "complete" for limit in protocol.limits):
        raise fields.error("limits", "at least one limit must be of kind complete")


def _check_product_lines(protocol: Protocol, fields: Fields) -> None:
    """Either/or while blinded; in the open phase "or placebo" would be false (21 CFR 312.6(b))."""
    label = protocol.label
    active, *others = [arm.identity for arm in protocol.arms]
    for identity in (active, *others):
        if identity not in label.product_line_blinded:
            raise fields.error("label.product_line_blinded", f"must name {identity}")
    if label.product_line_blinded.count("{volume}") != len(protocol.arms):
        raise fields.error("label.product_line_blinded", "must give {volume} once for each arm")
    if active not in label.product_line_open:
        raise fields.error("label.product_line_open", f"must name {active}")
    for identity in others:
        if identity in label.product_line_open:
            raise fields.error("label.product_line_open", f"may not name {identity}")


def _check_factors(protocol: Protocol, fields: Fields) -> None:
    """Every answer can be told from the others, and none of the words is an arm's."""
    for values in (
        [factor.code for factor in protocol.factors],
        [factor.question for factor in protocol.factors],
    ):
        if twice := _first_repeated(values):
            raise fields.error("factors", f"gives '{twice}' twice")
    arms = [word for arm in protocol.arms for word in (arm.name, arm.identity)]
    named = re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in arms), re.I)
    for number, factor in enumerate(protocol.factors, start=1):
        path = f"factors[{number}]"
        if len(factor.levels) < 2:
            raise fields.error(f"{path}.levels", "must give at least two levels")
        labels = [level.label for level in factor.levels]
        if twice := _first_repeated([level.code for level in factor.levels]):
            raise fields.error(f"{path}.levels", f"gives '{twice}' twice")
        if twice := _first_repeated(labels):
            raise fields.error(f"{path}.levels", f"gives '{twice}' twice")
        if any(named.search(words) for words in (factor.question, *labels)):
            raise fields.error(path, "may not name an arm: blinded people read it")
