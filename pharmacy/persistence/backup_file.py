"""The backup file: what is written, and how it is read back and found whole.

UTF-8 text, one JSON value a line, never compressed: sealed columns have one length, so a line's
length says nothing about an arm. In order:

    {"twinbag_backup": 1, "application", "schema", "taken_at", "pepper"}
    {"table", "columns": [[name, kind], ...]}   for each table, parents before children,
    [value, ...]                                its rows in the order of the primary key,
    {"end", "rows", "sha256"}                   over the table's lines above
    {"end": "backup", "tables", "rows", "mac"}
    {"sha256"}                                  over everything above

`pepper` is the fingerprint of the installation's pepper, and `mac` an HMAC-SHA256 under a key
from it over the SHA-256 of all lines above: a backup that somebody else has written is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from pharmacy.persistence.backup_values import KINDS, from_json, to_json

VERSION = 1
# Sealed bag records are 44 kB here; a line of this length is none of ours.
_LONGEST_LINE = 64 * 1024 * 1024
_HEX = re.compile("[0-9a-f]{64}")
_NOT_OURS = "This file is not a backup of Twinbag."
_SHORT = "The backup ends too early: it was not written or copied to its end. Take another one."
_DAMAGED = "The backup is damaged: {where} is not as it was written. Take another one."


class BackupRefused(Exception):
    """A backup that cannot be taken, read or restored; the text is one sentence."""


@dataclass(frozen=True)
class Header:
    """What a backup says of itself: `schema` is the revision, `pepper` its fingerprint in hex."""

    application: str
    schema: str
    taken_at: datetime
    pepper: str


@dataclass(frozen=True)
class TablePart:
    """One table: its columns with their kinds, and its rows as they come by, once."""

    name: str
    columns: tuple[tuple[str, str], ...]
    rows: Iterator[tuple[Any, ...]]


@dataclass(frozen=True)
class Whole:
    """What a file was found to hold: counts, the digest of it all, and its two seals."""

    tables: int
    rows: int
    sha256: str
    body_sha256: bytes = field(repr=False)
    mac: bytes = field(repr=False)

    def is_under(self, mac_key: bytes) -> bool:
        """Whether it was written under this key."""
        return hmac.compare_digest(self.mac, _mac(mac_key, self.body_sha256))


def write(out: BinaryIO, header: Header, tables: Iterable[TablePart], mac_key: bytes) -> None:
    """Write a backup; rows are taken one by one and not kept."""
    lines = _Lines(out)
    lines.put(
        {
            "twinbag_backup": VERSION,
            "application": header.application,
            "schema": header.schema,
            "taken_at": to_json("moment", header.taken_at),
            "pepper": header.pepper,
        }
    )
    count = rows = 0
    for table in tables:
        rows += _write_table(lines, table)
        count += 1
    mac = _mac(mac_key, lines.whole.digest())
    lines.put({"end": "backup", "tables": count, "rows": rows, "mac": mac.hex()})
    out.write(_closing(lines.whole))


def _write_table(lines: _Lines, table: TablePart) -> int:
    lines.begin()
    lines.put({"table": table.name, "columns": [list(column) for column in table.columns]})
    rows = 0
    for row in table.rows:
        values = zip(table.columns, row, strict=True)
        lines.put([to_json(kind, value) for (_name, kind), value in values])
        rows += 1
    lines.put({"end": table.name, "rows": rows, "sha256": lines.part.hexdigest()})
    return rows


class _Lines:
    """Lines on their way into the file, digested as they go."""

    def __init__(self, out: BinaryIO) -> None:
        self._out, self.whole, self.part = out, hashlib.sha256(), hashlib.sha256()

    def begin(self) -> None:
        """A new table begins."""
        self.part = hashlib.sha256()

    def put(self, value: object) -> None:
        """Write one line."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        line = text.encode("utf-8") + b"\n"
        self.whole.update(line)
        self.part.update(line)
        self._out.write(line)


