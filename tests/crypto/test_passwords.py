"""Stored passwords: Argon2id, PHC strings, the floor, the list of common ones (G1, G3, G5)."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

import pharmacy
from pharmacy.crypto import passwords
from pharmacy.crypto.cost import DerivationCost
from pharmacy.crypto.errors import WeakParameters
from pharmacy.crypto.passwords import Argon2Hasher, PasswordHasher, common_passwords
from tests.crypto.material import fixed
from tests.support.cheap_derivation import CheapHasher

SALT = fixed("argon2 salt", 16)
PASSWORD = "long enough pass phrase \ufb01"
# Made by argon2-cffi (the reference C code) over the NFKC form.
REFERENCE = (
    "$argon2id$v=19$m=65536,t=3,p=1$xDd1tENz71CEMCS1Tbzkgg$"
    "vJYggPAJKbsp0ZKWVUEVvEK8UrzQ8FqwmiJem2L/n9Q"
)


def test_agrees_with_the_reference_implementation():
    assert Argon2Hasher().hash(PASSWORD, SALT) == REFERENCE
    assert Argon2Hasher().verify(REFERENCE, "long enough pass phrase fi") is True


@pytest.mark.parametrize("hasher", [Argon2Hasher(), CheapHasher()])
def test_both_hashers_keep_the_promise(hasher: PasswordHasher):
    stored = hasher.hash(PASSWORD, SALT)
    assert hasher.verify(stored, PASSWORD)
    assert hasher.verify(stored, "long enough pass phrase fi")
    assert not hasher.verify(stored, PASSWORD + " ")
    assert not hasher.verify(stored, PASSWORD.upper())
    assert stored != hasher.hash(PASSWORD, fixed("another", 16))
    assert not hasher.needs_rehash(stored)
    assert "long enough" not in stored
    with pytest.raises(ValueError, match="must be 16 bytes"):
        hasher.hash(PASSWORD, SALT[:15])


def test_long_passwords_are_not_cut():
    """G1: two passwords that differ in the last of 256 characters are two passwords."""
    one, other = "a" * 255 + "b", "a" * 255 + "c"
    assert not Argon2Hasher().verify(Argon2Hasher().hash(one, SALT), other)


def test_hash_below_the_floor_is_no_hash_of_ours():
    """K14: a row with a cheap hash, correct as it is, signs nobody in."""
    cheap = Argon2id(salt=SALT, length=32, iterations=1, lanes=1, memory_cost=8)
    planted = cheap.derive_phc_encoded(b"planted by a thief")
    Argon2id.verify_phc_encoded(b"planted by a thief", planted)
    assert Argon2Hasher().verify(planted, "planted by a thief") is False
    assert Argon2Hasher().needs_rehash(planted)
    with pytest.raises(WeakParameters):
        Argon2Hasher(DerivationCost(1, 8, 1))


def test_control_a_floor_that_nobody_asks_for_lets_the_planted_row_in(monkeypatch):
    """The plant of K14: what the row says of its own cost is believed."""
    monkeypatch.setattr(DerivationCost, "__post_init__", lambda _: None)
    cheap = Argon2id(salt=SALT, length=32, iterations=1, lanes=1, memory_cost=8)
    planted = cheap.derive_phc_encoded(b"planted by a thief")
    assert Argon2Hasher().verify(planted, "planted by a thief") is True


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "junk",
        REFERENCE[:-1],
        REFERENCE + "\n",
        REFERENCE.replace("argon2id", "argon2i"),
        REFERENCE.replace("m=65536", "m=4194304"),
        REFERENCE.replace("m=65536", "m=99999999999"),
        REFERENCE.replace("v=19", "v=16"),
        CheapHasher().hash(PASSWORD, SALT),
    ],
)
def test_damaged_hash_is_false_at_once(stored, monkeypatch):
    """At once: a planted row cannot make the server use gigabytes."""

    class MustNotRun:
        @staticmethod
        def verify_phc_encoded(*_: object) -> None:
            raise AssertionError("derived for a string that is no hash of ours")

    monkeypatch.setattr(passwords, "Argon2id", MustNotRun)
    assert Argon2Hasher().verify(stored, PASSWORD) is False
    with pytest.raises(AssertionError):
        Argon2Hasher().verify(REFERENCE, PASSWORD)


def test_cost_is_renewed_after_a_raise():
    dearer = Argon2Hasher(DerivationCost(4, 65536, 1))
    assert dearer.needs_rehash(REFERENCE)
    assert dearer.verify(REFERENCE, PASSWORD)


def test_common_list_is_the_noted_one():
    folder = Path(passwords.__file__).parent
    content = (folder / "common_passwords.txt").read_bytes()
    assert hashlib.sha256(content).hexdigest() in (folder / "common_passwords.md").read_text()
    assert {"password", "1234567890qwertyuiop"} <= common_passwords()
    assert all(len(one) >= 8 and one == one.lower() for one in common_passwords())


def test_cheap_derivation_exists_only_under_tests():
    sources = Path(pharmacy.__file__).parent.rglob("*.py")
    assert not [path for path in sources if "cheap" in path.read_text("utf-8").lower()]
