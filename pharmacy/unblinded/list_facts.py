"""What is said of a loaded list beside its commitment."""

from __future__ import annotations

import hashlib

from pharmacy.crypto.context import context

LOADED_EVENT = "list_loaded"
SOURCES = {
    "redcap": "Loaded from REDCap's allocation table",
    "concealed": "Loaded from REDCap's concealed table and the second custodian's code list",
    "made": "Made here from a sealed seed",
}


def said_bytes(commitment: bytes, source: str, dummy: bool, digest: bytes) -> bytes:
    """What a list's second signature was over in earlier versions.

    Which list, where from, what for, and the hash of its sealed seed.
    """
    return context("list", commitment, source, "dummy" if dummy else "not a dummy", digest)


def seed_digest(seed_wrap: bytes | None) -> bytes:
    """The hash of a wrapped seed, of nothing when the list was not made here.

    It is over ciphertext under a fresh key, so that it tells nothing of the seed.
    """
    return hashlib.sha256(seed_wrap or b"").digest()
