"""Every sealed column is sealed anew by a rotation, or named with the reason why not (K1, K11)."""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.persistence import schema
from pharmacy.persistence.base import Base
from pharmacy.unblinded import resealing, tables

_READ = (schema, tables)


def forgotten(metadata: sa.MetaData, resealed: set[str], left: set[str]) -> list[str]:
    """Sealed columns of the lit room that no rotation knows, and names that are no such column."""
    there = {
        str(column)
        for table in metadata.sorted_tables
        for column in table.columns
        if column.info.get("sealed") and table.name.startswith("lit_")
    }
    return (
        [f"{name} is sealed and no rotation knows it" for name in sorted(there - resealed - left)]
        + [f"{name} is not a sealed column" for name in sorted((resealed | left) - there)]
        + [f"{name} is in both lists" for name in sorted(resealed & left)]
    )


def test_a_rotation_knows_every_sealed_column() -> None:
    """Whoever adds a table adds it to `resealing`: in `RESEALED`, or in `LEFT` with its reason."""
    resealed = {one.name for one in resealing.RESEALED}
    assert forgotten(Base.metadata, resealed, set(resealing.LEFT)) == []


def test_every_reason_says_something() -> None:
    assert all(len(reason) > 15 for reason in resealing.LEFT.values())


def test_a_planted_column_is_found() -> None:
    """A table that was forgotten, a name that went, and a column in both lists."""
    resealed = {one.name for one in resealing.RESEALED}
    left = {*resealing.LEFT, "lit_list.opening", "lit_gone.record"} - {"lit_slot.envelope"}
    assert forgotten(Base.metadata, resealed, left) == [
        "lit_slot.envelope is sealed and no rotation knows it",
        "lit_gone.record is not a sealed column",
        "lit_list.opening is in both lists",
    ]


def test_what_has_no_study_could_not_be_found() -> None:
    """Rows are found by their study, so every resealed table has one."""
    for one in resealing.RESEALED:
        columns = Base.metadata.tables[one.table.__tablename__].columns
        assert "study_id" in columns
        assert not one.version or one.version in columns
