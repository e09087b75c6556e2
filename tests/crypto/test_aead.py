"""Sealed records: authenticated, bound to their place, one size, never equal (H1 to H4)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pharmacy.crypto import aead
from pharmacy.crypto.aead import open_sealed, seal, sealed_length
from pharmacy.crypto.context import context
from pharmacy.crypto.errors import CannotOpen, TooLong
from pharmacy.crypto.hkdf import hkdf
from tests.crypto.material import fixed

KEY, SALT = fixed("slot key"), fixed("salt")
SLOT_3 = context("arm", "study-1", 1, 3)
SLOT_4 = context("arm", "study-1", 1, 4)
SIZE = 32
SAME_WORDS = r"^This sealed record cannot be opened\.$"


@pytest.fixture
def sealed() -> bytes:
    return seal(KEY, b"one of two", SIZE, SLOT_3, SALT)


def test_opens_what_it_sealed(sealed):
    assert open_sealed(KEY, sealed, SIZE, SLOT_3) == b"one of two"


def test_layout_and_published_lengths(sealed):
    assert sealed[:1] == b"\x01"
    assert sealed[1:33] == SALT
    assert len(sealed) == sealed_length(SIZE) == 113
    assert sealed_length(1024) == 1105


def test_another_implementation_reads_the_format(sealed):
    """The documented derivation, written out again."""
    info = context("sealed-record", b"\x01", SIZE, SLOT_3)
    both = hkdf(KEY, SALT, info, 64)
    assert sealed[33:65] == both[32:]
    padded = AESGCM(both[:32]).decrypt(bytes(12), sealed[65:], SLOT_3)
    assert padded == b"one of two\x80" + bytes(21)


def test_every_changed_byte_is_the_same_error(sealed):
    """K3."""
    failures = set()
    for at in range(len(sealed)):
        for change in (0x01, 0x80, 0xFF):
            changed = bytearray(sealed)
            changed[at] ^= change
            with pytest.raises(CannotOpen) as failure:
                open_sealed(KEY, bytes(changed), SIZE, SLOT_3)
            failures.add((type(failure.value), str(failure.value), failure.value.args))
            assert failure.value.__cause__ is None
    assert failures == {(CannotOpen, CannotOpen.MESSAGE, (CannotOpen.MESSAGE,))}


@pytest.mark.parametrize(
    ("key", "size", "where"),
    [
        (fixed("another key"), SIZE, SLOT_3),
        (KEY[:31], SIZE, SLOT_3),
        (b"", SIZE, SLOT_3),
        (KEY, SIZE, SLOT_4),
        (KEY, SIZE, b""),
        (KEY, SIZE - 1, SLOT_3),
        (KEY, SIZE + 1, SLOT_3),
    ],
)
def test_wrong_key_context_or_size_is_the_same_error(sealed, key, size, where):
    with pytest.raises(CannotOpen, match=SAME_WORDS):
        open_sealed(key, sealed, size, where)


def test_two_slots_cannot_be_swapped(sealed):
    """K2, H3: both ciphertexts are genuine, and still neither opens in the other's place."""
    other = seal(KEY, b"the other", SIZE, SLOT_4, fixed("another salt"))
    for moved, where in ((sealed, SLOT_4), (other, SLOT_3)):
        with pytest.raises(CannotOpen):
            open_sealed(KEY, moved, SIZE, where)


@pytest.mark.parametrize("length", [0, 1, 64, 65, 112, 114, 4096])
def test_length_is_checked_before_anything_is_decrypted(sealed, length, monkeypatch):
    def must_not_run(*_: object) -> bytes:
        raise AssertionError("derived or decrypted before the length was checked")

    monkeypatch.setattr(aead, "hkdf", must_not_run)
    monkeypatch.setattr(aead, "AESGCM", must_not_run)
    with pytest.raises(CannotOpen):
        open_sealed(KEY, (sealed * 40)[:length], SIZE, SLOT_3)
    with pytest.raises(AssertionError):
        open_sealed(KEY, sealed, SIZE, SLOT_3)


def test_every_length_of_plaintext_gives_one_length():
    """K4, H4: sizes say nothing; every plaintext comes back, also those that end in padding."""
    for size in (1, 32, 1024):
        for length in range(size):
            plaintext = (fixed("plain", size) + b"\x80\x00")[:length]
            blob = seal(KEY, plaintext, size, SLOT_3, SALT)
            assert len(blob) == sealed_length(size)
            assert open_sealed(KEY, blob, size, SLOT_3) == plaintext
    for tricky in (b"\x80", b"\x00", b"a\x80\x00\x00", b"\x80\x80", bytes(31)):
        assert open_sealed(KEY, seal(KEY, tricky, 32, SLOT_3, SALT), 32, SLOT_3) == tricky


@pytest.mark.parametrize("length", [32, 33, 5000])
def test_overflow_is_refused_without_quoting(length):
    with pytest.raises(TooLong) as failure:
        seal(KEY, b"S" * length, SIZE, SLOT_3, SALT)
    assert "SS" not in str(failure.value)


def test_equal_plaintexts_give_unequal_ciphertexts():
    """K5, H4: equal arms must not look alike."""
    blobs = [seal(KEY, b"same", SIZE, SLOT_3, fixed(f"salt {n}")) for n in range(200)]
    assert len({blob[65:] for blob in blobs}) == len({blob[33:65] for blob in blobs}) == 200


def test_one_salt_under_two_contexts_is_two_keys(sealed):
    """H2: the zero nonce is used once per key, since the key depends on salt and context."""
    other = seal(KEY, b"one of two", SIZE, SLOT_4, SALT)
    assert other[33:] != sealed[33:]


def test_commitment_binds_the_key(sealed):
    """A forged commitment fails even where the ciphertext itself would decrypt."""
    forged = sealed[:33] + bytes(32) + sealed[65:]
    subkey = hkdf(KEY, SALT, context("sealed-record", b"\x01", SIZE, SLOT_3), 64)[:32]
    assert AESGCM(subkey).decrypt(bytes(12), forged[65:], SLOT_3)
    with pytest.raises(CannotOpen):
        open_sealed(KEY, forged, SIZE, SLOT_3)


def test_commitment_is_compared_in_constant_time(sealed, monkeypatch):
    compared = []

    def spy(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return one == other

    monkeypatch.setattr(aead, "compare_digest", spy)
    open_sealed(KEY, sealed, SIZE, SLOT_3)
    assert compared == [(sealed[33:65], sealed[33:65])]


@pytest.mark.parametrize(("key", "salt"), [(KEY[:16], SALT), (KEY, SALT[:16]), (KEY, SALT + b"x")])
def test_wrong_key_or_salt_length_is_refused_when_sealing(key, salt):
    with pytest.raises(ValueError, match="must be 32 bytes"):
        seal(key, b"", SIZE, SLOT_3, salt)
