"""From a generated passphrase to the key of a person's sealed private record.

Two secrets are needed: the passphrase, through Argon2id, and the server's pepper, through HKDF.
A copy of the database alone cannot be guessed against at all; with the pepper, a guess costs
64 MiB and a generated passphrase has 77 bits.
"""

from __future__ import annotations

import unicodedata
from typing import Protocol

from pharmacy.crypto.context import context as encode
from pharmacy.crypto.cost import PRODUCTION, DerivationCost
from pharmacy.crypto.hkdf import hkdf
from pharmacy.crypto.sizes import KEY_LENGTH, at_least, exactly

DERIVATION_SALT_LENGTH = 16
FINGERPRINT_LENGTH = 16
_LONGEST_PASSPHRASE = 1024


class Deriver(Protocol):
    """Turns a passphrase and its salt into 32 bytes, at a price. Injected: it costs time."""

    def __call__(self, passphrase: str, salt: bytes) -> bytes:
        """Return 32 bytes; the passphrase is folded first, so spelling variants agree."""
        ...


class Argon2Deriver:
    """The production deriver: Argon2id at a cost that cannot be constructed below its floor.

    A record that stores its own parameters is opened with
    `Argon2Deriver(DerivationCost.read(stored))`, which refuses anything weaker (WeakParameters).
    """

    def __init__(self, cost: DerivationCost = PRODUCTION) -> None:
        self.cost = cost

    def __call__(self, passphrase: str, salt: bytes) -> bytes:
        """Return 32 bytes. ValueError: a salt shorter than 16 bytes, an empty or huge passphrase.

        Takes about a fifth of a second and 64 MiB: the caller limits how many run at once.
        """
        at_least(salt, DERIVATION_SALT_LENGTH, "the salt")
        folded = fold_passphrase(passphrase)
        return self.cost.argon2id(salt, KEY_LENGTH).derive(folded.encode("utf-8"))


def fold_passphrase(passphrase: str) -> str:
    """Return the one spelling of a generated passphrase: NFKD, lower case, single spaces.

    Phones capitalize the first word, double a space and turn a hyphen into a dash; words of a
    generated passphrase lose nothing when all of these are read alike. Not for account passwords.
    ValueError for a passphrase that is empty or longer than 1,024 characters.
    """
    if len(passphrase) > _LONGEST_PASSPHRASE:
        raise ValueError("this passphrase is too long")
    folded = unicodedata.normalize("NFKD", passphrase).casefold()
    spaced = "".join(" " if unicodedata.category(c) == "Pd" else c for c in folded)
    words = unicodedata.normalize("NFKD", spaced).split()
    if not words:
        raise ValueError("the passphrase is empty")
    return " ".join(words)


def passphrase_key(derived: bytes, pepper: bytes, context: bytes) -> bytes:
    """Join what the passphrase gave with the server's pepper to the 32-byte key of one record.

    `derived` is 32 bytes, `pepper` at least 32 (ValueError otherwise). `context` names the person,
    the key version and the public key.
    """
    exactly(derived, KEY_LENGTH, "the derived secret")
    at_least(pepper, KEY_LENGTH, "the pepper")
    return hkdf(derived, pepper, encode("passphrase-key", context), KEY_LENGTH)


def fingerprint_of_secret(secret: bytes, purpose: str) -> bytes:
    """Return 16 bytes by which a wrong pepper or break key is noticed and from which none follows.

    Only for random secrets of at least 32 bytes (ValueError otherwise): the fingerprint of
    anything guessable would give it away.
    """
    at_least(secret, KEY_LENGTH, "the secret")
    return hkdf(secret, b"", encode("fingerprint", purpose), FINGERPRINT_LENGTH)
