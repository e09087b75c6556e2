"""Wall 3: no blinded table leads to the lit room, and what that room keeps is sealed (C1, H4)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry, relationship

from pharmacy.persistence import schema
from pharmacy.persistence.base import Base, sealed, sealed_check
from pharmacy.unblinded import tables

_READ = (schema, tables)
_LIT = "lit_"

_WHO = "a person's or a study's id, the same whatever the arm"
_PUBLIC = "a public key, drawn at random"
_FINGERPRINT = "which of the installation's secrets, one for all studies, persons and slots"
_SHEET = "one of the four sheets that every study has"
_RENEWED = "how often the recovery key was renewed"
_NUMBERED = "a number that is given in the order of acts both arms have alike"

# Every column of the lit room that a thief can read, and why it cannot differ with the arm.
PLAINTEXT = {
    "lit_holder_keys.person_id": _WHO,
    "lit_holder_keys.exchange_public": _PUBLIC,
    "lit_holder_keys.signing_public": _PUBLIC,
    "lit_holder_keys.salt": "random bytes",
    "lit_holder_keys.confirmed": "whether the person typed the passphrase back",
    "lit_holder_keys.under_pepper": _FINGERPRINT,
    "lit_study_keys.study_id": _WHO,
    "lit_study_keys.version": "how often the keys were renewed",
    "lit_study_keys.inbox_public": _PUBLIC,
    "lit_study_keys.recovery_public": _PUBLIC,
    "lit_study_keys.founder_id": _WHO,
    "lit_study_keys.signed_by": _WHO,
    "lit_key_wrap.study_id": _WHO,
    "lit_key_wrap.version": "how often the keys were renewed",
    "lit_key_wrap.recipient": _WHO,
    "lit_key_wrap.key_name": "list or record: who holds which key is no secret",
    "lit_key_wrap.granted_by": _WHO,
    "lit_key_wrap.opened": "whether its holder has opened the room before, without a moment",
    "lit_list.study_id": _WHO,
    "lit_list.key_version": "how often the keys were renewed",
    "lit_list.loaded_version": "how often the keys were renewed",
    "lit_list.loaded_by": _WHO,
    "lit_list.source": "whether a list was made here or came from REDCap, whatever is in it",
    "lit_list.dummy": "whether the study is for practice",
    "lit_list_part.study_id": _WHO,
    "lit_list_part.part": "how often the list has grown",
    "lit_list_part.key_version": "how often the keys were renewed",
    "lit_list_part.loaded_version": "how often the keys had been renewed when it was loaded",
    "lit_list_part.loaded_by": _WHO,
    "lit_list_part.source": "whether a part was made here or came from REDCap, whatever is in it",
    "lit_list_part.dummy": "whether the study is for practice",
    "lit_list_number.study_id": _WHO,
    "lit_dummy_confirmation.study_id": _WHO,
    "lit_dummy_confirmation.person_id": _WHO,
    "lit_dummy_confirmation.signature_id": "drawn at random",
    "lit_stratum.study_id": _WHO,
    "lit_stratum.stratum": "a stratum is a blinded fact of the participant",
    "lit_stratum.next_slot": _NUMBERED,
    "lit_stratum.slots": "how long the list is, for all arms together",
    "lit_slot.id": "drawn at random",
    "lit_slot.study_id": _WHO,
    "lit_slot.stratum": "a stratum is a blinded fact of the participant",
    "lit_slot.number": "the place in the list; what stands there is in the envelope",
    "lit_slot.part": "what the place came with, the same whatever stands there",
    "lit_slot.key_version": "how often the keys were renewed",
    "lit_slot.participant_id": "requests are served in the order of the investigator's signature",
    "lit_break_enrolment.study_id": _WHO,
    "lit_break_enrolment.person_id": _WHO,
    "lit_break_enrolment.granted_by": _WHO,
    "lit_break_enrolment.tried": "whether the investigator has tried their keys, without a moment",
    "lit_break_share.study_id": _WHO,
    "lit_break_share.stratum": "a stratum is a blinded fact of the participant",
    "lit_break_share.number": "one row for every place of the list; its key is in two halves",
    "lit_break_share.person_id": _WHO,
    "lit_break_share.key_version": "how often the keys were renewed",
    "lit_break_share.granted_by": _WHO,
    "lit_break_share.under_break_key": _FINGERPRINT,
    "lit_drill.study_id": _WHO,
    "lit_drill.person_id": _WHO,
    "lit_drill.key_version": "how often the keys were renewed",
    "lit_drill.granted_by": _WHO,
    "lit_inbox.id": "a digest of a form's random number",
    "lit_inbox.study_id": _WHO,
    "lit_inbox.key_version": "how often the keys were renewed",
    "lit_archive_signature.study_id": _WHO,
    "lit_archive_signature.person_id": _WHO,
    "lit_bag_record.bag_id": "one row for every planned bag, in both arms",
    "lit_bag_record.study_id": _WHO,
    "lit_recovery_key.study_id": _WHO,
    "lit_recovery_key.number": _RENEWED,
    "lit_recovery_key.key_version": "how often the keys were renewed",
    "lit_recovery_key.public": _PUBLIC,
    "lit_recovery_key.signing_public": _PUBLIC,
    "lit_recovery_key.founder_id": _WHO,
    "lit_recovery_key.founder_digest": "the fingerprint of somebody's public keys",
    "lit_recovery_key.made_by": _WHO,
    "lit_recovery_key.maker_digest": "the fingerprint of somebody's public keys",
    "lit_server_secret.study_id": _WHO,
    "lit_server_secret.name": "pepper or break key",
    "lit_server_secret.fingerprint": _FINGERPRINT,
    "lit_recovery_grant.study_id": _WHO,
    "lit_recovery_grant.person_id": _WHO,
    "lit_recovery_grant.number": _RENEWED,
    "lit_recovery_sheet.study_id": _WHO,
    "lit_recovery_sheet.number": _RENEWED,
    "lit_recovery_sheet.sheet": _SHEET,
    "lit_recovery_sheet.custodian": "who keeps an envelope, agreed before any list",
    "lit_recovery_sheet.place": "where an envelope lies, agreed before any list",
    "lit_recovery_sheet.seal": "the number of a seal, taken from a roll",
    "lit_recovery_sheet.signature_id": "drawn at random",
    "lit_recovery_check.id": "drawn at random",
    "lit_recovery_check.study_id": _WHO,
    "lit_recovery_check.number": _RENEWED,
    "lit_recovery_check.kind": "a look at a seal, or a drill",
    "lit_recovery_check.sheet": _SHEET,
    "lit_recovery_check.passed": "whether an envelope was whole and a canary opened",
    "lit_recovery_check.signature_id": "drawn at random",
    "lit_session.session_id": "drawn at random",
    "lit_session.person_id": _WHO,
    "lit_session.study_id": _WHO,
    "lit_former_keys.id": "drawn at random",
    "lit_former_keys.person_id": _WHO,
    "lit_former_keys.exchange_public": _PUBLIC,
    "lit_former_keys.signing_public": _PUBLIC,
    "lit_passphrase_change.person_id": _WHO,
    "lit_passphrase_change.salt": "random bytes",
    "lit_vouch.study_id": _WHO,
    "lit_vouch.version": "how often the keys were renewed",
    "lit_vouch.person_id": _WHO,
    "lit_vouch.fingerprint": "a hash over public keys",
    "lit_vouch.key_name": "list or record: who holds which key is no secret",
    "lit_vouch.vouched_by": _WHO,
    "lit_key_chain.study_id": _WHO,
    "lit_key_chain.version": "how often the keys were renewed",
    "lit_key_chain.made_by": _WHO,
    "lit_key_chain.entries": "one entry per stage of a bag, in both arms",
    "lit_list_seal.study_id": _WHO,
    "lit_list_seal.key_version": "how often the keys were renewed",
    "lit_list_seal.sealed_by": _WHO,
    "lit_audit_head.study_id": _WHO,
    "lit_audit_head.size": "one entry per stage of a bag, in both arms",
    "lit_audit_entry.study_id": _WHO,
    "lit_audit_entry.seq": _NUMBERED,
}


def ways_to_the_lit_room(metadata: sa.MetaData, mapped: registry) -> list[str]:
    """Foreign keys and relationships that lead from a blinded table to a lit one."""
    found = [
        f"{key.parent} refers to {key.target_fullname}"
        for table in metadata.sorted_tables
        if not table.name.startswith(_LIT)
        for key in sorted(table.foreign_keys, key=lambda key: key.target_fullname)
        if key.target_fullname.startswith(_LIT)
    ]
    for mapper in mapped.mappers:
        if not mapper.local_table.name.startswith(_LIT):
            found += [
                f"{mapper.class_.__name__}.{relation.key} leads to {relation.target.name}"
                for relation in mapper.relationships
                if relation.target.name.startswith(_LIT)
            ]
    return found


def in_the_clear(metadata: sa.MetaData, allowed: dict[str, str]) -> list[str]:
    """Lit columns that are neither sealed nor allowed with a reason, and reasons without one."""
    clear = {str(column) for column in _columns(metadata, lit=True) if not _is_sealed(column)}
    return [f"{name} is plaintext without a reason" for name in sorted(clear - allowed.keys())] + [
        f"{name} has a reason and is not a plaintext column"
        for name in sorted(allowed.keys() - clear)
    ]


def unequal_lengths(metadata: sa.MetaData) -> list[str]:
    """Sealed columns whose one length the schema does not enforce."""
    found = []
    for column in _columns(metadata):
        if not _is_sealed(column):
            continue
        length = column.info.get("length")
        lengths = _checked_lengths(column)
        if not isinstance(length, int) or column.type.length != length:
            found.append(f"{column} is sealed and does not state one length")
        elif lengths != [length]:
            found.append(f"{column} is sealed and no check demands its length of {length}")
    return found


def made_by_the_database(metadata: sa.MetaData) -> list[str]:
    """Counters, clocks and other values that the database or the models would make up."""
    found = []
    for column in _columns(metadata):
        if column.table.autoincrement_column is column or column.identity is not None:
            found.append(f"{column} counts by itself")
        for name in ("server_default", "server_onupdate", "default", "onupdate"):
            if getattr(column, name) is not None and column.identity is None:
                found.append(f"{column} has a {name}: values are handed in")
    return found


def misplaced(mapped: registry) -> list[str]:
    """Tables whose name does not say on which side they were defined."""
    return [
        f"{mapper.local_table.name} is defined in {mapper.class_.__module__}"
        for mapper in mapped.mappers
        if mapper.local_table.name.startswith(_LIT)
        is not mapper.class_.__module__.startswith("pharmacy.unblinded")
    ]


def _columns(metadata: sa.MetaData, lit: bool = False) -> Iterator[sa.Column[object]]:
    for table in metadata.sorted_tables:
        if not lit or table.name.startswith(_LIT):
            yield from table.columns


def _is_sealed(column: sa.Column[object]) -> bool:
    return bool(column.info.get("sealed"))


def _checked_lengths(column: sa.Column[object]) -> list[int]:
    said = [
        str(check.sqltext)
        for check in column.table.constraints
        if isinstance(check, sa.CheckConstraint)
    ]
    matched = (re.fullmatch(rf"length\({column.name}\) = (\d+)", words) for words in said)
    return [int(match[1]) for match in matched if match]


def test_no_blinded_table_leads_to_the_lit_room() -> None:
    assert ways_to_the_lit_room(Base.metadata, Base.registry) == []


def test_what_the_lit_room_keeps_is_sealed_or_has_a_reason() -> None:
    assert in_the_clear(Base.metadata, PLAINTEXT) == []


def test_sealed_columns_have_one_length() -> None:
    """K4: whatever is sealed, its length is demanded by the schema."""
    assert unequal_lengths(Base.metadata) == []


def test_no_counter_and_no_clock_of_the_database() -> None:
    assert made_by_the_database(Base.metadata) == []


def test_the_names_say_the_side() -> None:
    assert misplaced(Base.registry) == []
    assert sum(name.startswith(_LIT) for name in Base.metadata.tables) >= 10


class _Planted(DeclarativeBase):
    """A schema of its own in which every rule is broken once."""


class _Slot(_Planted):
    __tablename__ = "lit_planted_slot"
    id: Mapped[str] = mapped_column(primary_key=True)
    lot: Mapped[str]
    envelope: Mapped[bytes] = sealed(48)
    slot_key: Mapped[bytes] = sealed(32)
    wrong: Mapped[bytes] = sealed(32)
    loose: Mapped[bytes] = mapped_column(sa.LargeBinary(), info={"sealed": True})
    __table_args__ = (sealed_check("slot_key", 32), sealed_check("wrong", 33))


class _Bag(_Planted):
    __tablename__ = "planted_bag"
    id: Mapped[int] = mapped_column(primary_key=True)
    slot_id: Mapped[str] = mapped_column(sa.ForeignKey("lit_planted_slot.id"))
    made_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())
    seen_at: Mapped[datetime] = mapped_column(default=datetime.now, onupdate=datetime.now)
    slot: Mapped[_Slot] = relationship()


class _Label(_Planted):
    """A relationship without a foreign key leads there as well."""

    __tablename__ = "planted_label"
    code: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(sa.Identity())
    slot: Mapped[_Slot] = relationship(
        primaryjoin="foreign(_Label.code) == _Slot.id", viewonly=True
    )


@pytest.fixture(scope="module")
def planted() -> type[_Planted]:
    """The broken schema, with its relationships resolved."""
    _Planted.registry.configure()
    return _Planted


def test_planted_ways_to_the_lit_room_are_found(planted: type[_Planted]) -> None:
    found = ways_to_the_lit_room(planted.metadata, planted.registry)
    assert sorted(found) == [
        "_Bag.slot leads to lit_planted_slot",
        "_Label.slot leads to lit_planted_slot",
        "planted_bag.slot_id refers to lit_planted_slot.id",
    ]


def test_planted_plaintext_is_found(planted: type[_Planted]) -> None:
    allowed = {"lit_planted_slot.id": "random", "lit_planted_slot.gone": "a column that was"}
    assert in_the_clear(planted.metadata, allowed) == [
        "lit_planted_slot.lot is plaintext without a reason",
        "lit_planted_slot.gone has a reason and is not a plaintext column",
    ]


def test_planted_lengths_are_found(planted: type[_Planted]) -> None:
    """The plant of K4."""
    assert unequal_lengths(planted.metadata) == [
        "lit_planted_slot.envelope is sealed and no check demands its length of 48",
        "lit_planted_slot.wrong is sealed and no check demands its length of 32",
        "lit_planted_slot.loose is sealed and does not state one length",
    ]


def test_planted_counters_and_clocks_are_found(planted: type[_Planted]) -> None:
    assert sorted(made_by_the_database(planted.metadata)) == [
        "planted_bag.id counts by itself",
        "planted_bag.made_at has a server_default: values are handed in",
        "planted_bag.seen_at has a default: values are handed in",
        "planted_bag.seen_at has a onupdate: values are handed in",
        "planted_label.number counts by itself",
    ]


def test_a_planted_lit_table_in_the_wrong_room_is_found(planted: type[_Planted]) -> None:
    assert misplaced(planted.registry) == [f"lit_planted_slot is defined in {__name__}"]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_the_database_itself_refuses_another_length(
    engine_at: Callable[[str], sa.Engine], database_url: str, length: int
) -> None:
    engine = engine_at(database_url)
    entry = Base.metadata.tables["lit_audit_entry"]
    row = {"study_id": "s", "seq": 1, "body": bytes(entry.c.body.info["length"])}
    with engine.connect() as connection, pytest.raises(sa.exc.IntegrityError, match="leaf_length"):
        connection.execute(sa.insert(entry).values(**row, leaf=bytes(length)))
