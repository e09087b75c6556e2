"""The lit room's memory. Whatever differs with the arm is ciphertext of one length.

No blinded table refers to these; these may refer to blinded ones. Lengths are stated in the
schema, so that a ciphertext of another length cannot be stored.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from pharmacy.crypto.aead import sealed_length
from pharmacy.crypto.wrapping import wrapped_record_length
from pharmacy.persistence.base import Base, Id, one_of, sealed, sealed_check
from pharmacy.unblinded import tables_keys, tables_recovery

# Files of further tables of the lit room: whoever knows these knows those.
FURTHER = (tables_keys, tables_recovery)

PRIVATE_RECORD_SIZE = 8192
LIT_SESSION_SIZE = 4096
BAG_RECORD_SIZE = 32768
TRAIL_BODY_SIZE = 2048
INBOX_SIZE = 2048
KEY_SIZE = 33
ARM_SIZE = 33
WRAPPED_LENGTH = 80
SIGNATURE_LENGTH = 64
DIGEST_LENGTH = 32
# A count and at most one hash for each bit of it, padded: the length must not tell the count.
FRONTIER_LENGTH = 8 + 32 * DIGEST_LENGTH
_KEY_LENGTH = sealed_length(KEY_SIZE)
# Where a list came from: an open table, a concealed one with its code list, or a seed drawn here.
LIST_SOURCES = ("redcap", "concealed", "made")


class HolderKeys(Base):
    """A person's public keys, and their private record sealed by passphrase and pepper.

    `under_pepper` is the fingerprint of that pepper, as `known_secret` has it.
    """

    __tablename__ = "lit_holder_keys"
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    exchange_public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    signing_public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    salt: Mapped[bytes] = mapped_column(sa.LargeBinary(16))
    private_record: Mapped[bytes] = sealed(sealed_length(PRIVATE_RECORD_SIZE))
    confirmed: Mapped[bool]
    under_pepper: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16))
    __table_args__ = (sealed_check("private_record", sealed_length(PRIVATE_RECORD_SIZE)),)


class StudyKeys(Base):
    """One version of a study's keys: commitments, the inbox key, the recovery key's public half.

    The founder is whom everybody's trust begins with; `signed_by` has signed this row as it stands.
    """

    __tablename__ = "lit_study_keys"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    list_commitment: Mapped[bytes] = sealed(DIGEST_LENGTH)
    record_commitment: Mapped[bytes] = sealed(DIGEST_LENGTH)
    inbox_public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    inbox_private: Mapped[bytes] = sealed(_KEY_LENGTH)
    recovery_public: Mapped[bytes] = mapped_column(sa.LargeBinary(32))
    founder_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signed_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    __table_args__ = (
        sealed_check("list_commitment", DIGEST_LENGTH),
        sealed_check("record_commitment", DIGEST_LENGTH),
        sealed_check("inbox_private", _KEY_LENGTH),
        sealed_check("signature", SIGNATURE_LENGTH),
    )


class KeyWrap(Base):
    """The list or record key of a study, wrapped to one recipient and signed by who granted it.

    `recipient` is a person's id, or "recovery".
    """

    __tablename__ = "lit_key_wrap"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    recipient: Mapped[str] = mapped_column(sa.String(32), primary_key=True)
    key_name: Mapped[str] = mapped_column(sa.String(10), primary_key=True)
    wrapped: Mapped[bytes] = sealed(WRAPPED_LENGTH)
    granted_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    opened: Mapped[bool]
    __table_args__ = (
        one_of("key_name", ("list", "record")),
        sealed_check("wrapped", WRAPPED_LENGTH),
        sealed_check("signature", SIGNATURE_LENGTH),
    )


class SealedList(Base):
    """A study's loaded list: the keyed commitment, its sealed opening, the loader's signature.

    `dummy` is the list of a practice study, for ever. `seed_wrap` is the seed of a list made here,
    for its maker alone. `key_version` is whose key seals its opening now, `loaded_version` what
    the loader signed; `facts_signature` covers source, dummy and seed; lists loaded before these
    were kept have none.
    """

    __tablename__ = "lit_list"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    key_version: Mapped[int]
    loaded_version: Mapped[int]
    commitment: Mapped[bytes] = sealed(DIGEST_LENGTH)
    opening: Mapped[bytes] = sealed(_KEY_LENGTH)
    slots_digest: Mapped[bytes] = sealed(DIGEST_LENGTH)
    loaded_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    source: Mapped[str] = mapped_column(sa.String(12))
    dummy: Mapped[bool]
    seed_wrap: Mapped[bytes | None] = sealed(WRAPPED_LENGTH, nullable=True)
    facts_signature: Mapped[bytes | None] = sealed(SIGNATURE_LENGTH, nullable=True)
    __table_args__ = (
        one_of("source", LIST_SOURCES),
        sealed_check("commitment", DIGEST_LENGTH),
        sealed_check("slots_digest", DIGEST_LENGTH),
        sealed_check("opening", _KEY_LENGTH),
        sealed_check("signature", SIGNATURE_LENGTH),
        sealed_check("seed_wrap", WRAPPED_LENGTH),
        sealed_check("facts_signature", SIGNATURE_LENGTH),
    )

    @property
    def part(self) -> int:
        """The list that is loaded first is the first part of all that may follow."""
        return 1


class ListPart(Base):
    """What a loaded list grew by: as its `SealedList`, from part 2 on, with rows of its own.

    The signature covers what came before as well, so that no part is taken out or put elsewhere.
    """

    __tablename__ = "lit_list_part"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("lit_list.study_id"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key_version: Mapped[int]
    loaded_version: Mapped[int]
    commitment: Mapped[bytes] = sealed(DIGEST_LENGTH)
    opening: Mapped[bytes] = sealed(_KEY_LENGTH)
    slots_digest: Mapped[bytes] = sealed(DIGEST_LENGTH)
    loaded_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    source: Mapped[str] = mapped_column(sa.String(12))
    dummy: Mapped[bool]
    seed_wrap: Mapped[bytes | None] = sealed(WRAPPED_LENGTH, nullable=True)
    facts_signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    __table_args__ = (
        one_of("source", LIST_SOURCES),
        sa.CheckConstraint("part >= 2", name="part_follows"),
        sealed_check("commitment", DIGEST_LENGTH),
        sealed_check("slots_digest", DIGEST_LENGTH),
        sealed_check("opening", _KEY_LENGTH),
        sealed_check("signature", SIGNATURE_LENGTH),
        sealed_check("seed_wrap", WRAPPED_LENGTH),
        sealed_check("facts_signature", SIGNATURE_LENGTH),
    )


class ListNumber(Base):
    """A randomization number that the list has used, as a digest keyed by the first opening.

    It names no slot: it is asked only whether a number was there before.
    """

    __tablename__ = "lit_list_number"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("lit_list.study_id"), primary_key=True)
    digest: Mapped[bytes] = mapped_column(
        sa.LargeBinary(DIGEST_LENGTH),
        primary_key=True,
        info={"sealed": True, "length": DIGEST_LENGTH},
    )
    __table_args__ = (sealed_check("digest", DIGEST_LENGTH),)


class DummyConfirmation(Base):
    """One person's confirmation of a practice study's dummy list, bound to its commitment."""

    __tablename__ = "lit_dummy_confirmation"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    signature_id: Mapped[str] = mapped_column(sa.ForeignKey("signature.id"))
    commitment: Mapped[bytes] = sealed(DIGEST_LENGTH)
    __table_args__ = (sealed_check("commitment", DIGEST_LENGTH),)


class Stratum(Base):
    """Where a stratum's list stands; its row is locked while the next slot is taken."""

    __tablename__ = "lit_stratum"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    stratum: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    next_slot: Mapped[int]
    slots: Mapped[int]


