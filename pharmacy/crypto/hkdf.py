"""HKDF-SHA256 (RFC 5869): many keys for many purposes out of one strong secret."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """Derive `length` bytes from a secret that is already strong; `info` says what they are for.

    Not for passphrases: those go through `deriving` first.
    """
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)
