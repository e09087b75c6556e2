"""Bags, the codes on their labels, and what became of them: blinded facts only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.domain.lifecycle import BagState, check_step
from pharmacy.persistence.base import Base, Id, one_of
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.scans import Scan


class Bag(Base):
    """One container of one infusion day."""

    __tablename__ = "bag"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    day_id: Mapped[str] = mapped_column(sa.ForeignKey("infusion_day.id"))
    number: Mapped[int]
    of: Mapped[int]
    volume_ml: Mapped[Decimal]
    state: Mapped[str] = mapped_column(sa.String(12))
    released_at: Mapped[datetime | None]
    __table_args__ = (
        sa.UniqueConstraint("day_id", "number"),
        one_of("state", tuple(state.value for state in BagState)),
        sa.CheckConstraint("number >= 1 AND number <= of", name="number_of"),
    )


class BagCode(Base):
    """The sixteen random characters that a bag's two labels share; a reprint retires them."""

    __tablename__ = "bag_code"
    body: Mapped[str] = mapped_column(sa.String(16), primary_key=True)
    bag_id: Mapped[str] = mapped_column(sa.ForeignKey("bag.id"))
    made_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(sa.String(30))
    __table_args__ = (
        one_of("reason", ("", "smeared", "misprinted", "lost", "printer", "corrected")),
        sa.Index(
            "uq_bag_code_open",
            "bag_id",
            unique=True,
            sqlite_where=sa.text("retired_at IS NULL"),
            postgresql_where=sa.text("retired_at IS NULL"),
        ),
    )


class Administration(Base):
    """The infusion of one bag: started once, ended once."""

    __tablename__ = "administration"
    bag_id: Mapped[str] = mapped_column(sa.ForeignKey("bag.id"), primary_key=True)
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[str | None] = mapped_column(sa.ForeignKey("person.id"))
    infused_ml: Mapped[Decimal | None]
    reason: Mapped[str] = mapped_column(sa.String(200))


def bag(session: Session, bag_id: str) -> Bag | None:
    """The bag with this id."""
    return session.get(Bag, bag_id)


def bags_of_day(session: Session, day_id: str) -> Sequence[Bag]:
    """The bags of an infusion day, in order."""
    return session.scalars(sa.select(Bag).where(Bag.day_id == day_id).order_by(Bag.number)).all()


def bags_of_study(session: Session, study_id: str) -> Sequence[tuple[Bag, InfusionDay, Course]]:
    """Every bag of a study with its day and course, by run, participant, day and number."""
    query = (
        sa.select(Bag, InfusionDay, Course)
        .join(InfusionDay, InfusionDay.id == Bag.day_id)
        .join(Course, Course.id == InfusionDay.course_id)
        .where(Bag.study_id == study_id)
        .order_by(InfusionDay.run_at, Course.participant_id, InfusionDay.day, Bag.number)
    )
    return [tuple(row) for row in session.execute(query)]


def bag_with_day(session: Session, bag_id: str) -> tuple[Bag, InfusionDay, Course] | None:
    """A bag with its day and course."""
    query = (
        sa.select(Bag, InfusionDay, Course)
        .join(InfusionDay, InfusionDay.id == Bag.day_id)
        .join(Course, Course.id == InfusionDay.course_id)
        .where(Bag.id == bag_id)
    )
    row = session.execute(query).one_or_none()
    return None if row is None else tuple(row)


def code(session: Session, body: str) -> BagCode | None:
    """The bag code with these sixteen characters, current or retired."""
    return session.get(BagCode, body)


def open_code(session: Session, bag_id: str) -> BagCode:
    """The code a bag's labels carry now."""
    query = sa.select(BagCode).where(BagCode.bag_id == bag_id, BagCode.retired_at.is_(None))
    return session.scalars(query).one()


def move(session: Session, bag_id: str, now: BagState, then: BagState) -> bool:
    """Compare and set a bag's state; False when somebody else was faster.

    A step that the table of states does not have is refused (409), whoever asks.
    """
    check_step(now, then)
    changed = session.execute(
        sa.update(Bag)
        .where(Bag.id == bag_id, Bag.state == now.value)
        .values(state=then.value)
        .execution_options(synchronize_session="fetch")
    )
    return bool(changed.rowcount == 1)


def infused_before(session: Session, bag: Bag) -> Decimal:
    """How much was recorded as infused, mL, of the bags of its day with a lower number."""
    query = (
        sa.select(Administration.infused_ml)
        .join(Bag, Bag.id == Administration.bag_id)
        .where(Bag.day_id == bag.day_id, Bag.number < bag.number)
    )
    return sum((given for given in session.scalars(query) if given is not None), Decimal(0))


def end_reasons_before(session: Session, bag: Bag) -> set[str]:
    """Why infusions of the bags of its day with a lower number ended; empty for all infused."""
    query = (
        sa.select(Administration.reason)
        .join(Bag, Bag.id == Administration.bag_id)
        .where(Bag.day_id == bag.day_id, Bag.number < bag.number)
    )
    return set(session.scalars(query))


def order_begun(session: Session, order_id: str) -> bool:
    """Whether a bag of any course of an order was ever started."""
    query = (
        sa.select(Administration.bag_id)
        .join(Bag, Bag.id == Administration.bag_id)
        .join(InfusionDay, InfusionDay.id == Bag.day_id)
        .join(Course, Course.id == InfusionDay.course_id)
        .where(Course.order_id == order_id)
    )
    return session.scalars(query.limit(1)).first() is not None


def runs_an_infusion(session: Session, person_id: str) -> bool:
    """Whether an infusion that this person started, or was the last to resume, has not ended."""
    query = sa.select(Administration).where(Administration.ended_at.is_(None))
    started = query.where(Administration.started_by == person_id)
    if session.scalars(started.limit(1)).first() is not None:
        return True
    resumed = query.where(_last_resumed_by() == person_id)
    return session.scalars(resumed.limit(1)).first() is not None


def _last_resumed_by() -> sa.ScalarSelect[str]:
    """The nurse of an administration's newest Resume."""
    return (
        sa.select(Scan.nurse_id)
        .where(Scan.bag_id == Administration.bag_id, Scan.answer == "resume")
        .order_by(Scan.judged_at.desc(), Scan.id)
        .limit(1)
        .correlate(Administration)
        .scalar_subquery()
    )


def administrations_of(
    session: Session, participant_id: str
) -> Sequence[tuple[Administration, Course]]:
    """Every infusion a participant was started on, with its course, in the order they began."""
    query = (
        sa.select(Administration, Course)
        .join(Bag, Bag.id == Administration.bag_id)
        .join(InfusionDay, InfusionDay.id == Bag.day_id)
        .join(Course, Course.id == InfusionDay.course_id)
        .where(Course.participant_id == participant_id)
        .order_by(Administration.started_at, Administration.bag_id)
    )
    return [(infusion, course) for infusion, course in session.execute(query)]
