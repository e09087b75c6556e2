"""People, what they may do in which study, and the one-time links that let them in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.domain.roles import Role
from pharmacy.persistence.base import Base, Id, one_of


class Person(Base):
    """One person, one account; a user name is never given twice (21 CFR 11.100(a))."""

    __tablename__ = "person"
    id: Mapped[Id]
    user_name: Mapped[str] = mapped_column(sa.String(60), unique=True)
    full_name: Mapped[str] = mapped_column(sa.String(120))
    initials: Mapped[str] = mapped_column(sa.String(6))
    administrator: Mapped[bool]
    password_hash: Mapped[str | None] = mapped_column(sa.String(256))
    created_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class Membership(Base):
    """A role of a person in a study, from a moment until a moment."""

    __tablename__ = "membership"
    id: Mapped[Id]
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    role: Mapped[str] = mapped_column(sa.String(30))
    given_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        one_of("role", tuple(role.value for role in Role)),
        sa.Index(
            "uq_membership_open",
            "person_id",
            "study_id",
            "role",
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
    )


class OneTimeLink(Base):
    """The hash of a link that lets one person choose a password, once, until it expires."""

    __tablename__ = "one_time_link"
    id: Mapped[Id]
    person_id: Mapped[str | None] = mapped_column(sa.ForeignKey("person.id"))
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def person(session: Session, person_id: str) -> Person | None:
    """The person with this id."""
    return session.get(Person, person_id)


def by_user_name(session: Session, user_name: str) -> Person | None:
    """The person with this user name, compared without regard to case."""
    return session.scalars(
        sa.select(Person).where(Person.user_name == user_name.strip().casefold())
    ).one_or_none()


def everybody(session: Session) -> Sequence[Person]:
    """All people, by user name."""
    return session.scalars(sa.select(Person).order_by(Person.user_name)).all()


def roles_of(session: Session, person_id: str, study_id: str) -> frozenset[Role]:
    """The roles a person holds now in a study."""
    query = sa.select(Membership.role).where(
        Membership.person_id == person_id,
        Membership.study_id == study_id,
        Membership.ended_at.is_(None),
    )
    return frozenset(Role(role) for role in session.scalars(query))


def memberships(session: Session, person_id: str) -> Sequence[Membership]:
    """The roles a person holds now, in every study."""
    query = sa.select(Membership).where(
        Membership.person_id == person_id, Membership.ended_at.is_(None)
    )
    return session.scalars(query.order_by(Membership.study_id, Membership.role)).all()


def members(session: Session, study_id: str, role: Role) -> Sequence[Person]:
    """The people who hold a role in a study now, by user name."""
    query = (
        sa.select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.study_id == study_id,
            Membership.role == role.value,
            Membership.ended_at.is_(None),
        )
    )
    return session.scalars(query.order_by(Person.user_name)).all()


def link(session: Session, token_hash: bytes) -> OneTimeLink | None:
    """The link with this token hash, used or not."""
    return session.scalars(
        sa.select(OneTimeLink).where(OneTimeLink.token_hash == token_hash)
    ).one_or_none()


def use_link(session: Session, link_id: str, at: datetime) -> bool:
    """Use a link up; False when it was used or ended by another act, however close."""
    done = session.execute(
        sa.update(OneTimeLink)
        .where(OneTimeLink.id == link_id, OneTimeLink.used_at.is_(None))
        .values(used_at=at)
    )
    return done.rowcount == 1


def open_link_until(session: Session, person_id: str, now: datetime) -> datetime | None:
    """When the person's unused link expires; None when there is none."""
    return session.scalars(
        sa.select(OneTimeLink.expires_at)
        .where(
            OneTimeLink.person_id == person_id,
            OneTimeLink.used_at.is_(None),
            OneTimeLink.expires_at >= now,
        )
        .order_by(OneTimeLink.expires_at.desc())
    ).first()


def roles_ever(session: Session, person_id: str, study_id: str) -> frozenset[Role]:
    """The roles a person has held in a study, ended ones too."""
    query = sa.select(Membership.role).where(
        Membership.person_id == person_id, Membership.study_id == study_id
    )
    return frozenset(Role(role) for role in session.scalars(query))


def end_links(session: Session, person_id: str | None, at: datetime) -> None:
    """End the unused links of a person, or of the installation's set-up."""
    session.execute(
        sa.update(OneTimeLink)
        .where(OneTimeLink.person_id.is_not_distinct_from(person_id), OneTimeLink.used_at.is_(None))
        .values(used_at=at)
    )


def end_every_link(session: Session, at: datetime) -> None:
    """End every unused link, whoever it is for."""
    session.execute(
        sa.update(OneTimeLink).where(OneTimeLink.used_at.is_(None)).values(used_at=at)
    )
