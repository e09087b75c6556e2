"""Second factors: authenticators, the last code of each, recovery codes, links for a new one.

The last accepted time step is sealed as the secret is: at the bench a code is asked in the middle
of a preparation, and no plaintext may tell when. Its row is rewritten in place.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base, Id, sealed, sealed_check

SEALED_LENGTH = 113


class Authenticator(Base):
    """One person's authenticator. Its secret is sealed under the server's.

    `codes_kept`: the person has said that the recovery codes are written down.
    """

    __tablename__ = "authenticator"
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    secret: Mapped[bytes] = sealed(SEALED_LENGTH)
    set_up_at: Mapped[datetime]
    codes_kept: Mapped[bool]
    __table_args__ = (sealed_check("secret", SEALED_LENGTH),)


class AuthenticatorUse(Base):
    """The time step of the last code that was accepted, sealed."""

    __tablename__ = "authenticator_use"
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    last_step: Mapped[bytes] = sealed(SEALED_LENGTH)
    __table_args__ = (sealed_check("last_step", SEALED_LENGTH),)


class RecoveryCode(Base):
    """The hash of a code that stands in for the authenticator, once."""

    __tablename__ = "recovery_code"
    id: Mapped[Id]
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    used_at: Mapped[datetime | None]


class AuthenticatorLink(Base):
    """The hash of the link by which a person whose authenticator was ended sets up another.

    While the row stands, the password alone opens nothing.
    """

    __tablename__ = "authenticator_link"
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


def of(session: Session, person_id: str) -> Authenticator | None:
    """The person's authenticator."""
    return session.get(Authenticator, person_id)


def last_step(session: Session, person_id: str) -> bytes | None:
    """The sealed step of the person's last code, read afresh."""
    query = sa.select(AuthenticatorUse.last_step).where(AuthenticatorUse.person_id == person_id)
    found: bytes | None = session.scalars(query).one_or_none()
    return found


def move_step(session: Session, person_id: str, before: bytes, after: bytes) -> bool:
    """Note a newer step; False when another code was accepted since `before` was read."""
    done = session.execute(
        sa.update(AuthenticatorUse)
        .where(AuthenticatorUse.person_id == person_id, AuthenticatorUse.last_step == before)
        .values(last_step=after)
    )
    return done.rowcount == 1


def recovery_code(session: Session, person_id: str, code_hash: bytes) -> RecoveryCode | None:
    """The person's unused recovery code with this hash."""
    query = sa.select(RecoveryCode).where(
        RecoveryCode.person_id == person_id,
        RecoveryCode.code_hash == code_hash,
        RecoveryCode.used_at.is_(None),
    )
    return session.scalars(query).one_or_none()


def use_recovery_code(session: Session, code_id: str, at: datetime) -> bool:
    """Use a recovery code up; False when another act was faster."""
    done = session.execute(
        sa.update(RecoveryCode)
        .where(RecoveryCode.id == code_id, RecoveryCode.used_at.is_(None))
        .values(used_at=at)
    )
    return done.rowcount == 1


def recovery_hashes(session: Session, person_id: str) -> frozenset[bytes]:
    """The hashes of the person's unused recovery codes."""
    query = sa.select(RecoveryCode.code_hash).where(
        RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None)
    )
    return frozenset(session.scalars(query))


def forget(session: Session, person_id: str) -> None:
    """Delete the person's authenticator with its last step, recovery codes and link."""
    for table in (Authenticator, AuthenticatorUse, RecoveryCode, AuthenticatorLink):
        session.execute(sa.delete(table).where(table.person_id == person_id))


def link_of(session: Session, person_id: str) -> AuthenticatorLink | None:
    """The link that waits for the person, used or not."""
    return session.get(AuthenticatorLink, person_id)


def link(session: Session, token_hash: bytes) -> AuthenticatorLink | None:
    """The link with this token hash, used or not."""
    return session.scalars(
        sa.select(AuthenticatorLink).where(AuthenticatorLink.token_hash == token_hash)
    ).one_or_none()


def end_every_link(session: Session, at: datetime) -> None:
    """End every unused link; who waited for one needs another."""
    session.execute(
        sa.update(AuthenticatorLink).where(AuthenticatorLink.used_at.is_(None)).values(used_at=at)
    )


def use_link(session: Session, token_hash: bytes, at: datetime) -> bool:
    """Use a link up; False when another act was faster."""
    done = session.execute(
        sa.update(AuthenticatorLink)
        .where(AuthenticatorLink.token_hash == token_hash, AuthenticatorLink.used_at.is_(None))
        .values(used_at=at)
    )
    return done.rowcount == 1
