"""Signatures that a live study needs before its first participant, each once and by its side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of
from pharmacy.persistence.signatures import Signature

SIDES = ("clinic", "pharmacy")


class ProtocolApproval(Base):
    """One side's approval of one protocol version."""

    __tablename__ = "protocol_approval"
    version_id: Mapped[str] = mapped_column(sa.ForeignKey("protocol_version.id"), primary_key=True)
    side: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    __table_args__ = (one_of("side", SIDES),)


class DefaultConfirmation(Base):
    """The confirmation of one marked default; `number` counts from 1 as the protocol lists them."""

    __tablename__ = "default_confirmation"
    version_id: Mapped[str] = mapped_column(sa.ForeignKey("protocol_version.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    __table_args__ = (sa.CheckConstraint("number >= 1", name="number_positive"),)


class GoingLiveSignature(Base):
    """One side's signature that the study goes live with this protocol version."""

    __tablename__ = "going_live_signature"
    version_id: Mapped[str] = mapped_column(sa.ForeignKey("protocol_version.id"), primary_key=True)
    side: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    __table_args__ = (one_of("side", SIDES),)


class RestoreDrill(Base):
    """A restore that the operator tried: the day, the fingerprint of the backup, the signature."""

    __tablename__ = "restore_drill"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    drilled_on: Mapped[date]
    backup_sha256: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))


def approvals(session: Session, version_id: str) -> dict[str, Signature]:
    """Who approved a protocol version, by side."""
    return _by_side(session, ProtocolApproval, version_id)


def going_live(session: Session, version_id: str) -> dict[str, Signature]:
    """Who signed that the study goes live with this version, by side."""
    return _by_side(session, GoingLiveSignature, version_id)


def confirmations(session: Session, version_id: str) -> dict[int, Signature]:
    """Who confirmed a version's marked defaults, by number."""
    query = (
        sa.select(DefaultConfirmation.number, Signature)
        .join(Signature, Signature.id == DefaultConfirmation.signature_id)
        .where(DefaultConfirmation.version_id == version_id)
        .order_by(DefaultConfirmation.number)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def restore_drills(session: Session, study_id: str) -> Sequence[tuple[RestoreDrill, Signature]]:
    """The restore drills recorded for a study, newest first."""
    query = (
        sa.select(RestoreDrill, Signature)
        .join(Signature, Signature.id == RestoreDrill.signature_id)
        .where(RestoreDrill.study_id == study_id)
        .order_by(RestoreDrill.drilled_on.desc(), Signature.at.desc())
    )
    return [(row[0], row[1]) for row in session.execute(query)]


def _by_side(
    session: Session, table: type[ProtocolApproval] | type[GoingLiveSignature], version_id: str
) -> dict[str, Signature]:
    query = (
        sa.select(table.side, Signature)
        .join(Signature, Signature.id == table.signature_id)
        .where(table.version_id == version_id)
        .order_by(table.side)
    )
    return {row[0]: row[1] for row in session.execute(query)}
