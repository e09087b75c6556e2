"""From a passphrase to a key: the floor, the two secrets, one spelling (G5, H5)."""

from __future__ import annotations

import hashlib

import pytest

from pharmacy.crypto.context import context
from pharmacy.crypto.cost import PRODUCTION, DerivationCost
from pharmacy.crypto.deriving import (
    Argon2Deriver,
    Deriver,
    fingerprint_of_secret,
    fold_passphrase,
    passphrase_key,
)
from pharmacy.crypto.errors import WeakParameters
from tests.crypto.material import fixed
from tests.support.cheap_derivation import CheapDeriver

PEPPER = fixed("pepper")
HERE = context("private-record", "person-1", 1)


def test_argon2id_agrees_with_the_reference_implementation():
    """Made by argon2-cffi (the reference C code): t=3, 64 MiB, p=1."""
    derived = Argon2Deriver()("Abacus drop\u2010down  yo-yo zoom ", fixed("argon2 salt", 16))
    assert derived.hex() == "fec0fc91c67966783af4aae58d1e2fa75ea44541f78ab3a384b6f24b042b2cf1"


def test_production_is_the_floor_of_the_design():
    """K14: no row of the database holds the cost of a passphrase, and the code has one alone."""
    assert PRODUCTION.written() == "m=65536,t=3,p=1"
    assert Argon2Deriver().cost is PRODUCTION


@pytest.mark.parametrize(
    ("iterations", "memory_kib", "lanes"),
    [
        (2, 65536, 1),
        (3, 65535, 1),
        (3, 65536, 0),
        (1, 8, 1),
        (1000, 64, 1),
        (17, 65536, 1),
        (3, 1048577, 1),
        (3, 65536, 5),
    ],
)
def test_below_the_floor_and_above_the_ceiling_nothing_is_made(iterations, memory_kib, lanes):
    with pytest.raises(WeakParameters):
        DerivationCost(iterations, memory_kib, lanes)
    with pytest.raises(WeakParameters):
        DerivationCost.read(f"m={memory_kib},t={iterations},p={lanes}")


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "m=65536,t=3",
        "m=65536,t=3,p=1,",
        "m=+65536,t=3,p=1",
        "m=065536,t=3,p=1",
        "t=3,m=65536,p=1",
        "m=65536,t=3,p=1\n",
        "m=\u0666\u0665\u0665\u0663\u0666,t=3,p=1",
    ],
)
def test_unreadable_stored_parameters_are_refused(stored):
    with pytest.raises(WeakParameters):
        DerivationCost.read(stored)


def test_stronger_stored_parameters_are_kept():
    stronger = DerivationCost(4, 131072, 2)
    assert DerivationCost.read(stronger.written()) == stronger


@pytest.mark.parametrize("deriver", [Argon2Deriver(), CheapDeriver()])
def test_both_derivers_fold_alike(deriver: Deriver):
    salt = fixed("salt", 16)
    first = deriver("yo-yo abacus", salt)
    assert len(first) == 32
    assert first == deriver(" Yo\u2013yo   ABACUS\n", salt)
    assert first != deriver("yo-yo zoom", salt)
    assert first != deriver("yo-yo abacus", fixed("another", 16))


@pytest.mark.parametrize("salt", [b"", bytes(15)])
def test_short_salt_is_refused(salt):
    with pytest.raises(ValueError, match="at least 16 bytes"):
        Argon2Deriver()("abacus zoom", salt)


@pytest.mark.parametrize("typed", ["", "   ", "-", "x" * 1025])
def test_empty_and_huge_passphrases_are_refused(typed):
    with pytest.raises(ValueError, match=r"empty|too long") as refused:
        fold_passphrase(typed)
    assert "xxx" not in str(refused.value)


@pytest.mark.parametrize(
    ("typed", "folded"),
    [
        ("Abacus Zoom", "abacus zoom"),
        ("  abacus\t\u00a0zoom\u2003", "abacus zoom"),
        ("\uff41\uff42\uff41\uff43\uff55\uff53", "abacus"),
        ("T\u2011shirt", "t shirt"),
        ("abacus\u2014zoom", "abacus zoom"),
    ],
)
def test_folding(typed, folded):
    assert fold_passphrase(typed) == folded == fold_passphrase(folded)


def test_key_needs_both_secrets():
    """H5: a copy of the database, or the configuration, is not enough."""
    derived = fixed("derived")
    key = passphrase_key(derived, PEPPER, HERE)
    assert len(key) == 32
    others = {
        passphrase_key(fixed("another"), PEPPER, HERE),
        passphrase_key(derived, fixed("another pepper"), HERE),
        passphrase_key(derived, PEPPER, context("private-record", "person-2", 1)),
        passphrase_key(derived, PEPPER, context("private-record", "person-1", 2)),
        derived,
        PEPPER,
    }
    assert len(others) == 6
    assert key not in others


def test_pepper_is_not_optional():
    for pepper in (b"", bytes(31)):
        with pytest.raises(ValueError, match="32 bytes"):
            passphrase_key(fixed("derived"), pepper, HERE)
    with pytest.raises(ValueError, match="32 bytes"):
        passphrase_key(b"short", PEPPER, HERE)


def test_wrong_pepper_has_another_fingerprint_and_none_is_revealed():
    mark = fingerprint_of_secret(PEPPER, "pepper")
    assert len(mark) == 16
    assert mark == fingerprint_of_secret(PEPPER, "pepper")
    assert mark != fingerprint_of_secret(fixed("another pepper"), "pepper")
    assert mark != fingerprint_of_secret(PEPPER, "break-key")
    assert mark != hashlib.sha256(PEPPER).digest()[:16]
    assert mark not in PEPPER
    with pytest.raises(ValueError, match="32 bytes"):
        fingerprint_of_secret(b"guessable", "pepper")
