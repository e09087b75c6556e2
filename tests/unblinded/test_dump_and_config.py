"""K5, K7: the database and the server's settings together open nothing but what the door keeps.

The thief tries everything that is 32 bytes long as every kind of key: each of the server's secrets,
every value of the dump, every plaintext that came out, and each two of them joined as halves are.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import join
from pharmacy.crypto.deriving import passphrase_key
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.wrapping import unwrap
from pharmacy.persistence.base import Base
from pharmacy.services.surroundings import system_random_bytes
from pharmacy.unblinded import contexts
from pharmacy.unblinded.tables import (
    ARM_SIZE,
    KEY_SIZE,
    PRIVATE_RECORD_SIZE,
    BreakShare,
    HolderKeys,
    KeyWrap,
    Slot,
)
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study
from tests.support.world import SECRET_KEY, KeyedChance

CONFIG = (PEPPER, BREAK_KEY, SECRET_KEY)
Opening = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Sealed:
    """One sealed thing, and how a key is tried on it."""

    kind: str
    opens: Opening


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A list of twelve, and an investigator who can break a code."""
    made = open_study(sqlite_url)
    made.enrol_breaker()
    return made


def _of(kind: str, blob: bytes, size: int, where: bytes) -> Sealed:
    return Sealed(kind, lambda key: open_sealed(key, blob, size, where))


def _sealed(study: LitStudy) -> Iterator[Sealed]:
    """The list, the halves, the wraps and the private records."""
    with study.trial.look("pharmacist") as act:
        session = act.uow.session
        for slot in session.scalars(sa.select(Slot)):
            place = (slot.study_id, slot.key_version, slot.stratum, slot.number)
            yield _of("slot key", slot.slot_key, KEY_SIZE, contexts.slot_key(*place))
            yield _of("envelope", slot.envelope, ARM_SIZE, contexts.envelope(*place))
        for row in session.scalars(sa.select(BreakShare)):
            place = (row.study_id, row.key_version, row.stratum, row.number)
            where = contexts.break_half("kept", *place, row.person_id)
            yield _of("kept half", row.kept_half, KEY_SIZE, where)
            yield _wrap(
                "own half", row.wrapped_half, contexts.break_half("own", *place, row.person_id)
            )
        holders = {row.person_id: row for row in session.scalars(sa.select(HolderKeys))}
        for wrap in session.scalars(sa.select(KeyWrap)):
            if wrap.recipient in holders:
                said = (wrap.study_id, wrap.version, wrap.key_name, wrap.recipient)
                public = holders[wrap.recipient].exchange_public
                yield _wrap("key wrap", wrap.wrapped, contexts.key_wrap(*said, public))
        for keys in holders.values():
            yield _private(keys)


def _wrap(kind: str, blob: bytes, where: bytes) -> Sealed:
    return Sealed(kind, lambda key: unwrap(key, blob, where))


def _private(keys: HolderKeys) -> Sealed:
    said = (keys.person_id, keys.exchange_public, keys.signing_public)
    where, blob = contexts.private_record(*said), keys.private_record

    def opens(derived: bytes) -> bytes:
        key = passphrase_key(derived, PEPPER, where)
        return open_sealed(key, blob, PRIVATE_RECORD_SIZE, where)

    return Sealed("private record", opens)


def _found_in(study: LitStudy) -> set[bytes]:
    """Every 32 bytes that stand anywhere in the dump by themselves."""
    with study.trial.engine.connect() as connection:
        rows = [connection.execute(sa.select(table)) for table in Base.metadata.sorted_tables]
        return {
            bytes(value)
            for found in rows
            for row in found
            for value in row
            if isinstance(value, bytes) and len(value) == 32
        }


