"""Contexts: what a sealed record, a wrapped key or a signature is for, as unambiguous bytes.

A context is no secret and may be logged. It binds a ciphertext to its purpose, study, key version
and slot or record, so that moving it elsewhere makes it unreadable.
"""

from __future__ import annotations

_TEXT, _BYTES, _NUMBER = b"t", b"b", b"n"
_LENGTH_BYTES = 4


def context(purpose: str, *parts: str | bytes | int) -> bytes:
    """Encode a purpose and its parts injectively: two different calls never give equal bytes.

    Each part is one type letter, its length in four bytes and its value, so ("ab", "c") differs
    from ("a", "bc"), and 1 from "1" and b"1". Refused: an empty purpose (ValueError) and any
    other type, bool included (TypeError).
    """
    if not isinstance(purpose, str):
        raise TypeError("the purpose of a context is text")
    if not purpose:
        raise ValueError("a context needs a purpose")
    return b"".join(_part(value) for value in (purpose, *parts))


def _part(value: str | bytes | int) -> bytes:
    if isinstance(value, bool):
        raise TypeError("a context takes text, bytes and whole numbers; say true or false as text")
    if isinstance(value, str):
        letter, encoded = _TEXT, value.encode("utf-8")
    elif isinstance(value, (bytes, bytearray)):
        letter, encoded = _BYTES, bytes(value)
    elif isinstance(value, int):
        letter, encoded = _NUMBER, b"%d" % value
    else:
        raise TypeError(f"a context takes text, bytes and numbers, not {type(value).__name__}")
    return letter + len(encoded).to_bytes(_LENGTH_BYTES, "big") + encoded
