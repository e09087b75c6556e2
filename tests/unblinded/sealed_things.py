"""Everything of a study that is sealed or wrapped for the list, each with its key and its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.wrapping import unwrap
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, private_record
from pharmacy.unblinded.private_record import Unlocked
from pharmacy.unblinded.tables import (
    ARM_SIZE,
    KEY_SIZE,
    PRIVATE_RECORD_SIZE,
    BreakShare,
    HolderKeys,
    KeyWrap,
    Slot,
)
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy

Way = Callable[[bytes, bytes, bytes], bytes]


@dataclass(frozen=True, repr=False)
class Sealed:
    """One sealed thing: its bytes, the key that opens it, and the place that it is bound to."""

    kind: str
    blob: bytes
    key: bytes
    where: bytes
    way: Way

    def opens(self, blob: bytes, key: bytes) -> bool:
        """Whether these bytes open in this thing's place with that key."""
        try:
            self.way(key, blob, self.where)
        except CannotOpen:
            return False
        return True


def _aead(size: int, key: bytes, blob: bytes, where: bytes) -> bytes:
    return open_sealed(key, blob, size, where)


_KEY, _ARM, _OWN = (partial(_aead, size) for size in (KEY_SIZE, ARM_SIZE, PRIVATE_RECORD_SIZE))


def unlocked(act: Act, study: LitStudy) -> dict[str, tuple[HolderKeys, Unlocked]]:
    """Everybody who has made keys, by id, unlocked with their own passphrase."""
    ids = {study.trial.ids[who]: words for who, words in study.passphrases.items()}
    rows = act.uow.session.scalars(sa.select(HolderKeys).order_by(HolderKeys.person_id))
    deriver = act.surroundings.deriver
    return {
        row.person_id: (row, private_record.unlock(row, ids[row.person_id], deriver, PEPPER))
        for row in rows
    }


def sealed_things(study: LitStudy) -> list[Sealed]:
    """The list, the halves, the wraps and the private records, as they are now."""
    list_key = study.room("statistician").list_key
    assert list_key is not None
    with study.trial.look("statistician") as act:
        people = unlocked(act, study)
        return [
            *_list(act, list_key),
            *_halves(act, people),
            *_wraps(act, people),
            *(
                Sealed("private record", keys.private_record, own.key, _private(keys), _OWN)
                for keys, own in people.values()
            ),
        ]


def _private(keys: HolderKeys) -> bytes:
    return contexts.private_record(keys.person_id, keys.exchange_public, keys.signing_public)


def _list(act: Act, list_key: bytes) -> Iterator[Sealed]:
    query = sa.select(Slot).where(Slot.study_id == act.in_study.id).order_by(Slot.number)
    for row in act.uow.session.scalars(query):
        place = (row.study_id, row.key_version, row.stratum, row.number)
        where = contexts.slot_key(*place)
        key = open_sealed(list_key, row.slot_key, KEY_SIZE, where)
        yield Sealed("slot key", row.slot_key, list_key, where, _KEY)
        yield Sealed("envelope", row.envelope, key, contexts.envelope(*place), _ARM)


def _halves(act: Act, people: dict[str, tuple[HolderKeys, Unlocked]]) -> Iterator[Sealed]:
    query = sa.select(BreakShare).where(BreakShare.study_id == act.in_study.id)
    for row in act.uow.session.scalars(query.order_by(BreakShare.number)):
        place = (row.study_id, row.key_version, row.stratum, row.number)
        kept, own = (contexts.break_half(which, *place, row.person_id) for which in ("kept", "own"))
        private = people[row.person_id][1].record.exchange_private
        yield Sealed("kept half", row.kept_half, BREAK_KEY, kept, _KEY)
        yield Sealed("own half", row.wrapped_half, private, own, unwrap)


def _wraps(act: Act, people: dict[str, tuple[HolderKeys, Unlocked]]) -> Iterator[Sealed]:
    query = sa.select(KeyWrap).where(KeyWrap.study_id == act.in_study.id)
    for row in act.uow.session.scalars(query.order_by(KeyWrap.recipient, KeyWrap.key_name)):
        if row.recipient not in people:
            continue
        keys, own = people[row.recipient]
        said = (row.study_id, row.version, row.key_name, row.recipient, keys.exchange_public)
        where, private = contexts.key_wrap(*said), own.record.exchange_private
        yield Sealed("key wrap", row.wrapped, private, where, unwrap)
