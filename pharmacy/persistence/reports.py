"""Reports of a suspected unblinding: that somebody pressed the button, when, and about whom.

What they say happened is sealed to the pharmacy's inbox and never stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id


class UnblindingReport(Base):
    """One report. `told_at` is when words were added, `assessed_at` when somebody judged it."""

    __tablename__ = "unblinding_report"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    participant_id: Mapped[str | None] = mapped_column(sa.ForeignKey("participant.id"))
    made_at: Mapped[datetime]
    told_at: Mapped[datetime | None]
    assessed_at: Mapped[datetime | None]
    assessed_by: Mapped[str | None] = mapped_column(sa.ForeignKey("person.id"))
    signature_id: Mapped[str | None] = mapped_column(sa.ForeignKey("signature.id"))


def report(session: Session, report_id: str) -> UnblindingReport | None:
    """The report with this id."""
    return session.get(UnblindingReport, report_id)


def of_study(session: Session, study_id: str) -> Sequence[UnblindingReport]:
    """The reports of a study, newest first."""
    query = sa.select(UnblindingReport).where(UnblindingReport.study_id == study_id)
    order = (UnblindingReport.made_at.desc(), UnblindingReport.id)
    return session.scalars(query.order_by(*order)).all()


def of_person(session: Session, study_id: str, person_id: str) -> Sequence[UnblindingReport]:
    """One person's reports in a study, newest first."""
    return [row for row in of_study(session, study_id) if row.person_id == person_id]


def add_words(session: Session, report_id: str, at: datetime) -> bool:
    """Note that words were added; False when some were there already."""
    return _once(session, report_id, UnblindingReport.told_at, told_at=at)


def assess(
    session: Session, report_id: str, person_id: str, signature_id: str, at: datetime
) -> bool:
    """Note that the report was assessed; False when somebody was faster."""
    values = {"assessed_at": at, "assessed_by": person_id, "signature_id": signature_id}
    return _once(session, report_id, UnblindingReport.assessed_at, **values)


def _once(
    session: Session, report_id: str, while_empty: sa.ColumnElement, **values: object
) -> bool:
    changed = session.execute(
        sa.update(UnblindingReport)
        .where(UnblindingReport.id == report_id, while_empty.is_(None))
        .values(**values)
        .execution_options(synchronize_session="fetch")
    )
    return bool(changed.rowcount == 1)
