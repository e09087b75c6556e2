"""Commitments, keyed digests and two halves of one secret.

Twelve slots in blocks of four have 216 arrangements, so a plain hash of a list is the list. What
may be stored or printed is an HMAC under a random opening that is itself sealed.
"""

from __future__ import annotations

from hmac import compare_digest, digest

from pharmacy.crypto.context import context as encode
from pharmacy.crypto.sizes import KEY_LENGTH, at_least, exactly


def commit(opening: bytes, message: bytes) -> bytes:
    """Return the 32-byte HMAC-SHA256 commitment to `message` under a random 32-byte opening.

    Another length of the opening raises ValueError. Draw a fresh one for every commitment.
    """
    exactly(opening, KEY_LENGTH, "the opening")
    return digest(opening, encode("commitment", message), "sha256")


def proves(commitment: bytes, opening: bytes, message: bytes) -> bool:
    """Say whether a revealed opening and message are what was committed to."""
    if len(opening) != KEY_LENGTH:
        return False
    return compare_digest(commitment, commit(opening, message))


def keyed_digest(key: bytes, message: bytes) -> bytes:
    """Return the 32-byte HMAC-SHA256 of `message` under a key of at least 32 random bytes.

    For fingerprints of requests and of participants' cards, which are guessable without a key.
    """
    at_least(key, KEY_LENGTH, "the key")
    return digest(key, encode("keyed-digest", message), "sha256")


def halves(secret: bytes, random_bytes: bytes) -> tuple[bytes, bytes]:
    """Split a secret so that either half alone is random and both together give it back.

    `random_bytes` is as long as the secret and used for nothing else (ValueError otherwise).
    """
    exactly(random_bytes, len(secret), "the random bytes")
    return bytes(random_bytes), _xor(secret, random_bytes)


def join(one: bytes, other: bytes) -> bytes:
    """Return the secret of two halves, in any order; ValueError if their lengths differ.

    A wrong half gives a wrong secret: what it opens is what tells.
    """
    return _xor(one, exactly(other, len(one), "the other half"))


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))
