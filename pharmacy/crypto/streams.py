"""A stream of bytes that follows from a 32-byte seed, and whole numbers drawn from it fairly.

    key       = HKDF-SHA256(secret=seed, salt=empty, info=context("stream", C), 32 bytes)
    block i   = HMAC-SHA256(key, i as eight bytes, big-endian)      i = 0, 1, 2, ...
    stream    = block 0 | block 1 | block 2 | ...

C is the caller's context, so that one seed gives streams that know nothing of each other. Whoever
holds the seed can draw the same numbers again with any HMAC; without it they cannot be told from
chance.
"""

from __future__ import annotations

from hmac import digest

from pharmacy.crypto.context import context as encode
from pharmacy.crypto.hkdf import hkdf
from pharmacy.crypto.sizes import KEY_LENGTH, exactly


class Stream:
    """The stream of one seed in one context; every byte is given out once.

    The seed is 32 bytes (ValueError otherwise).
    """

    def __init__(self, seed: bytes, context: bytes) -> None:
        exactly(seed, KEY_LENGTH, "the seed")
        self._key = hkdf(seed, b"", encode("stream", context), KEY_LENGTH)
        self._block, self._left = 0, b""

    def __repr__(self) -> str:
        return "<stream>"

    def read(self, count: int) -> bytes:
        """The next `count` bytes."""
        while len(self._left) < count:
            self._left += digest(self._key, self._block.to_bytes(8, "big"), "sha256")
            self._block += 1
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def below(self, count: int) -> int:
        """A whole number from 0 to `count` - 1, each equally likely; ValueError below 1.

        Read as big-endian from the fewest bytes that reach `count`. A value in the last, incomplete
        run of `count` is thrown away and the next one is read: taking the remainder of those
        would favour the small numbers.
        """
        if count < 1:
            raise ValueError("a number is drawn from at least one")
        width = ((count - 1).bit_length() + 7) // 8
        fair = 256**width - 256**width % count
        while True:
            value = int.from_bytes(self.read(width), "big")
            if value < fair:
                return value % count
