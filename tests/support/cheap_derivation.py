"""Derivation that costs nothing, so that tests need not wait. It exists only under tests/."""

from __future__ import annotations

import hashlib
import hmac
import unicodedata

from pharmacy.crypto.deriving import fold_passphrase
from pharmacy.crypto.passwords import PASSWORD_SALT_LENGTH
from pharmacy.crypto.sizes import exactly


class CheapDeriver:
    """A `Deriver`: folds like the real one, then one HMAC."""

    def __call__(self, passphrase: str, salt: bytes) -> bytes:
        folded = fold_passphrase(passphrase).encode("utf-8")
        return hmac.digest(salt, folded, "sha256")


class CheapHasher:
    """A `PasswordHasher`: NFKC like the real one, then one HMAC, as `$cheap$salt$digest`."""

    def hash(self, password: str, salt: bytes) -> str:
        exactly(salt, PASSWORD_SALT_LENGTH, "the salt")
        normal = unicodedata.normalize("NFKC", password).encode("utf-8")
        return f"$cheap${salt.hex()}${hmac.digest(salt, normal, hashlib.sha256).hex()}"

    def verify(self, phc: str, password: str) -> bool:
        parts = phc.split("$")
        if len(parts) != 4 or parts[1] != "cheap":
            return False
        return hmac.compare_digest(self.hash(password, bytes.fromhex(parts[2])), phc)

    def needs_rehash(self, phc: str) -> bool:
        return not phc.startswith("$cheap$")
