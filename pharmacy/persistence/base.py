"""The declarative base of every table, and the column kinds the walls look for."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, MappedColumn, mapped_column

from pharmacy.persistence.types import ExactDecimal, UtcDateTime

Id = Annotated[str, mapped_column(sa.String(32), primary_key=True)]


class Base(DeclarativeBase):
    """All tables. Names of constraints follow one convention, so that migrations can drop them."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar = {
        datetime: UtcDateTime(),
        Decimal: ExactDecimal(),
        bytes: sa.LargeBinary(),
        str: sa.Text(),
    }


def sealed(length: int, *, nullable: bool = False) -> MappedColumn[Any]:
    """A column of ciphertext, or of a hash or signature over ciphertext, of one byte length.

    The wall on tables reads the mark; `sealed_check` states the length in the schema.
    """
    return mapped_column(
        sa.LargeBinary(length), nullable=nullable, info={"sealed": True, "length": length}
    )


def sealed_check(column: str, length: int) -> sa.CheckConstraint:
    """The schema's own refusal of a ciphertext of another length."""
    return sa.CheckConstraint(f"length({column}) = {length}", name=f"{column}_length")


def one_of(column: str, values: tuple[str, ...]) -> sa.CheckConstraint:
    """A closed list of words, kept by the schema."""
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")
