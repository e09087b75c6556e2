"""Signatures: who, by printed name, when, with what meaning, over which record."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id


class Signature(Base):
    """A blinded signature (21 CFR 11.50, 11.70): bound to its record by the record's hash."""

    __tablename__ = "signature"
    id: Mapped[Id]
    study_id: Mapped[str | None] = mapped_column(sa.ForeignKey("study.id"))
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    printed_name: Mapped[str] = mapped_column(sa.String(120))
    meaning: Mapped[str] = mapped_column(sa.String(200))
    record_kind: Mapped[str] = mapped_column(sa.String(30))
    record_id: Mapped[str] = mapped_column(sa.String(32))
    record_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    at: Mapped[datetime]


def signature(session: Session, signature_id: str) -> Signature | None:
    """The signature with this id."""
    return session.get(Signature, signature_id)


def of_record(session: Session, record_kind: str, record_id: str) -> Signature | None:
    """The newest signature over a record."""
    query = sa.select(Signature).where(
        Signature.record_kind == record_kind, Signature.record_id == record_id
    )
    return session.scalars(query.order_by(Signature.at.desc()).limit(1)).first()
