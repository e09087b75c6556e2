"""The two slow functions, each asked once for the same thing.

What is stored is of the full price. Only asking again, as every made-up signature does, is
answered from memory, and the memory ends with the making of the study.
"""

from __future__ import annotations

from pharmacy.services.surroundings import Deriver, PasswordHasher


class RememberingHasher:
    """Hashes at its price; verifies at once what it has hashed itself, else at its price."""

    def __init__(self, hasher: PasswordHasher) -> None:
        self._hasher = hasher
        self._known: set[tuple[str, str]] = set()

    def hash(self, password: str, salt: bytes) -> str:
        """The PHC string."""
        phc = self._hasher.hash(password, salt)
        self._known.add((phc, password))
        return phc

    def verify(self, phc: str, password: str) -> bool:
        """Whether the password made this PHC string."""
        return (phc, password) in self._known or self._hasher.verify(phc, password)

    def needs_rehash(self, phc: str) -> bool:
        """Whether the stored cost differs from today's."""
        return self._hasher.needs_rehash(phc)


class RememberingDeriver:
    """Derives at its price, once for a passphrase and its salt."""

    def __init__(self, deriver: Deriver) -> None:
        self._deriver = deriver
        self._known: dict[tuple[str, bytes], bytes] = {}

    def __call__(self, passphrase: str, salt: bytes) -> bytes:
        """The 32 bytes."""
        asked = (passphrase, salt)
        if asked not in self._known:
            self._known[asked] = self._deriver(passphrase, salt)
        return self._known[asked]
