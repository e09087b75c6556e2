"""Which secrets this database's ciphertexts were made under, by fingerprint.

The secrets themselves are never here: they live in the configuration, and a thief of the
database is not to have them.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.persistence.base import Base

FINGERPRINT_LENGTH = 16


class KnownSecret(Base):
    """The fingerprint of one secret, named as its setting."""

    __tablename__ = "known_secret"
    setting: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(FINGERPRINT_LENGTH))


def is_there(session: Session) -> bool:
    """Whether the database has been migrated so far that it can know a secret."""
    return sa.inspect(session.connection()).has_table(KnownSecret.__tablename__)


def fingerprint(session: Session | sa.Connection, setting: str) -> bytes | None:
    """The fingerprint of a setting's secret, or None before the first start."""
    query = sa.select(KnownSecret.fingerprint).where(KnownSecret.setting == setting)
    found: bytes | None = session.execute(query).scalar_one_or_none()
    return found


def change(session: Session, setting: str, of: bytes) -> None:
    """Know another secret in the place of the one that was known."""
    session.execute(
        sa.update(KnownSecret).where(KnownSecret.setting == setting).values(fingerprint=of)
    )


def forget(session: Session, setting: str) -> None:
    """Know no secret of this setting any more."""
    session.execute(sa.delete(KnownSecret).where(KnownSecret.setting == setting))


def keep(session: Session, setting: str, of: bytes) -> None:
    """Know a secret from now on; a twin that was faster becomes `Conflict` at the flush."""
    session.add(KnownSecret(setting=setting, fingerprint=of))
    session.flush()
