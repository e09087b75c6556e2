"""Authenticator codes (RFC 6238) and what the database keeps of them, sealed.

A code is six digits of HMAC-SHA-1 over a 30-second step, as authenticator apps expect. The secret
behind it has to be read again at every sign-in, so it cannot be hashed: it is sealed under a key
that follows from the server's own secret, which is never in the database or its backups.
"""

from __future__ import annotations

from base64 import b32encode
from datetime import datetime

import pyotp

from pharmacy.crypto.aead import open_sealed, seal, sealed_length
from pharmacy.crypto.context import context as encode
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.hkdf import hkdf
from pharmacy.crypto.sizes import KEY_LENGTH, at_least

SECRET_LENGTH = 20
STEP_SECONDS = 30
_SIZE = 32
SEALED_LENGTH = sealed_length(_SIZE)
_DIGITS = 6
_TOLERATED_STEPS = 1


class Authenticators:
    """Makes, seals and checks what belongs to people's authenticators.

    `secret_key` is the server's, at least 32 bytes (ValueError otherwise).
    """

    def __init__(self, secret_key: bytes) -> None:
        at_least(secret_key, KEY_LENGTH, "the secret key")
        self._sealing = hkdf(secret_key, b"", encode("authenticator-sealing"), KEY_LENGTH)
        self._drawing = hkdf(secret_key, b"", encode("authenticator-drawing"), KEY_LENGTH)

    def draw(self, purpose: str, seed: bytes, length: int) -> bytes:
        """Bytes that follow from a fresh random seed of 32 bytes or more, and from the server.

        One sign-in sees the same secret however often its page is opened, and nothing is stored
        before the person has shown a code of it.
        """
        at_least(seed, KEY_LENGTH, "the seed")
        return hkdf(self._drawing, seed, encode("authenticator", purpose), length)

    def seal(self, purpose: str, person_id: str, plaintext: bytes, salt: bytes) -> bytes:
        """Seal at most 31 bytes for one person; `SEALED_LENGTH` bytes whatever is in them."""
        return seal(self._sealing, plaintext, _SIZE, encode(purpose, person_id), salt)

    def open(self, purpose: str, person_id: str, sealed: bytes) -> bytes | None:
        """What was sealed, or None under another server's secret or after a change."""
        try:
            return open_sealed(self._sealing, sealed, _SIZE, encode(purpose, person_id))
        except CannotOpen:
            return None

    def step_of(self, secret: bytes, code: str, at: datetime) -> int | None:
        """The time step whose code this is: the present one, the one before or the one after.

        Spaces between digits are read over. None when it is no code of these three steps.
        """
        digits = "".join(code.split())
        if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
            digits = ""  # compared like any other, so that it takes as long
        try:
            return _totp(secret).verify_and_get_timecode(
                digits, for_time=at, valid_window=_TOLERATED_STEPS
            )
        except pyotp.OTPVerificationError:
            return None

    def typed(self, secret: bytes) -> str:
        """The secret as a person types it into an app: base32."""
        return b32encode(secret).decode("ascii")

    def address(self, secret: bytes, user_name: str, issuer: str) -> str:
        """The otpauth address that the QR code carries."""
        return str(_totp(secret).provisioning_uri(name=user_name, issuer_name=issuer))


def _totp(secret: bytes) -> pyotp.TOTP:
    return pyotp.TOTP(b32encode(secret).decode("ascii"), digits=_DIGITS, interval=STEP_SECONDS)
