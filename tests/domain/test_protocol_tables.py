"""What is signed is what can be read: every field of a protocol is in its tables (E21)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import time
from decimal import Decimal
from typing import Any

import pytest

from pharmacy.domain.protocol import parse_protocol
from pharmacy.domain.protocol_tables import readable
from tests.domain.protocols import SECOND_FILE, might_text

TEXTS = {"might": might_text(), "second": SECOND_FILE.read_text("utf-8")}
# Confirmed one by one on a page of their own.
_ELSEWHERE = {"marked_defaults"}
# Named by the visits that belong to it.
_OTHER = {
    "nearest_ties_down": "up",
    "nearest_ties_up": "up",
    "down": "up",
    "up": "down",
    "actual": "ideal",
    "ideal": "actual",
    "adjusted": "ideal",
    "adjusted_over_bmi": "ideal",
    "skip": "actual",
    "dose_as_limit": "skip",
    "begin": "complete",
    "complete": "begin",
}


def changed(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | Decimal):
        return value + 1
    if isinstance(value, time):
        return value.replace(minute=59)
    return _OTHER.get(value, f"{value} changed")


def variants(whole: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The same value with one leaf changed, for every leaf."""
    if is_dataclass(whole):
        for field in fields(whole):
            if field.name in _ELSEWHERE:
                continue
            for name, other in variants(getattr(whole, field.name), f"{path}.{field.name}"):
                yield name, replace(whole, **{field.name: other})
    elif isinstance(whole, tuple):
        for at, part in enumerate(whole):
            for name, other in variants(part, f"{path}[{at}]"):
                yield name, (*whole[:at], other, *whole[at + 1 :])
    elif whole is not None:
        yield path, changed(whole)


@pytest.mark.parametrize("name", TEXTS)
def test_every_field_that_changes_is_seen_to_change(name: str) -> None:
    protocol = parse_protocol(TEXTS[name])
    shown = readable(protocol)
    unseen = []
    for path, other in variants(protocol):
        if path.startswith((".phases", ".visits")) and path.endswith((".phase", ".code")):
            continue  # they refer to each other; the next test changes them together
        if readable(other) == shown:
            unseen.append(path)
    assert unseen == []


@pytest.mark.parametrize("name", TEXTS)
def test_codes_of_visits_and_phases_are_seen(name: str) -> None:
    protocol = parse_protocol(TEXTS[name])
    words = str(readable(protocol))
    for visit in protocol.visits:
        assert f"{visit.name} ({visit.code})" in words
        assert f"({visit.phase})" in words