class Slot(Base):
    """One numbered place of a list: its key under the list key, its arm under its key.

    `part` is what it came with: 1 for the list that was loaded first.
    """

    __tablename__ = "lit_slot"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    stratum: Mapped[str] = mapped_column(sa.String(60))
    number: Mapped[int]
    part: Mapped[int]
    key_version: Mapped[int]
    slot_key: Mapped[bytes] = sealed(_KEY_LENGTH)
    envelope: Mapped[bytes] = sealed(sealed_length(ARM_SIZE))
    participant_id: Mapped[str | None] = mapped_column(sa.ForeignKey("participant.id"), unique=True)
    __table_args__ = (
        sa.UniqueConstraint("study_id", "stratum", "number"),
        sealed_check("slot_key", _KEY_LENGTH),
        sealed_check("envelope", sealed_length(ARM_SIZE)),
    )


class BreakEnrolment(Base):
    """An investigator whose six words a holder compared: shares of every slot are made for them.

    The holder's signature is over the investigator's fingerprint, so that the server cannot enrol
    anybody by itself, and a list that is loaded later finds whom to make shares for. `tried`: the
    investigator has tried their keys once.
    """

    __tablename__ = "lit_break_enrolment"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    granted_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    tried: Mapped[bool]
    __table_args__ = (sealed_check("signature", SIGNATURE_LENGTH),)


