"""The audit trail's arithmetic: one serialization, and an append-only Merkle log (RFC 6962).

A trail stores the canonical bytes and the leaf hash of every entry and keeps a frontier, the
hashes of the complete subtrees, from which the root follows and to which the next leaf is added.
Entries about sealed things hold ciphertext or keyed commitments only: a leaf hash is an unkeyed
hash, and over something guessable it would give it away.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from decimal import Decimal

HASH_LENGTH = 32
_COUNT_BYTES = 8
_LEAF, _NODE = b"\x00", b"\x01"
EMPTY_ROOT = hashlib.sha256(b"").digest()


def canonical_bytes(entry: dict[str, object]) -> bytes:
    """Return the one JSON serialization of an entry: UTF-8, no spaces, keys by code point.

    Decimals become their plain digits as text (trailing zeros kept), times their UTC instant with
    microseconds, dates ISO text. Refused with TypeError: floats, naive times, keys that are not
    text and every other type; with ValueError: Decimals that are not finite. The message names
    the path inside the entry and never the value.
    """
    if not isinstance(entry, dict):
        raise TypeError("an audit entry is a map")
    plain = _plain(entry, "entry")
    text = json.dumps(
        plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return text.encode("utf-8")


def leaf_hash(canonical: bytes) -> bytes:
    """Return the RFC 6962 hash of a leaf: SHA-256 over a zero byte and the canonical bytes."""
    return hashlib.sha256(_LEAF + canonical).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the RFC 6962 hash of an inner node: SHA-256 over a one byte and both children."""
    return hashlib.sha256(_NODE + left + right).digest()


class Frontier:
    """The right edge of an append-only Merkle tree: enough to append and to tell the root.

    Holds one hash for each one-bit of the size, largest subtree first.
    """

    def __init__(self) -> None:
        self._size = 0
        self._peaks: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves have been appended."""
        return self._size

    def append(self, leaf: bytes) -> None:
        """Add the 32-byte hash of the next leaf; another length raises ValueError."""
        if len(leaf) != HASH_LENGTH:
            raise ValueError(f"a leaf hash has {HASH_LENGTH} bytes")
        node, complete = bytes(leaf), self._size
        while complete & 1:
            node = node_hash(self._peaks.pop(), node)
            complete >>= 1
        self._peaks.append(node)
        self._size += 1

    def root(self) -> bytes:
        """Return the RFC 6962 root over all leaves; the hash of nothing when there are none."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def to_bytes(self) -> bytes:
        """Return size (8 bytes) and peaks, to be stored with the trail's head."""
        return self._size.to_bytes(_COUNT_BYTES, "big") + b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Frontier:
        """Read what `to_bytes` wrote; ValueError if size and number of peaks disagree."""
        size = int.from_bytes(stored[:_COUNT_BYTES], "big")
        if len(stored) != _COUNT_BYTES + HASH_LENGTH * size.bit_count():
            raise ValueError("the stored frontier of an audit trail is damaged")
        frontier = cls()
        frontier._size = size
        frontier._peaks = [
            bytes(stored[at : at + HASH_LENGTH])
            for at in range(_COUNT_BYTES, len(stored), HASH_LENGTH)
        ]
        return frontier


def _plain(value: object, path: str) -> object:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Decimal):
        return _plain_decimal(value, path)
    if isinstance(value, datetime.datetime):
        return _plain_instant(value, path)
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(part, f"{path}[{at}]") for at, part in enumerate(value)]
    if isinstance(value, dict):
        return {_key(key, path): _plain(part, f"{path}.{key}") for key, part in value.items()}
    raise TypeError(f"{path}: an audit entry takes no {type(value).__name__}")


def _key(key: object, path: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{path}: the keys of an audit entry are text")
    return str.__str__(key)


def _plain_decimal(value: Decimal, path: str) -> str:
    if not value.is_finite():
        raise ValueError(f"{path}: an audit entry takes finite numbers only")
    return format(value, "f")


def _plain_instant(value: datetime.datetime, path: str) -> str:
    if value.utcoffset() is None:
        raise TypeError(f"{path}: a time in an audit entry needs its zone")
    instant = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return instant.isoformat(timespec="microseconds") + "Z"
