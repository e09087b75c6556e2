"""RFC 9180 base mode, recipient's side, written from the text with HMAC alone.

It shares nothing with the library's HPKE but X25519 and the cipher, so that what the project wraps
is read by a second implementation.
"""

from __future__ import annotations

import hmac

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

AES_128_GCM, AES_256_GCM = (1, 16), (2, 32)
_KEM_SUITE = b"KEM" + (0x0020).to_bytes(2, "big")


def shared_secret(private: bytes, encapsulated: bytes) -> bytes:
    """DHKEM(X25519, HKDF-SHA256), Decap."""
    key = X25519PrivateKey.from_private_bytes(private)
    agreed = key.exchange(X25519PublicKey.from_public_bytes(encapsulated))
    both = encapsulated + key.public_key().public_bytes_raw()
    pseudorandom = _extract(_KEM_SUITE, b"", b"eae_prk", agreed)
    return _expand(_KEM_SUITE, pseudorandom, b"shared_secret", both, 32)


def key_and_nonce(secret: bytes, info: bytes, cipher: tuple[int, int]) -> tuple[bytes, bytes]:
    """KeySchedule of mode_base."""
    number, key_length = cipher
    suite = b"HPKE" + b"".join(n.to_bytes(2, "big") for n in (0x0020, 0x0001, number))
    schedule = b"\x00" + _extract(suite, b"", b"psk_id_hash", b"")
    schedule += _extract(suite, b"", b"info_hash", info)
    root = _extract(suite, secret, b"secret", b"")
    key = _expand(suite, root, b"key", schedule, key_length)
    return key, _expand(suite, root, b"base_nonce", schedule, 12)


def open_first(private: bytes, wrapped: bytes, info: bytes) -> bytes:
    """Open encapsulated key | ciphertext of the first message under AES-256-GCM."""
    secret = shared_secret(private, wrapped[:32])
    key, nonce = key_and_nonce(secret, info, AES_256_GCM)
    return AESGCM(key).decrypt(nonce, wrapped[32:], b"")


def _extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def _expand(suite: bytes, root: bytes, label: bytes, info: bytes, length: int) -> bytes:
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    out, block = b"", b""
    for counter in range(1, 3):
        block = hmac.digest(root, block + labeled + bytes([counter]), "sha256")
        out += block
    return out[:length]
