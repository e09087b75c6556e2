"""Who left the treatment, and who replaces whom. Rows only ever come: triggers refuse a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.bags import Administration, Bag
from pharmacy.persistence.base import Base, one_of
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.participants import AllocationRequest, Participant

REASONS = (
    "consent",
    "adverse_event",
    "investigator",
    "lost",
    "not_eligible",
    "died",
    "error",
)


class Withdrawal(Base):
    """One participant who left the treatment, signed by the investigator."""

    __tablename__ = "withdrawal"
    participant_id: Mapped[str] = mapped_column(
        sa.ForeignKey("participant.id"), primary_key=True
    )
    left_on: Mapped[date]
    reason: Mapped[str] = mapped_column(sa.String(20))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    signed_at: Mapped[datetime]
    __table_args__ = (one_of("reason", REASONS),)


class Replacement(Base):
    """A participant who comes in the place of one who left, and gets a place of their own."""

    __tablename__ = "replacement"
    participant_id: Mapped[str] = mapped_column(
        sa.ForeignKey("participant.id"), primary_key=True
    )
    replaces_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    signed_at: Mapped[datetime]


def withdrawal(session: Session, participant_id: str) -> Withdrawal | None:
    """How a participant left, if they did."""
    return session.get(Withdrawal, participant_id)


def replacement(session: Session, participant_id: str) -> Replacement | None:
    """Whom a participant replaces, if anybody."""
    return session.get(Replacement, participant_id)


def replaced_by(session: Session, participant_id: str) -> Sequence[Participant]:
    """Who was named to replace a participant, the first first."""
    query = (
        sa.select(Participant)
        .join(Replacement, Replacement.participant_id == Participant.id)
        .where(Replacement.replaces_id == participant_id)
    )
    return session.scalars(query.order_by(Replacement.signed_at, Participant.code)).all()


def had_place(session: Session, participant_id: str) -> bool:
    """Whether a participant was ever given a place; it stays theirs when they leave."""
    query = sa.select(AllocationRequest.id).where(
        AllocationRequest.participant_id == participant_id,
        AllocationRequest.served_at.is_not(None),
    )
    return session.scalars(query).first() is not None


def visits_begun(session: Session, participant_id: str) -> frozenset[str]:
    """The visits of which a bag was started."""
    query = (
        sa.select(Course.visit)
        .join(InfusionDay, InfusionDay.course_id == Course.id)
        .join(Bag, Bag.day_id == InfusionDay.id)
        .join(Administration, Administration.bag_id == Bag.id)
        .where(Course.participant_id == participant_id)
    )
    return frozenset(session.scalars(query))
