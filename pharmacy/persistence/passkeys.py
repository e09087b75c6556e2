"""Passkeys: several for one person, each with a name of the person's own.

The counter is sealed as the authenticator's last step is: at the bench a passkey is shown in the
middle of a preparation, and no plaintext may count how often. Its row is rewritten in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.authenticators import SEALED_LENGTH
from pharmacy.persistence.base import Base, Id, sealed, sealed_check

NAME_LENGTH = 40


class Passkey(Base):
    """One passkey of one person: the public half; the private one never leaves the device."""

    __tablename__ = "passkey"
    id: Mapped[Id]
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), index=True)
    credential_id: Mapped[bytes] = mapped_column(sa.LargeBinary(1023), unique=True)
    public_key: Mapped[bytes] = mapped_column(sa.LargeBinary(1024))
    name: Mapped[str] = mapped_column(sa.String(NAME_LENGTH))
    made_at: Mapped[datetime]
    counter: Mapped[bytes] = sealed(SEALED_LENGTH)
    __table_args__ = (sealed_check("counter", SEALED_LENGTH),)


def of(session: Session, person_id: str) -> Sequence[Passkey]:
    """A person's passkeys, the oldest first."""
    query = sa.select(Passkey).where(Passkey.person_id == person_id)
    return session.scalars(query.order_by(Passkey.made_at, Passkey.id)).all()


def exist(session: Session, person_id: str) -> bool:
    """Whether the person has any."""
    query = sa.select(sa.exists().where(Passkey.person_id == person_id))
    return bool(session.scalar(query))


def passkey(session: Session, passkey_id: str) -> Passkey | None:
    """The passkey with this id."""
    return session.get(Passkey, passkey_id)


def by_credential(session: Session, credential_id: bytes) -> Passkey | None:
    """The passkey that a browser names, read afresh."""
    query = sa.select(Passkey).where(Passkey.credential_id == credential_id)
    return session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def move_counter(session: Session, passkey_id: str, before: bytes, after: bytes) -> bool:
    """Note where the counter stands; False when another act moved it since `before` was read."""
    done = session.execute(
        sa.update(Passkey)
        .where(Passkey.id == passkey_id, Passkey.counter == before)
        .values(counter=after)
    )
    return done.rowcount == 1


def remove(session: Session, passkey_id: str) -> bool:
    """Delete one; False when it was gone already."""
    return session.execute(sa.delete(Passkey).where(Passkey.id == passkey_id)).rowcount == 1


def forget(session: Session, person_id: str) -> int:
    """Delete all of a person's; returns how many there were."""
    return session.execute(sa.delete(Passkey).where(Passkey.person_id == person_id)).rowcount
