"""Orders, the dose plans computed from them, and the infusion days of a course."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, one_of

# Why a plan no longer holds; empty while it does.
VOID_REASONS = ("corrected", "changed", "over_limit", "under_limit", "skipped")
_OPEN = "voided_at IS NULL"


class Order(Base):
    """The investigator's signed order for one course; its number is the prescription number."""

    __tablename__ = "course_order"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    visit: Mapped[str] = mapped_column(sa.String(10))
    number: Mapped[str] = mapped_column(sa.String(12), unique=True)
    first_day: Mapped[date]
    at_risk: Mapped[bool]
    premedication: Mapped[str] = mapped_column(sa.String(200))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    signed_at: Mapped[datetime]
    __table_args__ = (sa.UniqueConstraint("participant_id", "visit"),)


class Course(Base):
    """One visit's dose: the plan as computed, with the protocol version it was computed from.

    A plan whose weight no longer counts is void for good; its order may then be planned again, so
    that an order has at most one course that is not void.
    """

    __tablename__ = "course"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    participant_id: Mapped[str] = mapped_column(sa.ForeignKey("participant.id"))
    order_id: Mapped[str] = mapped_column(sa.ForeignKey("course_order.id"))
    weight_id: Mapped[str] = mapped_column(sa.ForeignKey("weight.id"))
    protocol_version_id: Mapped[str] = mapped_column(sa.ForeignKey("protocol_version.id"))
    visit: Mapped[str] = mapped_column(sa.String(10))
    plan_json: Mapped[str]
    planned_at: Mapped[datetime]
    planned_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    voided_at: Mapped[datetime | None]
    void_why: Mapped[str] = mapped_column(sa.String(12))
    __table_args__ = (
        one_of("void_why", ("", *VOID_REASONS)),
        sa.CheckConstraint("(voided_at IS NULL) = (void_why = '')", name="void_has_a_reason"),
        sa.Index(
            "uq_course_open",
            "order_id",
            unique=True,
            sqlite_where=sa.text(_OPEN),
            postgresql_where=sa.text(_OPEN),
        ),
    )


class InfusionDay(Base):
    """One day of a course: its scheduled run and the limits that follow from it (UTC)."""

    __tablename__ = "infusion_day"
    id: Mapped[Id]
    course_id: Mapped[str] = mapped_column(sa.ForeignKey("course.id"))
    day: Mapped[int]
    run_at: Mapped[datetime]
    latest_start: Mapped[datetime]
    stop_by: Mapped[datetime]
    __table_args__ = (
        sa.UniqueConstraint("course_id", "day"),
        sa.CheckConstraint("day >= 1", name="day_positive"),
    )


class LateRun(Base):
    """A day that moved to a later run, with a neutral reason from a closed list."""

    __tablename__ = "late_run"
    id: Mapped[Id]
    day_id: Mapped[str] = mapped_column(sa.ForeignKey("infusion_day.id"))
    from_run: Mapped[datetime]
    to_run: Mapped[datetime]
    reason: Mapped[str] = mapped_column(sa.String(30))
    __table_args__ = (one_of("reason", ("not_ready", "courier", "participant", "nurse")),)


def order(session: Session, order_id: str) -> Order | None:
    """The order with this id."""
    return session.get(Order, order_id)


def orders_of(session: Session, participant_id: str) -> Sequence[Order]:
    """A participant's orders in the order they were signed."""
    query = sa.select(Order).where(Order.participant_id == participant_id)
    return session.scalars(query.order_by(Order.signed_at)).all()


def number_taken(session: Session, number: str) -> bool:
    """Whether some order carries this prescription number."""
    return session.scalars(sa.select(Order.id).where(Order.number == number)).first() is not None


def unplanned_orders(session: Session, study_id: str) -> Sequence[Order]:
    """Signed orders without a plan that holds, the earliest first day first."""
    query = (
        sa.select(Order)
        .outerjoin(Course, sa.and_(Course.order_id == Order.id, Course.voided_at.is_(None)))
        .where(Order.study_id == study_id, Course.id.is_(None))
    )
    return session.scalars(query.order_by(Order.first_day, Order.id)).all()


def course(session: Session, course_id: str) -> Course | None:
    """The course with this id."""
    return session.get(Course, course_id)


def courses_of(session: Session, study_id: str) -> Sequence[Course]:
    """All courses of a study in the order they were planned."""
    query = sa.select(Course).where(Course.study_id == study_id)
    return session.scalars(query.order_by(Course.planned_at, Course.id)).all()


def courses_of_participant(session: Session, participant_id: str) -> Sequence[Course]:
    """A participant's courses in the order they were planned."""
    query = sa.select(Course).where(Course.participant_id == participant_id)
    return session.scalars(query.order_by(Course.planned_at, Course.id)).all()


def course_of_order(session: Session, order_id: str) -> Course | None:
    """The course that was planned from an order and is not void."""
    query = sa.select(Course).where(Course.order_id == order_id, Course.voided_at.is_(None))
    return session.scalars(query).one_or_none()


def all_of_order(session: Session, order_id: str) -> Sequence[Course]:
    """Every course planned from an order in the order they were planned, void ones too."""
    query = sa.select(Course).where(Course.order_id == order_id)
    return session.scalars(query.order_by(Course.planned_at, Course.id)).all()


def void(session: Session, course_id: str, at: datetime, why: str) -> bool:
    """Void a course for one of `VOID_REASONS`; False when it was void already."""
    changed = session.execute(
        sa.update(Course)
        .where(Course.id == course_id, Course.voided_at.is_(None))
        .values(voided_at=at, void_why=why)
        .execution_options(synchronize_session="fetch")
    )
    return bool(changed.rowcount == 1)


def days_of(session: Session, course_id: str) -> Sequence[InfusionDay]:
    """The infusion days of a course, in order."""
    query = sa.select(InfusionDay).where(InfusionDay.course_id == course_id)
    return session.scalars(query.order_by(InfusionDay.day)).all()
