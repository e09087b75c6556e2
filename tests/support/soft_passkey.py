"""A security key in software: it makes passkeys and signs with them, as a browser answers a page.

By the published layouts (WebAuthn 2, CTAP 2.1, RFC 8949) and `cryptography` alone, sharing
nothing with the product. What it does wrong on purpose is said at each call.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

HOST, ORIGIN = "localhost", "http://localhost:8000"
_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@dataclass
class SoftPasskey:
    """One passkey of one device; its key follows from `seed`, so that worlds can be compared."""

    seed: str = "key"
    counter: int = 0
    credential: bytes = field(init=False)
    user: str = ""

    def __post_init__(self) -> None:
        self.credential = hashlib.sha256(f"credential {self.seed}".encode()).digest()
        secret = int.from_bytes(hashlib.sha256(self.seed.encode()).digest(), "big") % _ORDER
        self._private = ec.derive_private_key(secret, ec.SECP256R1())

    def make(
        self, options: str, *, host: str = HOST, origin: str = ORIGIN, verified: bool = True
    ) -> str:
        """The answer to a page that asks for a new passkey."""
        asked = json.loads(options)
        assert asked["authenticatorSelection"]["userVerification"] == "required"
        assert asked["authenticatorSelection"]["residentKey"] == "required"
        assert asked["rp"]["id"] == HOST
        self.user = asked["user"]["name"]
        numbers = self._private.public_key().public_numbers()
        key = _map(
            (_int(1), _int(2)),
            (_int(3), _int(-7)),
            (_int(-1), _int(1)),
            (_int(-2), _bytes(numbers.x.to_bytes(32, "big"))),
            (_int(-3), _bytes(numbers.y.to_bytes(32, "big"))),
        )
        attested = bytes(16) + len(self.credential).to_bytes(2, "big") + self.credential + key
        data = self._data(host, verified, _ATTESTED) + attested
        whole = _map(
            (_text("fmt"), _text("none")),
            (_text("attStmt"), _map()),
            (_text("authData"), _bytes(data)),
        )
        said = _client("webauthn.create", asked["challenge"], origin)
        return self._answer({"clientDataJSON": _b64(said), "attestationObject": _b64(whole)})

    def show(
        self,
        options: str,
        *,
        host: str = HOST,
        origin: str = ORIGIN,
        verified: bool = True,
        counts: int = 1,
    ) -> str:
        """The answer to a page that asks for a sign of it; `counts` is how far the counter goes."""
        asked = json.loads(options)
        assert asked["userVerification"] == "required"
        self.counter += counts
        data = self._data(host, verified, 0)
        said = _client("webauthn.get", asked["challenge"], origin)
        signed = data + hashlib.sha256(said).digest()
        signature = self._private.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "clientDataJSON": _b64(said),
                "authenticatorData": _b64(data),
                "signature": _b64(signature),
            }
        )

    def _data(self, host: str, verified: bool, more: int) -> bytes:
        flags = _PRESENT | (_VERIFIED if verified else 0) | more
        name = hashlib.sha256(host.encode()).digest()
        return name + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _answer(self, response: dict[str, str]) -> str:
        own = _b64(self.credential)
        return json.dumps({"id": own, "rawId": own, "type": "public-key", "response": response})


def _client(kind: str, challenge: str, origin: str) -> bytes:
    said = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
    return json.dumps(said).encode()


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    if number < 256:
        return bytes([major << 5 | 24, number])
    return bytes([major << 5 | 25]) + number.to_bytes(2, "big")


def _int(number: int) -> bytes:
    return _head(0, number) if number >= 0 else _head(1, -1 - number)


def _bytes(raw: bytes) -> bytes:
    return _head(2, len(raw)) + raw


def _text(said: str) -> bytes:
    return _head(3, len(said)) + said.encode()


def _map(*pairs: tuple[bytes, bytes]) -> bytes:
    return _head(5, len(pairs)) + b"".join(name + value for name, value in pairs)
