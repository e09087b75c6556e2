"""What the program does not decide: the time, chance, and how slow a password hash must be.

Passed in everywhere. Production uses the system's; tests use a clock they set and random bytes
keyed by the place that asks, so that one extra draw never shifts another value.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol


class PasswordHasher(Protocol):
    """Argon2id in production, with its floor in code."""

    def hash(self, password: str, salt: bytes) -> str: ...

    def verify(self, phc: str, password: str) -> bool: ...

    def needs_rehash(self, phc: str) -> bool: ...


class Deriver(Protocol):
    """The slow step from a passphrase to 32 bytes."""

    def __call__(self, passphrase: str, salt: bytes) -> bytes: ...


@dataclass(frozen=True)
class Surroundings:
    """Clock, chance and the two slow functions.

    `random_bytes(purpose, count)`: the purpose names the place that asks; production ignores it.
    """

    now: Callable[[], datetime]
    random_bytes: Callable[[str, int], bytes]
    hasher: PasswordHasher
    deriver: Deriver

    def new_id(self, purpose: str) -> str:
        """A fresh random id: 32 hexadecimal characters."""
        return self.random_bytes(f"id:{purpose}", 16).hex()


def system_now() -> datetime:
    """The server's clock, in UTC."""
    return datetime.now(UTC)


def system_random_bytes(_purpose: str, count: int) -> bytes:
    """The operating system's random bytes."""
    return os.urandom(count)
