"""Is a backup whole, and do its audit trails hold: asked of the file alone, or of a database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import sqlalchemy as sa

from pharmacy.domain.trail_check import TrailCheck
from pharmacy.persistence.backup_file import BackupRefused, Header, Reader, TablePart, Whole
from pharmacy.persistence.backups import LEFT_OUT

# The table of a trail's heads, that of its entries, and the column that names one trail.
_TRAILS = (
    ("audit_head", "audit_entry", "trail"),
    ("lit_audit_head", "lit_audit_entry", "study_id"),
)
_ENTRY = (("seq", sa.Integer()), ("body", sa.LargeBinary()), ("leaf", sa.LargeBinary()))
_HEAD = (("size", sa.Integer()), ("frontier", sa.LargeBinary()))


@dataclass(frozen=True)
class Examined:
    """A whole backup file: what it says of itself, what it holds, what is wrong with its trails."""

    header: Header
    whole: Whole
    trail_faults: tuple[str, ...]


def examine(file: BinaryIO) -> Examined:
    """Read a backup from beginning to end; BackupRefused when one byte is not as it was written.

    Also refused is a file with a table that no backup may hold.
    """
    file.seek(0)
    reader = Reader(file)
    checks = [TrailCheck() for _ in _TRAILS]
    seen: set[str] = set()
    for part in reader.tables():
        if part.name in LEFT_OUT or part.name in seen:
            raise BackupRefused(
                f"The backup holds the table {part.name}, which it must not; it was not written "
                "by this program. Take another one."
            )
        seen.add(part.name)
        for check, names in zip(checks, _TRAILS, strict=True):
            _follow(check, names, part)
    faults = [fault for check in checks for fault in check.faults()]
    return Examined(reader.header, reader.whole, tuple(faults))


def trail_faults(connection: sa.Connection) -> list[str]:
    """What is wrong with the trails of a database, recomputed from its rows."""
    found: list[str] = []
    for heads, entries, key in _TRAILS:
        check = TrailCheck()
        for name, columns in ((heads, _HEAD), (entries, _ENTRY)):
            for row in _rows_of(connection, name, key, columns):
                _take(check, name == heads, key, row)
        found += check.faults()
    return found


def _follow(check: TrailCheck, names: tuple[str, str, str], part: TablePart) -> None:
    heads, entries, key = names
    if part.name not in (heads, entries):
        return
    columns = [name for name, _kind in part.columns]
    for row in part.rows:
        try:
            _take(check, part.name == heads, key, dict(zip(columns, row, strict=True)))
        except (KeyError, TypeError):
            raise BackupRefused(
                f"The table {part.name} of the backup is not one of this program's. "
                "Take another backup."
            ) from None


def _take(check: TrailCheck, is_head: bool, key: str, row: Mapping[str, Any]) -> None:
    if is_head:
        check.head(row[key], row["size"], row["frontier"])
    else:
        check.entry(row[key], row["seq"], row["body"], row["leaf"])


def _rows_of(
    connection: sa.Connection, name: str, key: str, columns: Iterable[tuple[str, Any]]
) -> Iterator[Mapping[str, Any]]:
    wanted = [sa.column(key, sa.String()), *(sa.column(*column) for column in columns)]
    table = sa.table(name, *wanted)
    order = [table.c[column] for column in (key, "seq") if column in table.c]
    query = sa.select(table).order_by(*order)
    yield from connection.execute(query, execution_options={"yield_per": 100}).mappings()
