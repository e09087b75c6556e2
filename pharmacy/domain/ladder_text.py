"""The rate ladder in the words of a label: per bag, in mL/hour (requirement A14)."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.quantities import format_rate
from pharmacy.domain.rates import LadderStep, step_at_volume


def rate_lines(day: DayPlan, bag_number: int, protocol: Protocol) -> tuple[str, ...]:
    """What the label of one bag of the day says about its rates.

    The first bag carries the steps and what follows it; a later bag goes on at the rate reached,
    since the ladder belongs to the day. An unknown bag number is a `ValueError`.
    """
    if not 1 <= bag_number <= len(day.bags):
        raise ValueError("the day has no such bag")
    if bag_number == 1:
        lines = _step_lines(day.ladder)
    else:
        before_ml = sum((bag.volume_ml for bag in day.bags[: bag_number - 1]), Decimal(0))
        lines = _later_lines(day, before_ml, protocol)
    if bag_number < len(day.bags):
        lines.append(protocol.label.next_bag.format(bag=bag_number + 1))
    return tuple(lines)


def _step_lines(ladder: tuple[LadderStep, ...]) -> list[str]:
    lines = [
        f"{format_rate(step.rate_ml_per_hour)} for {following.start_min - step.start_min} minutes"
        for step, following in pairwise(ladder)
    ]
    last = format_rate(ladder[-1].rate_ml_per_hour)
    return [*lines, f"then {last}" if lines else last]


def _later_lines(day: DayPlan, before_ml: Decimal, protocol: Protocol) -> list[str]:
    running = step_at_volume(day.ladder, before_ml)
    minutes = protocol.rates.restart_from_first_after_min
    rate = format_rate(running.rate_ml_per_hour)
    still_to_come = day.ladder[day.ladder.index(running) + 1 :]
    return [
        protocol.label.later_bag.format(rate=rate, minutes=minutes),
        *(
            f"then {format_rate(step.rate_ml_per_hour)} from minute {step.start_min} of the day"
            for step in still_to_come
        ),
    ]
