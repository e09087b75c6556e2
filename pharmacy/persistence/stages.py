"""How far each study is: every step asked for with one signature and confirmed with another.

A step that was asked for and never confirmed stays as it is; the newest one of a stage counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of
from pharmacy.persistence.studies import Study

STAGES = ("locked", "unblinded", "closed")


class StageStep(Base):
    """One step to a stage: who asked for it, on what ground, and who confirmed it.

    `reference` and `locked_on` are of the database of record's own lock; empty otherwise.
    """

    __tablename__ = "study_stage"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    stage: Mapped[str] = mapped_column(sa.String(10))
    number: Mapped[int]
    reference: Mapped[str] = mapped_column(sa.String(120))
    locked_on: Mapped[date | None]
    asked_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    asked_signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    asked_at: Mapped[datetime]
    confirmed_by: Mapped[str | None] = mapped_column(sa.ForeignKey("person.id"))
    confirmed_signature_id: Mapped[str | None] = mapped_column(sa.ForeignKey("signature.id"))
    confirmed_at: Mapped[datetime | None]
    __table_args__ = (
        sa.UniqueConstraint("study_id", "stage", "number"),
        one_of("stage", STAGES),
        sa.CheckConstraint("number >= 1", name="number_positive"),
    )


def steps(session: Session, study_id: str) -> Sequence[StageStep]:
    """Every step of a study, in the order they were asked for."""
    query = sa.select(StageStep).where(StageStep.study_id == study_id)
    order = (StageStep.asked_at, StageStep.stage, StageStep.number)
    return session.scalars(query.order_by(*order)).all()


def confirmed(session: Session, study_id: str) -> set[str]:
    """The stages that a study has reached."""
    query = sa.select(StageStep.stage).where(
        StageStep.study_id == study_id, StageStep.confirmed_at.is_not(None)
    )
    return set(session.scalars(query))


def newest(session: Session, study_id: str, stage: str) -> StageStep | None:
    """The newest step to a stage."""
    query = sa.select(StageStep).where(StageStep.study_id == study_id, StageStep.stage == stage)
    return session.scalars(query.order_by(StageStep.number.desc()).limit(1)).first()


def hold(session: Session, study_id: str, *, to_change: bool) -> None:
    """Let nobody take a study to another stage meanwhile; or, to change it, let no act begin.

    One that has the study for an act waits for no other act, and a step waits for all of them.
    """
    query = sa.select(Study.id).where(Study.id == study_id)
    session.execute(query.with_for_update(read=not to_change, key_share=to_change))


def confirm(
    session: Session, step_id: str, person_id: str, signature_id: str, at: datetime
) -> bool:
    """Keep the second signature; False when somebody was faster."""
    changed = session.execute(
        sa.update(StageStep)
        .where(StageStep.id == step_id, StageStep.confirmed_at.is_(None))
        .values(confirmed_by=person_id, confirmed_signature_id=signature_id, confirmed_at=at)
        .execution_options(synchronize_session=False)
    )
    return bool(changed.rowcount == 1)
