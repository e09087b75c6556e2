"""Where the sealed code-break cards of a study are kept, and whom to call for the second set."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id
from pharmacy.persistence.signatures import Signature


class CardKeeping(Base):
    """One signed statement; the newest one of a study counts."""

    __tablename__ = "card_keeping"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    pharmacy_place: Mapped[str] = mapped_column(sa.String(80))
    physician_name: Mapped[str] = mapped_column(sa.String(80))
    physician_phone: Mapped[str] = mapped_column(sa.String(30))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))


def newest(session: Session, study_id: str) -> tuple[CardKeeping, Signature] | None:
    """The newest statement of a study with its signature."""
    query = (
        sa.select(CardKeeping, Signature)
        .join(Signature, Signature.id == CardKeeping.signature_id)
        .where(CardKeeping.study_id == study_id)
        .order_by(Signature.at.desc(), CardKeeping.id)
        .limit(1)
    )
    row = session.execute(query).first()
    return (row[0], row[1]) if row else None
