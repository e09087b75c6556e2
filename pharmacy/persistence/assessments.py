"""Signatures that a visit's assessments are complete, and those that take one back.

Rows only ever come: triggers refuse every change.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of

COMPLETE, TAKEN_BACK = "complete", "taken_back"
REASONS = ("not_complete", "other_participant", "other_visit")


class AssessmentSignature(Base):
    """One signature; of a participant's visit the newest `number` counts.

    `assessed_on` is the day of the last assessment, as it was stated with the signature.
    """

    __tablename__ = "assessment_signature"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    visit: Mapped[str] = mapped_column(sa.String(10))
    number: Mapped[int]
    standing: Mapped[str] = mapped_column(sa.String(12))
    assessed_on: Mapped[date]
    reason: Mapped[str] = mapped_column(sa.String(20))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    signed_at: Mapped[datetime]
    __table_args__ = (
        sa.UniqueConstraint("participant_id", "visit", "number"),
        sa.CheckConstraint("number >= 1", name="number_positive"),
        one_of("standing", (COMPLETE, TAKEN_BACK)),
        one_of("reason", ("", *REASONS)),
    )


def of_visit(session: Session, participant_id: str, visit: str) -> Sequence[AssessmentSignature]:
    """The signatures of a participant's visit, the newest first."""
    query = sa.select(AssessmentSignature).where(
        AssessmentSignature.participant_id == participant_id, AssessmentSignature.visit == visit
    )
    return session.scalars(query.order_by(AssessmentSignature.number.desc())).all()


def complete(session: Session, participant_id: str, visit: str) -> AssessmentSignature | None:
    """The signature that counts, if the assessments of this visit are signed complete."""
    rows = of_visit(session, participant_id, visit)
    return rows[0] if rows and rows[0].standing == COMPLETE else None


def complete_visits(session: Session, participant_id: str) -> frozenset[str]:
    """The visits of a participant whose assessments are signed complete."""
    query = sa.select(AssessmentSignature).where(
        AssessmentSignature.participant_id == participant_id
    )
    newest = {row.visit: row for row in session.scalars(query.order_by(AssessmentSignature.number))}
    return frozenset(visit for visit, row in newest.items() if row.standing == COMPLETE)
