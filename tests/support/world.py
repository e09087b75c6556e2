"""A house for tests: real database, real app; only the clock, chance and hashing cost stand in.

`Clock` is set by the test. `KeyedChance` draws from a seed by the place that asks and how often
it asked, so that one extra draw somewhere never shifts a value elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask

from config import Config
from pharmacy.app import create_app
from pharmacy.crypto.authenticators import Authenticators
from pharmacy.crypto.passkeys import Passkeys
from pharmacy.services.surroundings import Surroundings
from tests.support.cheap_derivation import CheapDeriver, CheapHasher

# A Monday, 08:30 in Birmingham, Alabama.
MORNING = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
SECRET_KEY = hashlib.sha256(b"key").digest()


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = MORNING) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def move(self, **parts: float) -> None:
        """Move on by a timedelta's parts."""
        self.at += timedelta(**parts)


class KeyedChance:
    """Random bytes that follow from seed, purpose and count."""

    def __init__(self, seed: str = "world") -> None:
        self._seed, self._asked = seed.encode(), Counter()

    def __call__(self, purpose: str, count: int) -> bytes:
        self._asked[purpose] += 1
        drawn, block = b"", 0
        while len(drawn) < count:
            said = f"{purpose}|{self._asked[purpose]}|{block}".encode()
            drawn += hmac.new(self._seed, said, hashlib.sha256).digest()
            block += 1
        return drawn[:count]


def make_surroundings(clock: Clock, chance: KeyedChance) -> Surroundings:
    """The stand-ins of the tests, and no others."""
    return Surroundings(
        clock,
        chance,
        CheapHasher(),
        CheapDeriver(),
        Authenticators(SECRET_KEY),
        passkeys=Passkeys("localhost", "http://localhost:8000"),
    )


def make_config(database_url: str, instance_dir: Path, **changes: object) -> Config:
    """Settings of a test installation."""
    settings: dict[str, object] = {
        "database_url": database_url,
        "owner_database_url": database_url,
        "instance_dir": instance_dir,
        "secret_key": SECRET_KEY,
        "pepper": hashlib.sha256(b"pepper").digest(),
        "break_key": hashlib.sha256(b"break key").digest(),
        "trusted_hosts": ("127.0.0.1", "localhost"),
        "secure_cookies": False,
        "lit_room": True,
        "code_break": True,
        "demo": False,
        # What is tested through a sign-in is something else nearly everywhere, and needs no phone
        # for it; the tests of the second factor say yes.
        "second_factor": False,
        "port": 8000,
        "public_url": "http://localhost:8000",
    }
    return Config(**{**settings, **changes})  # type: ignore[arg-type]


def build_app(database_url: str, instance_dir: Path, clock: Clock, chance: KeyedChance) -> Flask:
    """The product on a migrated database, with a test's surroundings."""
    return create_app(make_config(database_url, instance_dir), make_surroundings(clock, chance))
