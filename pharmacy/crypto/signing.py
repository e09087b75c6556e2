"""Ed25519 signatures (RFC 8032), each bound to what it is for.

Sign commitments and ciphertexts only. A signature over something guessable, such as a list of
twelve arms, is that list: whoever holds the public key can try all arrangements against it.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pharmacy.crypto.context import context as encode
from pharmacy.crypto.sizes import KEY_LENGTH, exactly

SIGNATURE_LENGTH = 64
_FIELD_PRIME = 2**255 - 19
_SIGN_BIT = 2**255
_ORDER_8 = 2707385501144840649318225287225658788936804267575313519463743609750303402022
# Under a public key of small order one signature fits many messages.
_SMALL_ORDER = frozenset({0, 1, _FIELD_PRIME - 1, _ORDER_8, _FIELD_PRIME - _ORDER_8})


def signing_key_pair(seed: bytes) -> tuple[bytes, bytes]:
    """Return (private, public), 32 bytes each; the 32 random bytes are the private key.

    Another length raises ValueError.
    """
    private = exactly(seed, KEY_LENGTH, "the seed")
    return private, Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(private_key: bytes, context: bytes, message: bytes) -> bytes:
    """Return the 64-byte signature of `message` in `context`; equal calls give equal bytes."""
    key = Ed25519PrivateKey.from_private_bytes(exactly(private_key, KEY_LENGTH, "the private key"))
    return key.sign(_bound(context, message))


def verify(public_key: bytes, context: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether `signature` is this key's over `message` in `context`.

    A malformed or small-order key and a signature of another length are False, not an error:
    what is verified comes from outside.
    """
    if len(public_key) != KEY_LENGTH or len(signature) != SIGNATURE_LENGTH:
        return False
    height = int.from_bytes(public_key, "little") % _SIGN_BIT
    if height >= _FIELD_PRIME or height in _SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, _bound(context, message))
    except InvalidSignature:
        return False
    return True


def _bound(context: bytes, message: bytes) -> bytes:
    return encode("signature", context, message)
