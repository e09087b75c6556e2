"""Baseline factors of participants: what was entered, entry by entry, and what counts now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of

REASONS = ("mistyped", "source")


class FactorValue(Base):
    """One factor's level in one entry. A correction is another entry; nothing is overwritten.

    The rows of an entry share its `number`, from 1 for each participant. `after_place` marks an
    entry that came too late to decide where the participant's place is.
    """

    __tablename__ = "factor_value"
    id: Mapped[Id]
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    number: Mapped[int]
    factor: Mapped[str] = mapped_column(sa.String(31))
    level: Mapped[str] = mapped_column(sa.String(31))
    entered_at: Mapped[datetime]
    entered_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(sa.String(12))
    after_place: Mapped[bool]
    __table_args__ = (
        sa.UniqueConstraint("participant_id", "number", "factor"),
        sa.CheckConstraint("number >= 1", name="number_positive"),
        one_of("reason", ("", *REASONS)),
    )


def of_participant(session: Session, participant_id: str) -> Sequence[FactorValue]:
    """Every row of a participant, the newest entry first."""
    query = sa.select(FactorValue).where(FactorValue.participant_id == participant_id)
    return session.scalars(query.order_by(FactorValue.number.desc(), FactorValue.factor)).all()


def current(session: Session, participant_id: str) -> dict[str, str]:
    """The newest entry: level by factor; empty when nothing was entered."""
    rows = of_participant(session, participant_id)
    return {row.factor: row.level for row in rows if row.number == rows[0].number}
