"""Scans and their verdicts: every one is kept, and each Stop is shown to the pharmacy at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of


class Scan(Base):
    """One scan of a bag by a nurse, from the first answer to the verdict."""

    __tablename__ = "scan"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    bag_id: Mapped[str | None] = mapped_column(sa.ForeignKey("bag.id"))
    code_body: Mapped[str | None] = mapped_column(sa.ForeignKey("bag_code.body"))
    nurse_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    purpose: Mapped[str] = mapped_column(sa.String(10))
    method: Mapped[str] = mapped_column(sa.String(10))
    typed_reason: Mapped[str] = mapped_column(sa.String(30))
    scanned_at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(sa.String(10))
    stop: Mapped[str | None] = mapped_column(sa.String(30))
    judged_at: Mapped[datetime]
    set_aside_at: Mapped[datetime | None]
    seen_by: Mapped[str | None] = mapped_column(sa.ForeignKey("person.id"))
    __table_args__ = (
        one_of("purpose", ("infuse", "receive")),
        one_of("method", ("scanner", "typed", "camera")),
        one_of("answer", ("continue", "go", "resume", "stop", "received")),
    )


def scan(session: Session, scan_id: str) -> Scan | None:
    """The scan with this id."""
    return session.get(Scan, scan_id)


def stops(session: Session, study_id: str, most: int = 50) -> Sequence[Scan]:
    """The newest scans that ended in Stop, newest first."""
    query = sa.select(Scan).where(Scan.study_id == study_id, Scan.answer == "stop")
    return session.scalars(query.order_by(Scan.judged_at.desc(), Scan.id).limit(most)).all()


def answer(
    session: Session, row: Scan, before: str, answer: str, stop: str | None, at: datetime
) -> bool:
    """Compare and set a scan's answer; False when another act was faster."""
    changed = session.execute(
        sa.update(Scan)
        .where(Scan.id == row.id, Scan.answer == before)
        .values(answer=answer, stop=stop, judged_at=at)
        .execution_options(synchronize_session="fetch")
    )
    return bool(changed.rowcount == 1)


def resumed(session: Session, bag_id: str, nurse_id: str) -> bool:
    """Whether a nurse has met a Resume for this bag."""
    query = sa.select(Scan.id).where(
        Scan.bag_id == bag_id, Scan.nurse_id == nurse_id, Scan.answer == "resume"
    )
    return session.scalars(query.limit(1)).first() is not None


def open_stops_of(session: Session, study_id: str, nurse_id: str) -> Sequence[Scan]:
    """A nurse's Stops that were not left by the act yet, newest first."""
    query = sa.select(Scan).where(
        Scan.study_id == study_id,
        Scan.nurse_id == nurse_id,
        Scan.answer == "stop",
        Scan.set_aside_at.is_(None),
    )
    return session.scalars(query.order_by(Scan.judged_at.desc(), Scan.id)).all()


def unseen(session: Session, study_id: str) -> int:
    """How many Stops nobody at the pharmacy has acknowledged."""
    query = sa.select(sa.func.count()).where(
        Scan.study_id == study_id, Scan.answer == "stop", Scan.seen_by.is_(None)
    )
    return session.scalars(query).one()