class Reader:
    """A backup file on its way in, from its beginning to its end.

    `header` is there at once; `tables()` is walked through once; then `whole` is. Raises
    BackupRefused at the first line that is not as it was written.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._digest, self._part = file, hashlib.sha256(), hashlib.sha256()
        self.header = self._read_header()
        self._whole: Whole | None = None

    @property
    def whole(self) -> Whole:
        """What the file holds; RuntimeError before its end was read."""
        if self._whole is None:
            raise RuntimeError("the backup has not been read to its end")
        return self._whole

    def tables(self) -> Iterator[TablePart]:
        """Each table in turn; rows that were not taken are read over."""
        tables = rows = 0
        while True:
            before = self._digest.digest()
            self._part = hashlib.sha256()
            line = self._line()
            if isinstance(line, dict) and "table" in line:
                name, columns = _table_head(line)
                counted = [0]
                part = TablePart(name, columns, self._rows(name, columns, counted))
                yield part
                for _row in part.rows:
                    pass
                tables, rows = tables + 1, rows + counted[0]
                continue
            self._whole = self._end(line, before, tables, rows)
            return

    def _rows(
        self, name: str, columns: tuple[tuple[str, str], ...], counted: list[int]
    ) -> Iterator[tuple[Any, ...]]:
        while True:
            until_here = self._part.hexdigest()
            line = self._line()
            if isinstance(line, list):
                counted[0] += 1
                yield _row(name, columns, line, counted[0])
                continue
            if line != {"end": name, "rows": counted[0], "sha256": until_here}:
                raise BackupRefused(_DAMAGED.format(where=f"the table {name}"))
            return

    def _end(self, line: object, before: bytes, tables: int, rows: int) -> Whole:
        said = line if isinstance(line, dict) else {}
        mac = said.get("mac")
        told = {"end": "backup", "tables": tables, "rows": rows, "mac": mac}
        if said != told or not isinstance(mac, str) or not _HEX.fullmatch(mac):
            raise BackupRefused(_DAMAGED.format(where="its end"))
        closing = _closing(self._digest)
        found = self._file.read(len(closing) + 1)
        if len(found) < len(closing):
            raise BackupRefused(_SHORT)
        if found != closing:
            raise BackupRefused(_DAMAGED.format(where="its text"))
        return Whole(tables, rows, self._digest.hexdigest(), before, bytes.fromhex(mac))

    def _read_header(self) -> Header:
        said = self._line(first=True)
        if not isinstance(said, dict) or "twinbag_backup" not in said:
            raise BackupRefused(_NOT_OURS)
        if said["twinbag_backup"] != VERSION:
            raise BackupRefused(
                "The backup was written in a format that this program does not know; "
                "restore it with a newer one."
            )
        try:
            return Header(
                str(said["application"]),
                str(said["schema"]),
                from_json("moment", said["taken_at"]),
                str(said["pepper"]),
            )
        except (KeyError, ValueError):
            raise BackupRefused(_DAMAGED.format(where="its beginning")) from None

    def _line(self, *, first: bool = False) -> Any:
        line = self._file.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise BackupRefused(_NOT_OURS if first else _SHORT)
        self._digest.update(line)
        self._part.update(line)
        try:
            return json.loads(line)
        except ValueError:
            sentence = _NOT_OURS if first else _DAMAGED.format(where="its text")
            raise BackupRefused(sentence) from None


def _table_head(line: dict[str, Any]) -> tuple[str, tuple[tuple[str, str], ...]]:
    try:
        columns = tuple((str(name), str(kind)) for name, kind in line["columns"])
    except (KeyError, TypeError, ValueError):
        columns = ()
    if not columns or any(kind not in KINDS for _name, kind in columns):
        raise BackupRefused(_DAMAGED.format(where="the head of a table"))
    return str(line["table"]), columns


def _row(
    table: str, columns: tuple[tuple[str, str], ...], line: list[Any], number: int
) -> tuple[Any, ...]:
    try:
        values = zip(columns, line, strict=True)
        return tuple(from_json(kind, value) for (_name, kind), value in values)
    except ValueError:
        where = f"row {number} of the table {table}"
        raise BackupRefused(_DAMAGED.format(where=where)) from None


def _mac(key: bytes, body_sha256: bytes) -> bytes:
    return hmac.digest(key, b"twinbag-backup|" + body_sha256, "sha256")


def _closing(whole: Any) -> bytes:
    return b'{"sha256":"%s"}\n' % whole.hexdigest().encode("ascii")
