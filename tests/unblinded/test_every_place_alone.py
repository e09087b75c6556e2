"""Each sealed thing opens in its own place and as it is, and in no other way (K2, K3; H2, H3)."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest

from pharmacy.crypto import aead
from pharmacy.crypto.errors import CannotOpen
from pharmacy.unblinded import contexts
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import KeyedChance
from tests.unblinded.renewal_acts import all_rooms, rotate
from tests.unblinded.sealed_things import Sealed, sealed_things

KINDS = {"slot key": 12, "envelope": 12, "kept half": 12, "own half": 12, "key wrap": 7}


def _study(url: str, seed: str = "world") -> LitStudy:
    study = open_study(url, chance=KeyedChance(seed))
    study.enrol_breaker()
    return study


def misplaced(things: list[Sealed]) -> list[str]:
    """The kinds of which something opens in another's place, with that one's key or with its own.

    A key that opens what it is meant for goes with it, since a thief moves both.
    """
    return sorted(
        {
            one.kind
            for one, other in permutations(things, 2)
            if one.kind == other.kind
            and (other.opens(one.blob, other.key) or other.opens(one.blob, one.key))
        }
    )


def test_nothing_opens_in_another_slots_persons_studys_or_versions_place(
    new_sqlite_url: Callable[[], str],
) -> None:
    """K2: all pairs, of two studies and of two versions of one of them."""
    study, other = (_study(new_sqlite_url(), seed) for seed in ("one", "other"))
    all_rooms(study)
    things = sealed_things(study)
    assert {one.kind: sum(two.kind == one.kind for two in things) for one in things} == {
        **KINDS,
        "private record": 5,
    }
    rotate(study)
    things = [*things, *sealed_things(study)]
    others = sealed_things(other)
    assert all(one.opens(one.blob, one.key) for one in (*things, *others))
    # The same people with the same keys are in both versions; their records stay what they are.
    once = [one for one in things if one.kind != "private record"]
    assert misplaced([*once, *others]) == []


_DROPPED: dict[str, Callable[..., tuple[object, ...]]] = {
    "slot_key": lambda study, version, stratum, _number: (study, version, stratum, 0),
    "envelope": lambda study, version, stratum, _number: (study, version, stratum, 0),
    "break_half": lambda which, study, version, stratum, _number, person: (
        which, study, version, stratum, 0, person,
    ),
    "key_wrap": lambda study, version, _name, person, public: (study, version, "", person, public),
}  # fmt: skip
_FOUND = {
    "slot_key": ["slot key"],
    "envelope": ["envelope"],
    "break_half": ["kept half", "own half"],
    "key_wrap": ["key wrap"],
}


@pytest.mark.parametrize("name", _DROPPED)
def test_control_a_place_that_is_left_out_is_found(
    name: str, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plant of K2: a context without the slot, or without the name of the key."""
    real = getattr(contexts, name)
    monkeypatch.setattr(contexts, name, lambda *said: real(*_DROPPED[name](*said)))
    assert misplaced(sealed_things(_study(sqlite_url))) == _FOUND[name]


def unnoticed(things: list[Sealed]) -> list[tuple[str, int]]:
    """Kinds and places of the bytes that can be changed unnoticed; one error text for all else."""
    found, said = set(), set()
    for one in things:
        for at in range(len(one.blob)):
            changed = bytearray(one.blob)
            changed[at] ^= 0x01
            try:
                one.way(one.key, bytes(changed), one.where)
            except CannotOpen as error:
                said.add((type(error), str(error), error.__cause__))
            else:
                found.add((one.kind, at))
    assert len(said) == 1
    return sorted(found)


def test_every_changed_byte_of_every_blob_is_refused_alike(sqlite_url: str) -> None:
    """K3: whatever it is and wherever in it, and nobody learns which byte it was."""
    things = sealed_things(_study(sqlite_url))
    # One private record stands for all five: it is 8 kB, and one function makes them.
    own = [one for one in things if one.kind == "private record"]
    assert unnoticed([one for one in things if one not in own[1:]]) == []


def test_control_a_commitment_that_nobody_compares_is_found(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plant of K3: the ciphertext alone is checked."""
    things = [one for one in sealed_things(_study(sqlite_url)) if one.kind == "envelope"][:1]
    monkeypatch.setattr(aead, "compare_digest", lambda *_: True)
    assert unnoticed(things) == [("envelope", at) for at in range(33, 65)]
