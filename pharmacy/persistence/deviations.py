"""Signed deviations about a participant's place, and who confirmed them. Rows only ever come."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of

KINDS = ("wrong_person", "wrong_stratum", "not_eligible", "served_twice", "other")
KEEPS, NOT_TREATED = "keeps", "not_treated"


class Deviation(Base):
    """What happened, in words of blinded people alone, and what was done about it."""

    __tablename__ = "deviation"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    happened_on: Mapped[date]
    account: Mapped[str]
    corrective: Mapped[str]
    outcome: Mapped[str] = mapped_column(sa.String(12))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    signed_at: Mapped[datetime]
    __table_args__ = (one_of("kind", KINDS), one_of("outcome", (KEEPS, NOT_TREATED)))


class DeviationConfirmation(Base):
    """The second person's signature over a deviation."""

    __tablename__ = "deviation_confirmation"
    deviation_id: Mapped[str] = mapped_column(sa.ForeignKey("deviation.id"), primary_key=True)
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    signed_at: Mapped[datetime]


def of_study(session: Session, study_id: str) -> Sequence[Deviation]:
    """The deviations of a study, the newest first."""
    query = sa.select(Deviation).where(Deviation.study_id == study_id)
    return session.scalars(query.order_by(Deviation.signed_at.desc(), Deviation.id)).all()


def of_participant(session: Session, participant_id: str) -> Sequence[Deviation]:
    """Those about one participant, the newest first."""
    query = sa.select(Deviation).where(Deviation.participant_id == participant_id)
    return session.scalars(query.order_by(Deviation.signed_at.desc(), Deviation.id)).all()


def confirmation(session: Session, deviation_id: str) -> DeviationConfirmation | None:
    """The second signature, once it is there."""
    return session.get(DeviationConfirmation, deviation_id)
