"""The pauses of a running infusion: when, by whom, how much was in, and when it went on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.bags import Administration
from pharmacy.persistence.base import Base, Id, one_of

PAUSE_REASONS = ("line", "participant", "vitals", "reaction", "ordered")


class InfusionPause(Base):
    """One pause of one bag. `infused_ml` is what the pump showed; no restart yet is None."""

    __tablename__ = "infusion_pause"
    id: Mapped[Id]
    bag_id: Mapped[str] = mapped_column(sa.ForeignKey("administration.bag_id"))
    number: Mapped[int]
    paused_at: Mapped[datetime]
    paused_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    infused_ml: Mapped[Decimal]
    reason: Mapped[str] = mapped_column(sa.String(12))
    restarted_at: Mapped[datetime | None]
    restarted_by: Mapped[str | None] = mapped_column(sa.ForeignKey("person.id"))
    __table_args__ = (
        sa.UniqueConstraint("bag_id", "number"),
        one_of("reason", PAUSE_REASONS),
        sa.CheckConstraint("number >= 1", name="number_positive"),
    )


def pauses(session: Session, bag_id: str) -> Sequence[InfusionPause]:
    """The pauses of a bag's infusion, in order."""
    query = sa.select(InfusionPause).where(InfusionPause.bag_id == bag_id)
    return session.scalars(query.order_by(InfusionPause.number)).all()


def is_paused(session: Session, bag_id: str) -> bool:
    """Whether a pause of this bag's infusion still lasts."""
    query = sa.select(InfusionPause.id).where(
        InfusionPause.bag_id == bag_id, InfusionPause.restarted_at.is_(None)
    )
    return session.scalars(query.limit(1)).first() is not None


def restart(session: Session, pause: InfusionPause, at: datetime, by: str) -> bool:
    """End a pause that still lasts; False when somebody else was faster."""
    changed = session.execute(
        sa.update(InfusionPause)
        .where(InfusionPause.id == pause.id, InfusionPause.restarted_at.is_(None))
        .values(restarted_at=at, restarted_by=by)
        .execution_options(synchronize_session="fetch")
    )
    return bool(changed.rowcount == 1)


def hold(session: Session, bag_id: str) -> bool:
    """Lock the row of an infusion that has not ended until the commit; False when it has.

    What is read of the infusion after it holds until then. SQLite has one writer at a time.
    """
    query = sa.select(Administration).where(Administration.bag_id == bag_id)
    row = session.scalars(
        query.with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    return row is not None and row.ended_at is None
