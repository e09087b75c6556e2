"""Lengths that every function of this room insists on."""

from __future__ import annotations

KEY_LENGTH = 32
SALT_LENGTH = 32


def exactly(value: bytes, length: int, name: str) -> bytes:
    """Return `value` as bytes if it has exactly `length` bytes; else ValueError naming `name`.

    The message gives lengths only: most of what passes here is secret.
    """
    if not isinstance(value, (bytes, bytearray)):
        raise TypeError(f"{name} must be bytes")
    if len(value) != length:
        raise ValueError(f"{name} must be {length} bytes, not {len(value)}")
    return bytes(value)


def at_least(value: bytes, length: int, name: str) -> bytes:
    """Return `value` as bytes if it has `length` bytes or more; else ValueError naming `name`."""
    if not isinstance(value, (bytes, bytearray)):
        raise TypeError(f"{name} must be bytes")
    if len(value) < length:
        raise ValueError(f"{name} must be at least {length} bytes, not {len(value)}")
    return bytes(value)