class BreakShare(Base):
    """One slot's key in two halves for one investigator: neither alone says anything.

    `wrapped_half` is for the investigator's own key, `kept_half` under the installation's break
    key; the granter's signature is over both. `under_break_key` is the fingerprint of that key.
    """

    __tablename__ = "lit_break_share"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    stratum: Mapped[str] = mapped_column(sa.String(60), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    key_version: Mapped[int]
    wrapped_half: Mapped[bytes] = sealed(WRAPPED_LENGTH)
    kept_half: Mapped[bytes] = sealed(_KEY_LENGTH)
    under_break_key: Mapped[bytes | None] = mapped_column(sa.LargeBinary(16))
    granted_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    __table_args__ = (
        sealed_check("wrapped_half", WRAPPED_LENGTH),
        sealed_check("kept_half", _KEY_LENGTH),
        sealed_check("signature", SIGNATURE_LENGTH),
    )


class DrillEnvelope(Base):
    """An investigator's drill: an envelope that says so, its key in two halves as a slot's is.

    It belongs to no slot and no participant. `stratum` and `number` stand for a slot's in what the
    halves are bound to; no list has such a place.
    """

    __tablename__ = "lit_drill"
    stratum = "(drill)"
    number = 0
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    key_version: Mapped[int]
    content: Mapped[bytes] = sealed(sealed_length(ARM_SIZE))
    wrapped_half: Mapped[bytes] = sealed(WRAPPED_LENGTH)
    kept_half: Mapped[bytes] = sealed(_KEY_LENGTH)
    granted_by: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    __table_args__ = (
        sealed_check("content", sealed_length(ARM_SIZE)),
        sealed_check("wrapped_half", WRAPPED_LENGTH),
        sealed_check("kept_half", _KEY_LENGTH),
        sealed_check("signature", SIGNATURE_LENGTH),
    )


class InboxRecord(Base):
    """What was written while nobody held a key, sealed to the study's inbox key at one size."""

    __tablename__ = "lit_inbox"
    id: Mapped[Id]
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    key_version: Mapped[int]
    record: Mapped[bytes] = sealed(wrapped_record_length(INBOX_SIZE))
    __table_args__ = (sealed_check("record", wrapped_record_length(INBOX_SIZE)),)


class BagRecord(Base):
    """The one sealed, fixed-size record of what happened to a bag in the lit room.

    It holds the stage, the opened arm, both people's scans and refusals, real times, operation
    ids and signatures; it is rewritten in place and exists for every planned bag from planning on.
    """

    __tablename__ = "lit_bag_record"
    bag_id: Mapped[str] = mapped_column(sa.ForeignKey("bag.id"), primary_key=True)
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    record: Mapped[bytes] = sealed(sealed_length(BAG_RECORD_SIZE))
    __table_args__ = (sealed_check("record", sealed_length(BAG_RECORD_SIZE)),)


class LitSession(Base):
    """An opened room: the keys sealed under bytes that live only in one browser's cookie."""

    __tablename__ = "lit_session"
    session_id: Mapped[str] = mapped_column(sa.ForeignKey("sign_in_session.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"))
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"))
    keys: Mapped[bytes] = sealed(sealed_length(LIT_SESSION_SIZE))
    __table_args__ = (sealed_check("keys", sealed_length(LIT_SESSION_SIZE)),)


class LitAuditHead(Base):
    """Where a study's unblinded trail stands."""

    __tablename__ = "lit_audit_head"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    size: Mapped[int]
    frontier: Mapped[bytes] = sealed(FRONTIER_LENGTH)
    __table_args__ = (sealed_check("frontier", FRONTIER_LENGTH),)


class LitAuditEntry(Base):
    """One entry of the unblinded trail: sealed, hashed as sealed, without a time in the clear."""

    __tablename__ = "lit_audit_entry"
    study_id: Mapped[str] = mapped_column(
        sa.ForeignKey("lit_audit_head.study_id"), primary_key=True
    )
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    body: Mapped[bytes] = sealed(sealed_length(TRAIL_BODY_SIZE))
    leaf: Mapped[bytes] = sealed(DIGEST_LENGTH)
    __table_args__ = (
        sealed_check("leaf", DIGEST_LENGTH),
        sealed_check("body", sealed_length(TRAIL_BODY_SIZE)),
    )


class ArchiveSignature(Base):
    """One person's signature, by their own key, over the manifest of a closed study's archive.

    The manifest names the hash of a file with the list's opening, 32 random bytes that are at rest
    only sealed, so that no guess of the list can be tried against the signature.
    """

    __tablename__ = "lit_archive_signature"
    study_id: Mapped[str] = mapped_column(sa.ForeignKey("study.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    signature: Mapped[bytes] = sealed(SIGNATURE_LENGTH)
    __table_args__ = (sealed_check("signature", SIGNATURE_LENGTH),)