def surrendered(study: LitStudy, config: tuple[bytes, ...]) -> dict[str, int]:
    """How many of each kind open, with what came out tried as keys again."""
    keys, opened, rest = {*config, *_found_in(study)}, dict[str, int](), list(_sealed(study))
    tried: set[bytes] = set()
    while keys - tried:
        fresh = keys - tried
        tried |= fresh
        still = []
        for sealed in rest:
            out = next((out for key in fresh if (out := _try(sealed, key)) is not None), None)
            if out is None:
                still.append(sealed)
                continue
            opened[sealed.kind] = opened.get(sealed.kind, 0) + 1
            keys |= {out} if len(out) == 32 else set()
        rest = still
    halves = list(itertools.combinations(sorted(tried - _found_in(study)), 2))
    joined = {join(one, other) for one, other in halves}
    for sealed in rest:
        if sealed.kind == "envelope" and any(_try(sealed, key) for key in joined):
            opened["envelope"] = opened.get("envelope", 0) + 1
    return opened


def _try(sealed: Sealed, key: bytes) -> bytes | None:
    try:
        return sealed.opens(key)
    except CannotOpen:
        return None


def test_dump_and_settings_open_the_doors_halves_and_nothing_else(study: LitStudy) -> None:
    """K7: the server's half of each slot's key, which says nothing without the investigator's."""
    assert surrendered(study, CONFIG) == {"kept half": 12}


def test_the_dump_alone_opens_nothing(study: LitStudy) -> None:
    """K6, K7: without the settings not even these."""
    assert surrendered(study, ()) == {}


def test_control_a_list_key_in_the_settings_opens_the_list(study: LitStudy) -> None:
    """The plant of K7: a key-encryption key in the environment surrenders every arm."""
    list_key = study.room("pharmacist").list_key
    assert list_key is not None
    found = surrendered(study, (*CONFIG, list_key))
    assert (found["slot key"], found["envelope"]) == (12, 12)


def test_control_one_investigators_own_halves_open_every_envelope(study: LitStudy) -> None:
    """The other half is all that lacks: with it the thief's joining works."""
    with study.trial.look("pharmacist") as act:
        row = act.uow.session.scalars(sa.select(BreakShare)).first()
        slot = act.uow.session.scalars(sa.select(Slot)).first()
        assert row is not None
        assert slot is not None
    place = (row.study_id, row.key_version, row.stratum, row.number)
    kept = open_sealed(
        BREAK_KEY, row.kept_half, KEY_SIZE, contexts.break_half("kept", *place, row.person_id)
    )
    list_key = study.room("pharmacist").list_key
    assert list_key is not None
    whole = open_sealed(list_key, slot.slot_key, KEY_SIZE, contexts.slot_key(*place))
    assert surrendered(study, (*CONFIG, join(whole, kept)))["envelope"] == 1


def repeated(study: LitStudy) -> int:
    """How many sealed values begin, behind their version, as another one does: by their salt."""
    seen: list[bytes] = []
    with study.trial.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                if column.info.get("sealed"):
                    found = connection.execute(sa.select(column)).scalars()
                    seen += [bytes(value)[1:33] for value in found if value is not None]
    assert len(seen) > 100
    return len(seen) - len(set(seen))


def test_no_two_sealed_values_are_alike(study: LitStudy) -> None:
    """K5: twelve envelopes of two arms, and every other sealed value: no salt occurs twice."""
    assert repeated(study) == 0


class _OneSalt(KeyedChance):
    """Chance that has run dry wherever a salt is drawn."""

    def __call__(self, purpose: str, count: int) -> bytes:
        return bytes(count) if "salt" in purpose else super().__call__(purpose, count)


def test_control_a_salt_that_is_always_the_same_is_found(sqlite_url: str) -> None:
    """The plant of K5."""
    made = open_study(sqlite_url, chance=_OneSalt())
    made.enrol_breaker()
    assert repeated(made) > 30


@pytest.mark.deep
def test_of_a_million_salts_none_occurs_twice() -> None:
    """K5: as production draws them."""
    assert len({system_random_bytes("lit envelope salt", 32) for _ in range(10**6)}) == 10**6
