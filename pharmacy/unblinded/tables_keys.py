"""What the lit room remembers of its keys from version to version, and of who vouched for whom.

Former public keys stay for ever, so that a signature made before somebody made new keys can still
be checked; no private half of them is kept anywhere.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pharmacy.crypto.aead import sealed_length
from pharmacy.persistence.base import Base, Id, one_of, sealed, sealed_check

_KEY_SIZE = 33
_SIGNATURE_LENGTH = 64
_DIGEST_LENGTH = 32


class FormerKeys(Base):
    """The public keys of somebody who forgot their passphrase and made new ones."""

    __tablename__ = "lit_former_keys"
    id: Mapped[Id]
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    exchange_public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    signing_public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


class PassphraseChange(Base):
    """A new passphrase that was shown and not typed back yet: until then the old one counts.

    `former_key` is the key that the old passphrase gives, sealed under the new one's.
    """

    __tablename__ = "lit_passphrase_change"
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    salt: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    former_key: Mapped[bytes] = sealed(sealed_length(_KEY_SIZE))
    __table_args__ = (sealed_check("former_key", sealed_length(_KEY_SIZE)),)


class Vouch(Base):
    """One holder's word that a key was given to this person with these public keys.

    It outlives the wrap: others follow it to somebody whom they have not compared themselves.
    """

    __tablename__ = "lit_vouch"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(sa.LargeBinary(_DIGEST_LENGTH), primary_key=True)
    key_name: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    vouched_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signature: Mapped[bytes] = sealed(_SIGNATURE_LENGTH)
    __table_args__ = (
        one_of("key_name", ("list", "record")),
        sealed_check("signature", _SIGNATURE_LENGTH),
    )


class KeyChain(Base):
    """A former record key, sealed under the next version's: what it sealed stays readable.

    `entries` is how many entries of the unblinded trail there were when it was replaced. `link` is
    the signature of `made_by`, who made the next version: others follow it there.
    """

    __tablename__ = "lit_key_chain"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    entries: Mapped[int]
    record_key: Mapped[bytes] = sealed(sealed_length(_KEY_SIZE))
    made_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    link: Mapped[bytes] = sealed(_SIGNATURE_LENGTH)
    __table_args__ = (
        sealed_check("record_key", sealed_length(_KEY_SIZE)),
        sealed_check("link", _SIGNATURE_LENGTH),
    )


class ListSeal(Base):
    """Who sealed a list anew in a later version of the keys, and the hash of its ciphertexts."""

    __tablename__ = "lit_list_seal"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    key_version: Mapped[int]
    sealed_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    slots_digest: Mapped[bytes] = sealed(_DIGEST_LENGTH)
    signature: Mapped[bytes] = sealed(_SIGNATURE_LENGTH)
    __table_args__ = (
        sealed_check("slots_digest", _DIGEST_LENGTH),
        sealed_check("signature", _SIGNATURE_LENGTH),
    )
