"""The blinded records of a study as CSV, table by table, as they stood when it was closed.

A table belongs to the study by its own column or by a row it refers to. Left out is what is no
record of the study or may change after its closing: sign-ins, forms, mail, and roles, which the
trail's last entry names.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.persistence import schema
from pharmacy.persistence.base import Base
from pharmacy.services.spreadsheet import csv_bytes

_LEFT_OUT = frozenset({"membership", "operation", "sign_in_session", "throttle", "notice_post"})
# What may still come after the closing: a broken code sets a mark, tells, and is signed for.
_UNTIL = {"learned_arm": "at", "notice": "made_at", "signature": "at"}
# What an act that is never refused may still change: a card that is opened in an emergency. What
# became of each stands in the trail.
_CHANGES_LATER = {"break_card": frozenset({"state"})}
_NOUNS = schema.NOUNS


def blinded_tables(session: Session, study_id: str, until: datetime) -> dict[str, bytes]:
    """The CSV of every blinded table by its name, rows in the order of their keys."""
    kept: dict[str, set[Any]] = {"study": {study_id}}
    found = {}
    for table in Base.metadata.sorted_tables:
        if table.name.startswith("lit_") or table.name in _LEFT_OUT:
            continue
        ours = _belongs(table, study_id, kept)
        if ours is None:
            continue
        changing = _CHANGES_LATER.get(table.name, frozenset())
        columns = [column for column in table.c if column.name not in changing]
        query = sa.select(*columns).where(ours).order_by(*table.primary_key.columns)
        if table.name in _UNTIL:
            query = query.where(table.c[_UNTIL[table.name]] <= until)
        rows = session.execute(query).all()
        if "id" in table.c:
            kept[table.name] = {row.id for row in rows}
        elif len(table.primary_key.columns) == 1:
            key = next(iter(table.primary_key.columns)).name
            kept[table.name] = {row._mapping[key] for row in rows}
        found[table.name] = csv_bytes([c.name for c in columns], map(list, _texts(rows)))
    return found


def _belongs(
    table: sa.Table, study_id: str, kept: dict[str, set[Any]]
) -> sa.ColumnElement[bool] | None:
    if table.name == "study":
        return table.c.id == study_id
    if "study_id" in table.c:
        return table.c.study_id == study_id
    for key in sorted(table.foreign_keys, key=lambda key: str(key.parent)):
        if key.column.table.name in kept:
            return key.parent.in_(sorted(kept[key.column.table.name]))
    return None


def _texts(rows: Any) -> Iterator[Iterator[str]]:
    for row in rows:
        yield (_text(value) for value in row)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
