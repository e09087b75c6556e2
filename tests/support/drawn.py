"""Numbers that look drawn and are the same in every run: a counter through SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import count


class Drawn:
    """One stream of numbers for a purpose; another purpose has another stream."""

    def __init__(self, purpose: str) -> None:
        self._words = _words(purpose)

    def below(self, number: int) -> int:
        """A number from 0 to `number` - 1; `number` is far below 2^64, so the skew is nothing."""
        return next(self._words) % number

    def between(self, low: int, high: int) -> int:
        """A number from `low` to `high`, both among them."""
        return low + self.below(high - low + 1)

    def yes(self) -> bool:
        """Heads or tails."""
        return self.below(2) == 1


def _words(purpose: str) -> Iterator[int]:
    for turn in count():
        block = hashlib.sha256(f"{purpose} {turn}".encode()).digest()
        yield from (int.from_bytes(block[at : at + 8]) for at in range(0, 32, 8))
