"""The arm: a value that travels and is compared, and does not become text by accident.

`reveal` is the only way to its code. Everything else that Python would gladly do for a value,
printing, formatting, hashing, sorting, copying out its state, is refused or answers the same
for every arm.
"""

from __future__ import annotations

import re
from hmac import compare_digest
from typing import Any, NoReturn

ARM_SIZE = 32
_CODE = re.compile(r"[a-z][a-z0-9_]{0,30}\Z")
_OPAQUE = "<arm>"


class Arm:
    """One study arm, by the code that the list rules give it (1 to 31 of a-z, 0-9, _).

    Raises ValueError for any other code, without quoting it. Neither hashable nor sortable: a
    set, a dictionary or a sorted page would order rows by arm.
    """

    __slots__ = ("__sealed",)
    __sealed: bytes

    def __init__(self, code: str) -> None:
        if not isinstance(code, str) or not _CODE.match(code):
            raise ValueError("an arm's code is 1 to 31 of a-z, 0-9 and _, and starts with a letter")
        object.__setattr__(self, "_Arm__sealed", code.encode().ljust(ARM_SIZE, b"\0"))

    @classmethod
    def from_bytes(cls, data: bytes) -> Arm:
        """The arm in `ARM_SIZE` bytes made by `to_bytes`; ValueError, quoting nothing, if not."""
        code = bytes(data).rstrip(b"\0").decode("latin-1") if len(data) == ARM_SIZE else ""
        return cls(code)

    def to_bytes(self) -> bytes:
        """`ARM_SIZE` bytes for sealing, the same number for every arm."""
        return self.__sealed

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Arm):
            return NotImplemented
        return compare_digest(self.__sealed, other.__sealed)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return _OPAQUE

    def __str__(self) -> NoReturn:
        raise TypeError("an arm does not become text")

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("an arm does not become text")

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        raise TypeError("an arm is not written down")

    def __reduce__(self) -> NoReturn:
        raise TypeError("an arm is not written down")

    def __getstate__(self) -> NoReturn:
        raise TypeError("an arm is not written down")

    def __copy__(self) -> Arm:
        return self

    def __deepcopy__(self, memo: Any) -> Arm:
        return self

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("an arm does not change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError("an arm does not change")

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Arm has no subclasses: one could tell")


def reveal(arm: Arm) -> str:
    """The arm's code, in the open. For the pages of the lit room and for what is drawn."""
    return arm.to_bytes().rstrip(b"\0").decode()
