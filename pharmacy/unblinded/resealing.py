"""Everything that is sealed in the lit room, and what a rotation of the keys does with it.

One list, which a test holds against the tables: every sealed column is either sealed anew
(`RESEALED`) or named with the reason why it need not be (`LEFT`). A table that seals something of
its own under the list or record key adds a line to `RESEALED`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any, Literal

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, list_parts
from pharmacy.unblinded.tables import (
    BAG_RECORD_SIZE,
    KEY_SIZE,
    BagRecord,
    ListPart,
    SealedList,
)


class NotProved(Exception):
    """Something sealed anew does not give back what it held: the rotation is rolled back."""


@dataclass(frozen=True, repr=False)
class Keys:
    """The list and record key of one version."""

    version: int
    list_key: bytes
    record_key: bytes

    def __repr__(self) -> str:
        return "<keys>"


@dataclass(frozen=True)
class Sealed:
    """One column sealed under the list or record key, in a table with a `study_id`.

    `context` is what its cipher is bound to, for a row and a version of the keys; `version` names
    the column that says the row's version, empty when its context has none.
    """

    table: type[Any]
    column: str
    under: Literal["list", "record"]
    size: int
    context: Callable[[Any, int], bytes]
    version: str = ""

    @property
    def name(self) -> str:
        """As the schema calls it."""
        return f"{self.table.__tablename__}.{self.column}"


# In the order in which an act at work locks them.
RESEALED: tuple[Sealed, ...] = (
    Sealed(
        SealedList,
        "opening",
        "list",
        KEY_SIZE,
        lambda row, version: contexts.list_opening(row.study_id, version),
        version="key_version",
    ),
    Sealed(
        ListPart,
        "opening",
        "list",
        KEY_SIZE,
        lambda row, version: list_parts.opening_context(row.study_id, version, row.part),
        version="key_version",
    ),
    Sealed(
        BagRecord,
        "record",
        "record",
        BAG_RECORD_SIZE,
        lambda row, _version: contexts.bag_record(row.study_id, row.bag_id),
    ),
)

_OWN = "sealed by a person's passphrase; holds no study's key"
_NEW = "made anew for every remaining holder, and the former are deleted"
_RENEWED = "renewed by `slot_renewal`: a new key for every slot"
_KEPT = "kept for ever: the former version's, from which people move on to the next"
_TRAIL = "append-only: stays under the record key of its time, which `lit_key_chain` keeps"
_DRILL = "a new drill is made for every remaining investigator"
_RECOVERY = "of the recovery key, which a rotation keeps; its wraps are made anew"
_LOADER = "the loader's own statement, bound to no key"

# Every other sealed column, and why it is not in the list above.
LEFT: dict[str, str] = {
    "lit_holder_keys.private_record": _OWN,
    "lit_passphrase_change.former_key": _OWN,
    "lit_study_keys.list_commitment": _KEPT,
    "lit_study_keys.record_commitment": _KEPT,
    "lit_study_keys.inbox_private": "made anew; the former under the record key of its time",
    "lit_study_keys.signature": _KEPT,
    "lit_key_wrap.wrapped": _NEW,
    "lit_key_wrap.signature": _NEW,
    "lit_vouch.signature": _KEPT,
    "lit_key_chain.link": _KEPT,
    "lit_recovery_key.keys_digest": _RECOVERY,
    "lit_recovery_key.canary": _RECOVERY,
    "lit_recovery_key.canary_commitment": _RECOVERY,
    "lit_recovery_key.anchor": _RECOVERY,
    "lit_recovery_key.signature": _RECOVERY,
    "lit_recovery_grant.signature": "the recovery key's word; deleted with its person's wraps",
    "lit_server_secret.wrapped": _RECOVERY,
    "lit_archive_signature.signature": "a signature over the closed study's manifest, under no key",
    "lit_key_chain.record_key": "each former record key stays under the next one's",
    "lit_list.commitment": _LOADER,
    "lit_list.slots_digest": _LOADER,
    "lit_list.signature": _LOADER,
    "lit_list.facts_signature": _LOADER,
    "lit_list_number.digest": "keyed by the first part's opening, whose contents stay",
    "lit_list_part.commitment": _LOADER,
    "lit_list_part.slots_digest": _LOADER,
    "lit_list_part.signature": _LOADER,
    "lit_list_part.facts_signature": _LOADER,
    "lit_list_part.seed_wrap": "wrapped to the part's maker alone",
    "lit_list.seed_wrap": "wrapped to the list's maker alone",
    "lit_list_seal.slots_digest": "made anew by whoever rotates",
    "lit_list_seal.signature": "made anew by whoever rotates",
    "lit_dummy_confirmation.commitment": "a copy of the list's commitment, which stays",
    "lit_slot.slot_key": _RENEWED,
    "lit_slot.envelope": _RENEWED,
    "lit_break_enrolment.signature": "made anew for every remaining investigator",
    "lit_break_share.wrapped_half": "halves of the slots' new keys",
    "lit_break_share.kept_half": "halves of the slots' new keys",
    "lit_break_share.signature": "halves of the slots' new keys",
    "lit_drill.content": _DRILL,
    "lit_drill.wrapped_half": _DRILL,
    "lit_drill.kept_half": _DRILL,
    "lit_drill.signature": _DRILL,
    "lit_inbox.record": "sealed to the inbox key of its time, which its record key opens",
    "lit_session.keys": "deleted: a rotation locks every room",
    "lit_audit_head.frontier": _TRAIL,
    "lit_audit_entry.body": _TRAIL,
    "lit_audit_entry.leaf": _TRAIL,
}


def lock(act: Act, sealed: Sequence[Sealed] = RESEALED) -> None:
    """Wait for whoever is changing one of the rows, in the order that acts at work lock them."""
    for table in dict.fromkeys(one.table for one in sealed):
        act.uow.session.scalars(_rows(act, table).with_for_update()).all()


def reseal(act: Act, old: Keys, new: Keys, sealed: Sequence[Sealed] = RESEALED) -> None:
    """Seal every column of the list anew for the act's study, read it back and compare.

    `CannotOpen` for one that the old keys do not open, `NotProved` for one that differs.
    """
    for one in sealed:
        before = {}
        for row in _read(act, one.table):
            before[_key(row)] = plain = _opened(one, row, old)
            context = one.context(row, new.version)
            salt = act.surroundings.random_bytes(f"lit renewed {one.name}", 32)
            setattr(row, one.column, seal(_under(one, new), plain, one.size, context, salt))
            if one.version:
                setattr(row, one.version, new.version)
        act.uow.session.flush()
        for row in _read(act, one.table):
            if not compare_digest(before[_key(row)], _opened(one, row, new)):
                raise NotProved


def _opened(one: Sealed, row: Any, keys: Keys) -> bytes:
    context = one.context(row, keys.version)
    return open_sealed(_under(one, keys), getattr(row, one.column), one.size, context)


def _under(one: Sealed, keys: Keys) -> bytes:
    return keys.list_key if one.under == "list" else keys.record_key


def _read(act: Act, table: type[Any]) -> Sequence[Any]:
    return act.uow.session.scalars(
        _rows(act, table).execution_options(populate_existing=True)
    ).all()


def _rows(act: Act, table: type[Any]) -> sa.Select[Any]:
    keys = sa.inspect(table).primary_key
    return sa.select(table).where(table.study_id == act.in_study.id).order_by(*keys)


def _key(row: Any) -> tuple[Any, ...]:
    return tuple(sa.inspect(row).identity)
