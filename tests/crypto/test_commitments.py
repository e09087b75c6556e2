"""Commitments: why a plain hash of a list is the list, and why this one is not (H4)."""

from __future__ import annotations

import hashlib
from itertools import combinations, product

import pytest

from pharmacy.crypto import commitments
from pharmacy.crypto.commitments import commit, halves, join, keyed_digest, proves
from tests.crypto.material import fixed

OPENING = fixed("opening")


def all_lists() -> list[bytes]:
    """Twelve slots in blocks of four, two of each arm in every block."""
    blocks = [
        "".join("A" if at in chosen else "B" for at in range(4))
        for chosen in combinations(range(4), 2)
    ]
    return ["".join(three).encode() for three in product(blocks, repeat=3)]


SECRET_LIST = all_lists()[137]


def test_plain_hash_of_a_list_is_guessed_in_216_tries():
    """The planted fault."""
    published = hashlib.sha256(SECRET_LIST).digest()
    tries = all_lists()
    assert len(tries) == len(set(tries)) == 216
    assert [one for one in tries if hashlib.sha256(one).digest() == published] == [SECRET_LIST]


def test_commitment_is_not_guessable_from_public_data():
    """Everything an attacker may know is tried as the opening; nothing singles out the list."""
    published = commit(OPENING, SECRET_LIST)
    public = [bytes(32), published, hashlib.sha256(published).digest(), fixed("study-1")]
    public += [hashlib.sha256(one).digest() for one in all_lists()]
    hits = [one for opening in public for one in all_lists() if proves(published, opening, one)]
    assert hits == []
    assert published not in {hashlib.sha256(one).digest() for one in all_lists()}


def test_every_list_could_be_behind_a_commitment():
    """Under another opening another list looks just as good: the bytes carry no preference."""
    ones = {commit(fixed(f"opening {n}"), one) for n in range(20) for one in all_lists()}
    assert len(ones) == 20 * 216


def test_commitment_is_proved_by_its_opening_only():
    published = commit(OPENING, SECRET_LIST)
    assert len(published) == 32
    assert proves(published, OPENING, SECRET_LIST)
    assert [one for one in all_lists() if proves(published, OPENING, one)] == [SECRET_LIST]
    assert not proves(published, fixed("another"), SECRET_LIST)
    assert not proves(published[:31], OPENING, SECRET_LIST)
    assert not proves(published, OPENING[:31], SECRET_LIST)
    assert not proves(b"", b"", b"")


@pytest.mark.parametrize("opening", [b"", bytes(31), bytes(33), bytes(64)])
def test_opening_has_one_length(opening):
    """HMAC pads short keys with zeros: a short opening would equal a longer one."""
    with pytest.raises(ValueError, match="32 bytes"):
        commit(opening, SECRET_LIST)


def test_commitment_is_compared_in_constant_time(monkeypatch):
    compared = []
    monkeypatch.setattr(
        commitments, "compare_digest", lambda one, other: compared.append(1) or one == other
    )
    assert proves(commit(OPENING, b"x"), OPENING, b"x")
    assert compared == [1]


def test_keyed_digest_needs_the_key():
    key = fixed("key")
    assert keyed_digest(key, b"card") == keyed_digest(key, b"card")
    assert keyed_digest(key, b"card") != keyed_digest(fixed("other"), b"card")
    assert keyed_digest(key, b"card") != commit(key, b"card")
    with pytest.raises(ValueError, match="32 bytes"):
        keyed_digest(b"short", b"card")


def test_halves_join_in_any_order_and_alone_say_nothing():
    """H8: with the other half unknown, every secret is still possible."""
    secret, chance = fixed("slot key"), fixed("chance")
    one, other = halves(secret, chance)
    assert join(one, other) == join(other, one) == secret
    assert secret not in (one, other)
    for guess in (bytes(32), fixed("any other secret"), secret):
        completing = join(one, guess)
        assert join(one, completing) == guess


@pytest.mark.parametrize("length", [0, 31, 33])
def test_halves_have_the_secret_s_length(length):
    with pytest.raises(ValueError, match="32 bytes"):
        halves(fixed("slot key"), bytes(length))
    with pytest.raises(ValueError, match="32 bytes"):
        join(fixed("half"), bytes(length))
