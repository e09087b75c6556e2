"""What a way through the product takes: the machine's part is measured, the person's is budgeted.

Two seconds to find and tap something, one to go to the next field, and three characters a second,
which is what people type on their phones on average (36 words a minute; Palin and others, How do
People Type on Mobile Devices?, 2019).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar

Answered = TypeVar("Answered")
_TAP_S, _FIELD_S = 2.0, 1.0
_CHARACTERS_PER_S = 3.0
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass
class Way:
    """What one walk took."""

    taps: int = 0
    fields: int = 0
    characters: int = 0
    machine_s: float = 0.0

    @property
    def person_s(self) -> float:
        """What a person takes for it."""
        moves = _TAP_S * self.taps + _FIELD_S * self.fields
        return moves + self.characters / _CHARACTERS_PER_S

    @property
    def said(self) -> str:
        """How the guide says it."""
        return f"{_NUMBERS[self.taps]} taps and {_NUMBERS[self.fields]} fields"

    def wait(self, act: Callable[[], Answered]) -> Answered:
        """Wait for the machine."""
        began = perf_counter()
        answered = act()
        self.machine_s += perf_counter() - began
        return answered

    def tap(self, act: Callable[[], Answered]) -> Answered:
        """Tap something and wait for what it leads to."""
        self.taps += 1
        return self.wait(act)

    def type(self, text: str) -> str:
        """Type something into a field."""
        self.fields += 1
        self.characters += len(text)
        return text
