"""What is still sealed under which of the server's secrets: people's records and shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from pharmacy.persistence.people import Person
from pharmacy.persistence.studies import Study
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.unblinded.tables import BreakShare, HolderKeys

NEEDED_TO_RECOVER = ("study", "lit_recovery_key", "lit_server_secret", "known_secret")


@dataclass(frozen=True)
class Left:
    """What hangs on another secret than the one of now, as a person reads it."""

    who: str
    what: str


def rows_to_recover(uow: UnitOfWork) -> dict[str, list[dict[str, Any]]]:
    """The rows that say what is sealed to which recovery key, by table and column."""
    found = {}
    for name in NEEDED_TO_RECOVER:
        query = sa.select(sa.text("*")).select_from(sa.table(name))
        found[name] = [dict(row) for row in uow.session.execute(query).mappings()]
    return found


def people_under(uow: UnitOfWork, fingerprint: bytes) -> int:
    """How many people's private records are sealed under this pepper."""
    query = sa.select(sa.func.count()).where(HolderKeys.under_pepper == fingerprint)
    return int(uow.session.scalars(query).one())


def shares_under(uow: UnitOfWork, fingerprint: bytes) -> int:
    """How many shares of slots are sealed under this break key."""
    query = sa.select(sa.func.count()).where(BreakShare.under_break_key == fingerprint)
    return int(uow.session.scalars(query).one())


def people_not_under(session: Session, fingerprint: bytes) -> list[Left]:
    """Whose private record is under another pepper than this one, by name."""
    query = (
        sa.select(Person.full_name)
        .join(HolderKeys, HolderKeys.person_id == Person.id)
        .where(_is_other(HolderKeys.under_pepper, fingerprint))
        .order_by(Person.full_name)
    )
    return [Left(name, "private record") for name in session.scalars(query)]


def investigators_not_under(
    session: Session, fingerprint: bytes, study_id: str | None = None
) -> list[Left]:
    """Whose shares are under another break key than this one, by study and name."""
    query = (
        sa.select(Person.full_name, Study.code, Study.mode)
        .join(BreakShare, BreakShare.person_id == Person.id)
        .join(Study, Study.id == BreakShare.study_id)
        .where(_is_other(BreakShare.under_break_key, fingerprint))
        .distinct()
        .order_by(Study.code, Study.mode, Person.full_name)
    )
    if study_id is not None:
        query = query.where(Study.id == study_id)
    rows = session.execute(query)
    return [Left(name, f"codes of {code} ({mode})") for name, code, mode in rows]


def _is_other(
    column: InstrumentedAttribute[bytes | None], fingerprint: bytes
) -> sa.ColumnElement[bool]:
    return sa.or_(column.is_(None), column != fingerprint)
