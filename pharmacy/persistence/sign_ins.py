"""Server-side sign-in sessions, the throttle on guessing, and the ids of acts already done."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.domain.sign_in_limit import Limit
from pharmacy.persistence.base import Base, Id, one_of


class SignInSession(Base):
    """One browser's sign-in. The row holds the hash of its token, never the token.

    `limited_to` is None for a whole one, else a `Limit`. `passkey_put_off`: the person was asked
    for a passkey and said not now.
    """

    __tablename__ = "sign_in_session"
    id: Mapped[Id]
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    csrf_secret: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    limited_to: Mapped[str | None] = mapped_column(sa.String(12))
    passkey_put_off: Mapped[bool | None]
    __table_args__ = (one_of("limited_to", tuple(limit.value for limit in Limit)),)


class Throttle(Base):
    """Failed tries for one account from one address, and until when the next one waits."""

    __tablename__ = "throttle"
    key: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[datetime]
    wait_until: Mapped[datetime]


class Operation(Base):
    """One act that was done: the id its form carried, a keyed fingerprint, and where it led."""

    __tablename__ = "operation"
    id: Mapped[str] = mapped_column(sa.String(64), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.String(32))
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    location: Mapped[str] = mapped_column(sa.String(300))
    at: Mapped[datetime]


def by_token(session: Session, token_hash: bytes) -> SignInSession | None:
    """The session of a cookie, ended or not."""
    return session.scalars(
        sa.select(SignInSession).where(SignInSession.token_hash == token_hash)
    ).one_or_none()


def end_all(session: Session, person_id: str, at: datetime) -> None:
    """End every open session of a person at once."""
    session.execute(
        sa.update(SignInSession)
        .where(SignInSession.person_id == person_id, SignInSession.ended_at.is_(None))
        .values(ended_at=at)
    )


def end_others(session: Session, person_id: str, but: str, at: datetime) -> None:
    """End every open session of a person except one."""
    session.execute(
        sa.update(SignInSession)
        .where(
            SignInSession.person_id == person_id,
            SignInSession.ended_at.is_(None),
            SignInSession.id != but,
        )
        .values(ended_at=at)
    )


def throttle(session: Session, key: str) -> Throttle | None:
    """The count of a key, locked until the commit where the database locks rows."""
    return session.get(Throttle, key, with_for_update=True)


def throttle_read(session: Session, key: str) -> Throttle | None:
    """The count of a key as it stands, without a lock."""
    return session.get(Throttle, key)


def forget_throttles(session: Session, before: datetime, *, but: str) -> None:
    """Delete counts whose last miss is older than `before`, except one."""
    session.execute(sa.delete(Throttle).where(Throttle.last_at < before, Throttle.key != but))
