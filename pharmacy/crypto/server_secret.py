"""A secret of the server's while it is being changed: the one of now, and the one before.

What is sealed anew goes under the one of now; what was sealed before is still opened with the
other, until nothing is left under it.
"""

from __future__ import annotations

from typing import Self


class ServerSecret(bytes):
    """The pepper or the break key as the configuration gives it; `before` is empty in between."""

    before: bytes

    def __new__(cls, now: bytes, before: bytes = b"") -> Self:
        """The secret of now, which remembers the one before."""
        made = super().__new__(cls, now)
        made.before = bytes(before)
        return made

    def __repr__(self) -> str:
        return "<server secret>"

    __str__ = __repr__


def each_of(secret: bytes) -> tuple[bytes, ...]:
    """The secret of now and, while it is being changed, the one before: in this order."""
    before = secret.before if isinstance(secret, ServerSecret) else b""
    return (bytes(secret), before) if before else (bytes(secret),)
