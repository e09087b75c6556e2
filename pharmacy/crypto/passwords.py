"""Account passwords: Argon2id in PHC strings, and the list of common ones.

An account password signs a person in and signs for them; it opens nothing that is sealed. What
makes a password good enough is decided in `pharmacy.domain.passwords`. Source: NIST SP 800-63B-4,
3.1.1.2; OWASP password storage (G5).
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from pharmacy.crypto.cost import PRODUCTION, DerivationCost
from pharmacy.crypto.errors import WeakParameters
from pharmacy.crypto.sizes import exactly

PASSWORD_SALT_LENGTH = 16
_HASH_LENGTH = 32
_COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt")
_PHC = re.compile(
    r"\$argon2id\$v=19\$(m=\d+,t=\d+,p=\d+)\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}", re.ASCII
)


class PasswordHasher(Protocol):
    """Makes and checks the stored form of a password. Injected: it costs time."""

    def hash(self, password: str, salt: bytes) -> str:
        """Return the form to store; `salt` is 16 fresh random bytes."""
        ...

    def verify(self, phc: str, password: str) -> bool:
        """Say whether the password belongs to the stored form."""
        ...

    def needs_rehash(self, phc: str) -> bool:
        """Say whether the form should be made anew at the next sign-in."""
        ...


class Argon2Hasher:
    """The production hasher: Argon2id at a cost that cannot be constructed below its floor."""

    def __init__(self, cost: DerivationCost = PRODUCTION) -> None:
        self.cost = cost

    def hash(self, password: str, salt: bytes) -> str:
        """Return a PHC string. `salt` is 16 bytes (ValueError otherwise); NFKC comes first (G1)."""
        exactly(salt, PASSWORD_SALT_LENGTH, "the salt")
        return self.cost.argon2id(salt, _HASH_LENGTH).derive_phc_encoded(_bytes(password))

    def verify(self, phc: str, password: str) -> bool:
        """Say whether the password made this PHC string.

        A malformed string, or one outside floor and ceiling, is no hash of ours: False, at once.
        """
        if _cost_of(phc) is None:
            return False
        try:
            Argon2id.verify_phc_encoded(_bytes(password), phc)
        except InvalidKey:
            return False
        return True

    def needs_rehash(self, phc: str) -> bool:
        """Say whether the stored cost differs from today's, to be renewed after a good sign-in."""
        return _cost_of(phc) != self.cost


@cache
def common_passwords() -> frozenset[str]:
    """Return common passwords of eight characters and more, lower case (see the .md beside it)."""
    return frozenset(_COMMON_PASSWORDS.read_text(encoding="ascii").splitlines())


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8")


def _cost_of(phc: str) -> DerivationCost | None:
    match = _PHC.fullmatch(phc)
    if match is None:
        return None
    try:
        return DerivationCost.read(match.group(1))
    except WeakParameters:
        return None
