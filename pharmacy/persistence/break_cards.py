"""Sealed code-break cards as paper in two places: which seal, whose hands, and every count of them.

That a card exists, its number and its seal say nothing of an arm: they are the same whatever is
printed on it. The arm stands on the paper alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of

SETS = ("pharmacy", "physician")
PRINTED, SEALED, OPENED, BROKEN, MISSING, VOID = (
    "printed",
    "sealed",
    "opened",
    "broken",
    "missing",
    "void",
)
STATES = (PRINTED, SEALED, OPENED, BROKEN, MISSING, VOID)


class BreakCard(Base):
    """One printed card of one participant. `recorded`: it was once in its envelope and place."""

    __tablename__ = "break_card"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    number: Mapped[str] = mapped_column(sa.String(9))
    card_set: Mapped[str] = mapped_column(sa.String(10))
    seal_number: Mapped[str] = mapped_column(sa.String(40))
    place: Mapped[str] = mapped_column(sa.String(80))
    custodian: Mapped[str] = mapped_column(sa.String(80))
    state: Mapped[str] = mapped_column(sa.String(10))
    recorded: Mapped[bool]
    made_at: Mapped[datetime]
    __table_args__ = (
        sa.UniqueConstraint("study_id", "number"),
        sa.UniqueConstraint("study_id", "seal_number"),
        sa.Index(
            "ix_break_card_counts",
            "participant_id",
            "card_set",
            unique=True,
            sqlite_where=sa.text("state <> 'void'"),
            postgresql_where=sa.text("state <> 'void'"),
        ),
        one_of("card_set", SETS),
        one_of("state", STATES),
    )


class SealCheck(Base):
    """One count of the seals of a set: who saw how many, and how many were not as they should."""

    __tablename__ = "seal_check"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    card_set: Mapped[str] = mapped_column(sa.String(10))
    at: Mapped[datetime]
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    cards: Mapped[int]
    faults: Mapped[int]
    __table_args__ = (one_of("card_set", SETS),)


def card(session: Session, card_id: str) -> BreakCard | None:
    """The card with this id."""
    return session.get(BreakCard, card_id)


def of_study(session: Session, study_id: str) -> Sequence[BreakCard]:
    """Every card of a study, void ones too, the oldest first."""
    query = sa.select(BreakCard).where(BreakCard.study_id == study_id)
    return session.scalars(query.order_by(BreakCard.made_at, BreakCard.id)).all()


def of_participant(session: Session, participant_id: str) -> Sequence[BreakCard]:
    """Every card of a participant, void ones too, the oldest first."""
    query = sa.select(BreakCard).where(BreakCard.participant_id == participant_id)
    return session.scalars(query.order_by(BreakCard.made_at, BreakCard.id)).all()


def move(session: Session, card_id: str, old: Sequence[str], new: str) -> bool:
    """Change a card's state from one of `old`; False when somebody was faster."""
    values: dict[str, object] = {"state": new}
    if new == SEALED:
        values["recorded"] = True
    moved = session.execute(
        sa.update(BreakCard)
        .where(BreakCard.id == card_id, BreakCard.state.in_(old))
        .values(**values)
    )
    return bool(moved.rowcount == 1)


def checks(session: Session, study_id: str, card_set: str) -> Sequence[SealCheck]:
    """The counts of a set, newest first."""
    query = sa.select(SealCheck).where(
        SealCheck.study_id == study_id, SealCheck.card_set == card_set
    )
    return session.scalars(query.order_by(SealCheck.at.desc(), SealCheck.id)).all()
