"""Deterministic bytes for the tests of this room."""

from __future__ import annotations

import hashlib


def fixed(name: str, length: int = 32) -> bytes:
    """Return the same `length` bytes for the same name, every time."""
    return hashlib.shake_256(name.encode("utf-8")).digest(length)
