"""Values of columns as JSON and back, exactly: what comes back is what was there, or an error.

Decimals are their plain digits as text, times their UTC instant with microseconds, dates ISO
text, bytes base64. None is null and never the empty text.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_DECIMAL = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,20})?")


def to_json(kind: str, value: Any) -> Any:
    """A value of a column of `kind` as JSON; TypeError for a value of another kind."""
    if value is None:
        return None
    wanted, put, _take = KINDS[kind]
    if type(value) is not wanted:
        raise TypeError(f"a column of kind {kind} holds a {type(value).__name__}")
    return put(value)


def from_json(kind: str, value: Any) -> Any:
    """What `to_json` wrote; ValueError for anything that it would not have written."""
    if value is None:
        return None
    wanted, put, take = KINDS[kind]
    try:
        taken = take(value)
    except (TypeError, ValueError, ArithmeticError):
        raise ValueError(kind) from None
    if type(taken) is not wanted or put(taken) != value:
        raise ValueError(kind)
    return taken


def _same(value: Any) -> Any:
    return value


def _put_decimal(value: Decimal) -> str:
    return format(value, "f")


def _take_decimal(value: str) -> Decimal:
    if not _DECIMAL.fullmatch(value):
        raise ValueError("decimal")
    return Decimal(value)


def _put_moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise TypeError("a stored time carries its zone")
    naive = value.astimezone(UTC).replace(tzinfo=None)
    return naive.isoformat(timespec="microseconds") + "Z"


def _take_moment(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def _put_bytes(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _take_bytes(value: str) -> bytes:
    return base64.b64decode(value, validate=True)


# The kinds of columns: the one Python type of their values, how they are put and taken.
KINDS: dict[str, tuple[type, Callable[[Any], Any], Callable[[Any], Any]]] = {
    "text": (str, _same, _same),
    "integer": (int, _same, _same),
    "boolean": (bool, _same, _same),
    "decimal": (Decimal, _put_decimal, _take_decimal),
    "moment": (datetime, _put_moment, _take_moment),
    "date": (date, date.isoformat, date.fromisoformat),
    "bytes": (bytes, _put_bytes, _take_bytes),
}
