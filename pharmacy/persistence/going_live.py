"""When a live study went live: once, and never taken back."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base


class WentLive(Base):
    """From this moment on participants may take part in the study."""

    __tablename__ = "went_live"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    at: Mapped[datetime]


def went_live_at(session: Session, study_id: str) -> datetime | None:
    """When a study went live; None before."""
    row = session.get(WentLive, study_id)
    return row.at if row else None


def go_live(session: Session, study_id: str, at: datetime) -> None:
    """From now on the study is live; a twin of this act that was faster makes it `Conflict`."""
    session.add(WentLive(study_id=study_id, at=at))
    session.flush()
