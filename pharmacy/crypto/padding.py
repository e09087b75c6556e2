"""Padding to one size (ISO 7816-4), so that the length of a ciphertext says nothing."""

from __future__ import annotations

from pharmacy.crypto.errors import CannotOpen, TooLong

_MARK = b"\x80"


def pad(plaintext: bytes, size: int) -> bytes:
    """Return `plaintext`, one marking byte and zeros: `size` bytes in all.

    Raises TooLong if more than size - 1 bytes are given. Callers check the limit on the fields of
    the form first: an overflow that depended on the product would itself tell the arm.
    """
    if size < 1:
        raise ValueError("a padded size is at least one byte")
    if len(plaintext) > size - 1:
        raise TooLong(size)
    return (bytes(plaintext) + _MARK).ljust(size, b"\x00")


def unpad(padded: bytes) -> bytes:
    """Return the plaintext that `pad` was given; raises CannotOpen if there is no mark.

    Called on authenticated bytes only, so the time it takes tells an attacker nothing.
    """
    body = padded.rstrip(b"\x00")
    if not body.endswith(_MARK):
        raise CannotOpen
    return body[:-1]
