"""Sealed records: one fresh key per record, one size per kind of record.

    version (1) | salt (32) | commitment (32) | AES-256-GCM of the padded plaintext (size + 16)

A fresh salt gives every record its own key, so the zero nonce is used once under it and there is
no counter that a restored backup could turn back. The commitment is a second output of the same
derivation: GCM alone would let one ciphertext open under two keys.
"""

from __future__ import annotations

from hmac import compare_digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pharmacy.crypto.context import context as encode
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.hkdf import hkdf
from pharmacy.crypto.padding import pad, unpad
from pharmacy.crypto.sizes import KEY_LENGTH, SALT_LENGTH, exactly

VERSION = b"\x01"
_COMMITMENT_LENGTH = 32
_TAG_LENGTH = 16
_HEAD_LENGTH = len(VERSION) + SALT_LENGTH + _COMMITMENT_LENGTH
_NONCE = bytes(12)


def sealed_length(size: int) -> int:
    """Return the length of every record padded to `size` bytes, for `CHECK (length(...) = n)`."""
    return _HEAD_LENGTH + size + _TAG_LENGTH


def seal(key: bytes, plaintext: bytes, size: int, context: bytes, salt: bytes) -> bytes:
    """Seal a plaintext of at most size - 1 bytes; the result has `sealed_length(size)` bytes.

    `key` and `salt` are 32 bytes (ValueError otherwise). `salt` must be freshly random for every
    call, also when a record is sealed again: a salt used twice under one key and context would use
    the nonce twice. A longer plaintext raises TooLong. `context` is authenticated, not stored.
    """
    exactly(key, KEY_LENGTH, "the key")
    salt = exactly(salt, SALT_LENGTH, "the salt")
    padded = pad(plaintext, size)
    subkey, commitment = _record_key(key, size, context, salt)
    return VERSION + salt + commitment + AESGCM(subkey).encrypt(_NONCE, padded, context)


def open_sealed(key: bytes, sealed: bytes, size: int, context: bytes) -> bytes:
    """Return the plaintext of a sealed record. Every failure is the same CannotOpen.

    Version and exact length are checked before anything is derived or decrypted, and the
    commitment before the ciphertext is touched.
    """
    if len(key) != KEY_LENGTH or len(sealed) != sealed_length(size) or sealed[:1] != VERSION:
        raise CannotOpen
    salt = sealed[1 : 1 + SALT_LENGTH]
    subkey, commitment = _record_key(key, size, context, salt)
    if not compare_digest(commitment, sealed[1 + SALT_LENGTH : _HEAD_LENGTH]):
        raise CannotOpen
    try:
        padded = AESGCM(subkey).decrypt(_NONCE, sealed[_HEAD_LENGTH:], context)
    except InvalidTag:
        raise CannotOpen from None
    return unpad(padded)


def _record_key(key: bytes, size: int, context: bytes, salt: bytes) -> tuple[bytes, bytes]:
    info = encode("sealed-record", VERSION, size, context)
    both = hkdf(key, salt, info, KEY_LENGTH + _COMMITMENT_LENGTH)
    return both[:KEY_LENGTH], both[KEY_LENGTH:]
