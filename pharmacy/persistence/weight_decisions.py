"""What an investigator has signed about a weight. Rows only ever come: triggers refuse a change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of

OVER_LIMIT, CHANGE, CONFIRMED = "over_limit", "change", "confirmed"
CHOICES = ("skip", "dose_as_limit", "actual", CONFIRMED)
REASONS = ("", "weighed_again", "fluid", "illness", "growth")


class WeightDecision(Base):
    """One decision about one weighing: over the protocol's limit, or changed too much."""

    __tablename__ = "weight_decision"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    weight_id: Mapped[str] = mapped_column(sa.ForeignKey("weight.id"))
    kind: Mapped[str] = mapped_column(sa.String(12))
    choice: Mapped[str] = mapped_column(sa.String(20))
    reason: Mapped[str] = mapped_column(sa.String(20))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    signed_at: Mapped[datetime]
    __table_args__ = (
        sa.UniqueConstraint("weight_id", "kind", name="uq_weight_decision_kind"),
        one_of("kind", (OVER_LIMIT, CHANGE)),
        one_of("choice", CHOICES),
        one_of("reason", REASONS),
        sa.CheckConstraint("(kind = 'change') = (choice = 'confirmed')", name="choice_of_its_kind"),
        sa.CheckConstraint("(kind = 'change') = (reason <> '')", name="a_change_has_a_reason"),
    )


def of_weight(session: Session, weight_id: str) -> Sequence[WeightDecision]:
    """The decisions about a weighing, that over the limit first."""
    query = sa.select(WeightDecision).where(WeightDecision.weight_id == weight_id)
    return session.scalars(query.order_by(WeightDecision.kind.desc())).all()
