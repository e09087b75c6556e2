"""Reading the fields of a protocol file one by one, with an error that names line and rule."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import time
from decimal import Decimal
from typing import Any, TypeVar

from pharmacy.domain.errors import BadForm

T = TypeVar("T")

_NUMBER = re.compile(r"(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]", re.ASCII)
_HEADER = re.compile(r"\s*(\[\[?)\s*([A-Za-z0-9_.]+)\s*\]\]?")
_KEY = re.compile(r"\s*([A-Za-z0-9_]+)\s*=")


class ProtocolError(BadForm):
    """A protocol file that may not be used. `field` is its path, `line` its line or 0."""

    def __init__(self, field: str, rule: str, line: int = 0) -> None:
        place = f"Line {line}, {field}" if line else field
        self.field = field
        self.line = line
        self.sentence = f"{place}: {rule.rstrip('.')}."
        super().__init__({"protocol": self.sentence})


class FieldPlaces:
    """The line on which each field of a TOML text stands, as far as plain writing shows it."""

    def __init__(self, toml_text: str) -> None:
        self._lines: dict[str, int] = {}
        seen: dict[str, int] = {}
        table = ""
        for number, line in enumerate(toml_text.splitlines(), start=1):
            if header := _HEADER.match(line):
                table = header[2]
                if header[1] == "[[":
                    seen[table] = seen.get(table, 0) + 1
                    table = f"{table}[{seen[table]}]"
                self._lines.setdefault(table, number)
            elif key := _KEY.match(line):
                self._lines.setdefault(f"{table}.{key[1]}" if table else key[1], number)

    def line_of(self, path: str) -> int:
        """The line of the field or of the nearest table around it; 0 if neither is found."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return 0


class Fields:
    """One table of the file. Every `read` takes a field once; `close` refuses what is left.

    Each reader raises `ProtocolError` naming the field when it is missing or breaks its rule.
    """

    def __init__(self, table: dict[str, Any], path: str, places: FieldPlaces) -> None:
        self._table = dict(table)
        self._path = path
        self._places = places

    def error(self, name: str, rule: str) -> ProtocolError:
        """An error about one field of this table (or about the table, if `name` is empty)."""
        path = ".".join(part for part in (self._path, name) if part)
        return ProtocolError(path or "protocol", rule, self._places.line_of(path))

    def close(self) -> None:
        """Refuse fields that nobody reads: a misspelt rule must not be passed over."""
        for name in self._table:
            raise self.error(name, "there is no such field; check its spelling")

    def has(self, name: str) -> bool:
        """Whether the file gives this field."""
        return name in self._table

    def _take(self, name: str) -> Any:
        if name not in self._table:
            raise self.error(name, "is missing")
        return self._table.pop(name)

    def text(self, name: str) -> str:
        """A text that is not empty and has no idle spaces."""
        value = self._take(name)
        if not isinstance(value, str) or not value or value != " ".join(value.split()):
            raise self.error(name, "must be a text, not empty, without idle spaces")
        return value

    def choice(self, name: str, allowed: tuple[str, ...]) -> str:
        """One of a closed list of words."""
        value = self._take(name)
        if value not in allowed or not isinstance(value, str):
            raise self.error(name, f"must be one of {', '.join(allowed)}")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        """true or false."""
        if default is not None and not self.has(name):
            return default
        value = self._take(name)
        if not isinstance(value, bool):
            raise self.error(name, "must be true or false")
        return value

    def count(self, name: str, low: int, high: int) -> int:
        """A whole number from low to high."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self.error(name, f"must be a whole number from {low} to {high}")
        return value

    def number(self, name: str, *, zero: bool = False) -> Decimal:
        """A decimal above zero (or from zero), as text "0.01" or as a number without exponent."""
        value = self._take(name)
        least = "of zero or more" if zero else "above zero"
        rule = f'must be a number {least}, written like "0.01"'
        if isinstance(value, bool) or not isinstance(value, (str, int, Decimal)):
            raise self.error(name, rule)
        if not _NUMBER.fullmatch(str(value)) or (Decimal(str(value)).is_zero() and not zero):
            raise self.error(name, rule)
        return Decimal(str(value))

    def optional_number(self, name: str) -> Decimal | None:
        """As `number`, or None when the file does not give it."""
        return self.number(name) if self.has(name) else None

    def texts(self, name: str, *, empty: bool = False) -> tuple[str, ...]:
        """A list of texts, each once."""
        value = self._take(name)
        good = isinstance(value, list) and all(isinstance(v, str) and v.strip() for v in value)
        if not good or len(set(value)) != len(value) or not (value or empty):
            raise self.error(name, "must be a list of different texts")
        return tuple(value)

    def times(self, name: str) -> tuple[time, ...]:
        """Times of the day as "09:00", rising."""
        texts = self.texts(name)
        if not all(_TIME.fullmatch(text) for text in texts) or list(texts) != sorted(texts):
            raise self.error(name, 'must be times like "09:00", the earliest first')
        return tuple(time.fromisoformat(text) for text in texts)

    def table(self, name: str, read: Callable[[Fields], T]) -> T:
        """A table inside this one, read by `read` and then closed."""
        value = self._take(name)
        if not isinstance(value, dict):
            raise self.error(name, "must be a table")
        path = ".".join(part for part in (self._path, name) if part)
        return self._read(value, path, read)

    def tables(self, name: str, read: Callable[[Fields], T]) -> tuple[T, ...]:
        """A list of tables, at least one, each read by `read`; paths count from 1."""
        value = self._take(name)
        if not isinstance(value, list) or not value or not all(isinstance(v, dict) for v in value):
            raise self.error(name, "must be a list of tables with at least one entry")
        path = ".".join(part for part in (self._path, name) if part)
        return tuple(
            self._read(entry, f"{path}[{number}]", read)
            for number, entry in enumerate(value, start=1)
        )

    def _read(self, value: dict[str, Any], path: str, read: Callable[[Fields], T]) -> T:
        fields = Fields(value, path, self._places)
        result = read(fields)
        fields.close()
        return result
