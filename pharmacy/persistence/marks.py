"""Who has learned an arm in a study: a mark that is set once and stays for ever.

It names the person and the study, never the participant: that stands in the trail alone.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base


class LearnedArm(Base):
    """One person's mark in one study; triggers refuse every change."""

    __tablename__ = "learned_arm"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    at: Mapped[datetime]


def mark_of(session: Session, study_id: str, person_id: str) -> LearnedArm | None:
    """The mark of a person in a study."""
    return session.get(LearnedArm, (study_id, person_id))


def set_mark(session: Session, study_id: str, person_id: str, at: datetime) -> None:
    """Set the mark; it is there once, whoever was faster."""
    if mark_of(session, study_id, person_id) is None:
        session.add(LearnedArm(study_id=study_id, person_id=person_id, at=at))
        session.flush()
