"""The rate lines of a bag as the two columns of its label: the rate, and what goes with it."""

from __future__ import annotations

from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.ladder_text import rate_lines
from pharmacy.domain.protocol_parts import Protocol

_UNIT = " mL/hour"
_TO_THE_END = "until finished"
_TO_THE_NEXT = "until this bag is empty"


def rate_rows(day: DayPlan, bag_number: int, protocol: Protocol) -> tuple[tuple[str, str], ...]:
    """The lines of `rate_lines` as (rate, directions), in order (requirement A14).

    A line without a rate of its own goes to the row before it, each row leads on to the next, and
    the last rate always says how long it holds. An unknown bag number is a `ValueError`.
    """
    rows: list[tuple[str, str]] = []
    for line in rate_lines(day, bag_number, protocol):
        rate, unit, words = line.partition(_UNIT)
        before, said = rows.pop() if rows else ("", "")
        if not unit:
            rows.append((before, f"{said.rstrip('.') or _TO_THE_NEXT}, {line}"))
            continue
        if before:
            rows.append((before, f"{said.rstrip('.')}, then"))
        rows.append((f"{rate.removeprefix('then ')}{unit}", words.lstrip(";,. ")))
    rate, words = rows[-1]
    return (*rows[:-1], (rate, words or _TO_THE_END))
