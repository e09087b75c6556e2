"""The lit room's memory of the recovery key: its canary, its sheets, and what is sealed to it.

Where an envelope lies and when somebody looked at it is the same whatever any arm is, and is
read without a key.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pharmacy.crypto.signing import SIGNATURE_LENGTH
from pharmacy.crypto.wrapping import WRAPPED_LENGTH
from pharmacy.persistence.base import Base, Id, one_of, sealed, sealed_check

SHEETS = ("A1", "B1", "A2", "B2")
CHECK_KINDS = ("seal", "drill")
SECRET_NAMES = ("pepper", "break_key", "pepper_before", "break_key_before")
_DIGEST_LENGTH = 32


class RecoveryKey(Base):
    """One recovery key of a study; the highest number is the one that counts.

    `signing_public` belongs to a key that only its two halves give. With it the recovery key has
    signed `anchor`: the study's keys and the fingerprints of its founder and of its maker, as they
    were then. `signature` is that of the maker, over everything else.
    """

    __tablename__ = "lit_recovery_key"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_version: Mapped[int]
    public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    signing_public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    founder_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    founder_digest: Mapped[bytes] = mapped_column(sa.LargeBinary(_DIGEST_LENGTH))
    made_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    maker_digest: Mapped[bytes] = mapped_column(sa.LargeBinary(_DIGEST_LENGTH))
    keys_digest: Mapped[bytes] = sealed(_DIGEST_LENGTH)
    canary: Mapped[bytes] = sealed(WRAPPED_LENGTH)
    canary_commitment: Mapped[bytes] = sealed(_DIGEST_LENGTH)
    anchor: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    __table_args__ = (
        sealed_check("keys_digest", _DIGEST_LENGTH),
        sealed_check("canary", WRAPPED_LENGTH),
        sealed_check("canary_commitment", _DIGEST_LENGTH),
        sealed_check("anchor", SIGNATURE_LENGTH),
        sealed_check("signature", SIGNATURE_LENGTH),
    )


class SealedServerSecret(Base):
    """A secret of the server's, sealed to the recovery key of a study; `fingerprint` says which."""

    __tablename__ = "lit_server_secret"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(20), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    wrapped: Mapped[bytes] = sealed(WRAPPED_LENGTH)
    __table_args__ = (
        one_of("name", SECRET_NAMES),
        sealed_check("wrapped", WRAPPED_LENGTH),
    )


class RecoveryGrant(Base):
    """Somebody who was given the study's keys by two halves: the recovery key's signature."""

    __tablename__ = "lit_recovery_grant"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    number: Mapped[int]
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    __table_args__ = (sealed_check("signature", SIGNATURE_LENGTH),)


class RecoverySheetPlace(Base):
    """Where the envelope of one sheet lies: its custodian, its place, the number of its seal."""

    __tablename__ = "lit_recovery_sheet"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sheet: Mapped[str] = mapped_column(sa.String(2), primary_key=True)
    custodian: Mapped[str] = mapped_column(sa.String(120))
    place: Mapped[str] = mapped_column(sa.String(120))
    seal: Mapped[str] = mapped_column(sa.String(40))
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    __table_args__ = (one_of("sheet", SHEETS),)


class RecoveryCheck(Base):
    """One look at an envelope (`seal`), or one drill with the halves of a pair (`drill`)."""

    __tablename__ = "lit_recovery_check"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    number: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(10))
    sheet: Mapped[str] = mapped_column(sa.String(2))
    passed: Mapped[bool]
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    __table_args__ = (one_of("kind", CHECK_KINDS), one_of("sheet", SHEETS))
