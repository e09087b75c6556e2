"""Wrapping a secret for one person's public key: HPKE (RFC 9180), base mode.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The library's interface takes no associated
data, so the context goes into `info`. It also draws the ephemeral key by itself and offers no way
to pass one in: this is the only chance in this room that the caller does not provide, and wrapped
bytes are therefore never equal between two runs. They have one length and are compared by opening.

Base mode does not say who wrapped: whoever relies on that signs the wrapped bytes (`signing`).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from pharmacy.crypto.errors import BadPublicKey, CannotOpen
from pharmacy.crypto.padding import pad, unpad
from pharmacy.crypto.sizes import KEY_LENGTH, exactly

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_OVERHEAD = 32 + 16
_FIELD_PRIME = 2**255 - 19
_ANY_PRIVATE_KEY = X25519PrivateKey.from_private_bytes(bytes([1]) * KEY_LENGTH)

WRAPPED_LENGTH = KEY_LENGTH + _OVERHEAD


def key_pair(seed: bytes) -> tuple[bytes, bytes]:
    """Return (private, public), 32 bytes each, of X25519; the 32 random bytes are the private key.

    Another length raises ValueError.
    """
    private = exactly(seed, KEY_LENGTH, "the seed")
    return private, X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def wrap(public_key: bytes, secret: bytes, context: bytes) -> bytes:
    """Encrypt `secret` to a public key, bound to `context`; 48 bytes longer than the secret.

    A 32-byte secret gives `WRAPPED_LENGTH` bytes. Raises BadPublicKey for a key that is not 32
    bytes, not canonical or of low order (everyone could open what is wrapped to such a point).
    """
    return _SUITE.encrypt(secret, _checked(public_key), info=context)


def unwrap(private_key: bytes, wrapped: bytes, context: bytes) -> bytes:
    """Return the wrapped secret. Every failure is the same CannotOpen."""
    if len(private_key) != KEY_LENGTH or len(wrapped) < _OVERHEAD:
        raise CannotOpen
    try:
        key = X25519PrivateKey.from_private_bytes(private_key)
        return _SUITE.decrypt(wrapped, key, info=context)
    except InvalidTag:
        raise CannotOpen from None


def wrapped_record_length(size: int) -> int:
    """Return the length of every record that `wrap_record` pads to `size` bytes."""
    return size + _OVERHEAD


def wrap_record(public_key: bytes, plaintext: bytes, size: int, context: bytes) -> bytes:
    """Encrypt a record padded to one `size` to a public key, as the inbox of a study takes it.

    Raises TooLong for more than size - 1 bytes and BadPublicKey as `wrap` does.
    """
    return wrap(public_key, pad(plaintext, size), context)


def unwrap_record(private_key: bytes, wrapped: bytes, size: int, context: bytes) -> bytes:
    """Return the plaintext of `wrap_record`; exact length first; every failure is CannotOpen."""
    if len(wrapped) != wrapped_record_length(size):
        raise CannotOpen
    return unpad(unwrap(private_key, wrapped, context))


def _checked(public_key: bytes) -> X25519PublicKey:
    if len(public_key) != KEY_LENGTH or int.from_bytes(public_key, "little") >= _FIELD_PRIME:
        raise BadPublicKey
    key = X25519PublicKey.from_public_bytes(public_key)
    try:
        # RFC 7748, 6.1: a point of low order gives the all-zero secret, which the library refuses.
        _ANY_PRIVATE_KEY.exchange(key)
    except ValueError:
        raise BadPublicKey from None
    return key
