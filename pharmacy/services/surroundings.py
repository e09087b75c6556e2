"""What the program does not decide: the time, chance, and how slow a password hash must be.

Passed in everywhere. Production uses the system's; tests use a clock they set and random bytes
keyed by the place that asks, so that one extra draw never shifts another value.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol


class PasswordHasher(Protocol):
    """Argon2id in production, with its floor in code."""

    def hash(self, password: str, salt: bytes) -> str: ...

    def verify(self, phc: str, password: str) -> bool: ...

    def needs_rehash(self, phc: str) -> bool: ...


class Deriver(Protocol):
    """The slow step from a passphrase to 32 bytes."""

    def __call__(self, passphrase: str, salt: bytes) -> bytes: ...


class Authenticators(Protocol):
    """The codes of authenticators, and their secrets sealed under the server's."""

    def draw(self, purpose: str, seed: bytes, length: int) -> bytes: ...

    def seal(self, purpose: str, person_id: str, plaintext: bytes, salt: bytes) -> bytes: ...

    def open(self, purpose: str, person_id: str, sealed: bytes) -> bytes | None: ...

    def step_of(self, secret: bytes, code: str, at: datetime) -> int | None: ...

    def typed(self, secret: bytes) -> str: ...

    def address(self, secret: bytes, user_name: str, issuer: str) -> str: ...


class MadePasskey(Protocol):
    """A new passkey: its id, its public key, and where its counter begins."""

    credential_id: bytes
    public_key: bytes
    counter: int


class Passkeys(Protocol):
    """What a browser is asked at this address, and whether its answer holds."""

    def to_make(
        self,
        challenge: bytes,
        person_id: str,
        user_name: str,
        full_name: str,
        known: Sequence[bytes],
    ) -> str: ...

    def to_show(self, challenge: bytes, known: Sequence[bytes]) -> str: ...

    def made(self, answer: str, challenge: bytes) -> MadePasskey | None: ...

    def named(self, answer: str) -> bytes: ...

    def shown(self, answer: str, challenge: bytes, public_key: bytes) -> int | None: ...


class NoAuthenticators:
    """Of a process that lets nobody in, such as a command: whatever it is asked is a bug."""

    def __getattr__(self, name: str) -> Any:
        raise ValueError("this process has no authenticators")


@dataclass(frozen=True)
class Surroundings:
    """Clock, chance, the two slow functions, and the second factor.

    `random_bytes(purpose, count)`: the purpose names the place that asks; production ignores it.
    `demands_second_factor`: whether everybody needs one, or only who set one up. `passkeys` is None
    where the installation's address has no name, to which they could belong.
    """

    now: Callable[[], datetime]
    random_bytes: Callable[[str, int], bytes]
    hasher: PasswordHasher
    deriver: Deriver
    authenticators: Authenticators = field(default_factory=NoAuthenticators)
    demands_second_factor: bool = False
    passkeys: Passkeys | None = None

    def new_id(self, purpose: str) -> str:
        """A fresh random id: 32 hexadecimal characters."""
        return self.random_bytes(f"id:{purpose}", 16).hex()


def system_now() -> datetime:
    """The server's clock, in UTC."""
    return datetime.now(UTC)


def system_random_bytes(_purpose: str, count: int) -> bytes:
    """The operating system's random bytes."""
    return os.urandom(count)
