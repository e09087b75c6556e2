"""Rows as revision 0002 kept them, to be taken through the later revisions."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from pharmacy.persistence.base import Base
from tests.architecture.trails import NOON, PERSON

LATER = NOON + timedelta(minutes=5)
STUDY, SITE, PARTICIPANT = "b" * 32, "c" * 32, "d" * 32
REPLACED, OPEN = "R" * 16, "P" * 16
SCANNED, TYPED = "1" * 32, "2" * 32

Row = dict[str, Any]


def _scan(scan_id: str, **how: str | None) -> Row:
    return {
        "id": scan_id,
        "study_id": STUDY,
        "bag_id": None,
        "code_body": None,
        "nurse_id": PERSON["id"],
        "scanned_at": NOON,
        "answer": "stop",
        "judged_at": LATER,
        "set_aside_at": None,
        "seen_by": PERSON["id"],
        **how,
    }


ROWS: tuple[tuple[str, Row], ...] = (
    ("person", PERSON),
    ("study", {"id": STUDY, "code": "MIGHT", "title": "T", "mode": "practice", "made_at": NOON}),
    (
        "site",
        {
            "id": SITE,
            "study_id": STUDY,
            "code": "UAB",
            "pharmacy_name": "Magnolia",
            "pharmacy_address": "1200 5th Ave S",
            "pharmacy_phone": "205-555-0142",
            "unblinding_phone": "205-555-0199",
            "zone": "America/Chicago",
            "investigator_id": None,
            "investigator_name": "A. Rivera, MD",
            "run_times": "every 5 minutes",
        },
    ),
    (
        "participant",
        {
            "id": PARTICIPANT,
            "study_id": STUDY,
            "site_id": SITE,
            "code": "M-002",
            "consented_on": NOON.date(),
            "registered_at": NOON,
            "registered_by": PERSON["id"],
            "state": "registered",
        },
    ),
    (
        "card",
        {"body": REPLACED, "participant_id": PARTICIPANT, "made_at": NOON, "ended_at": LATER},
    ),
    ("card", {"body": OPEN, "participant_id": PARTICIPANT, "made_at": LATER, "ended_at": None}),
    ("scan", _scan(SCANNED, method="scanner", typed_reason="", stop="forged")),
    ("scan", _scan(TYPED, method="typed", typed_reason="smeared", stop="mistyped")),
)


def write(engine: sa.Engine) -> None:
    """Insert the rows, each with the columns that 0002 has."""
    with engine.begin() as connection:
        for table, row in ROWS:
            connection.execute(sa.insert(_table(table)).values(**row))


def stored(engine: sa.Engine) -> list[tuple[str, Row]]:
    """The same rows as they stand now, in the columns that 0002 has."""
    found: list[tuple[str, Row]] = []
    with engine.connect() as connection:
        for name, row in ROWS:
            table, (key, value) = _table(name), next(iter(row.items()))
            query = sa.select(*(table.c[column] for column in row)).where(table.c[key] == value)
            found.append((name, dict(connection.execute(query).mappings().one())))
    return found


def column(engine: sa.Engine, name: str, key: str, wanted: str) -> dict[str, str]:
    """One column of every row of a table, by another that names the row."""
    table = _table(name)
    with engine.connect() as connection:
        rows = connection.execute(sa.select(table.c[key], table.c[wanted])).all()
    return {str(named): str(value) for named, value in rows}


def _table(name: str) -> sa.Table:
    return Base.metadata.tables[name]
