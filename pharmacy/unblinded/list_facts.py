"""What is said of a loaded list beside its commitment, and what the loader signs of it.

A certificate file says the same, so that the signature can be checked without the database.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from pharmacy.crypto.context import context

LOADED_EVENT = "list_loaded"
SOURCES = {
    "redcap": "Loaded from REDCap's allocation table",
    "concealed": "Loaded from REDCap's concealed table and the second custodian's code list",
    "made": "Made here from a sealed seed",
}


class ListFacts(Protocol):
    """A loaded list as the database keeps it."""

    commitment: bytes
    source: str
    dummy: bool
    seed_wrap: bytes | None


def facts_bytes(loaded: ListFacts) -> bytes:
    """The bytes of a list's facts signature."""
    return said_bytes(loaded.commitment, loaded.source, loaded.dummy, seed_digest(loaded.seed_wrap))


def said_bytes(commitment: bytes, source: str, dummy: bool, digest: bytes) -> bytes:
    """The same from its parts: which list, where from, what for, the hash of its sealed seed."""
    return context("list", commitment, source, "dummy" if dummy else "not a dummy", digest)


def seed_digest(seed_wrap: bytes | None) -> bytes:
    """The hash of a wrapped seed, of nothing when the list was not made here.

    It is over ciphertext under a fresh key, so that it tells nothing of the seed.
    """
    return hashlib.sha256(seed_wrap or b"").digest()
