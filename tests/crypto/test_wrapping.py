"""Wrapping to one person's key: read by a second implementation, bound, and fail-closed (H5)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pharmacy.crypto import wrapping
from pharmacy.crypto.context import context
from pharmacy.crypto.errors import BadPublicKey, CannotOpen, TooLong
from pharmacy.crypto.wrapping import (
    WRAPPED_LENGTH,
    key_pair,
    unwrap,
    unwrap_record,
    wrap,
    wrap_record,
    wrapped_record_length,
)
from tests.crypto import hpke_by_the_book as book
from tests.crypto.material import fixed

PRIVATE, PUBLIC = key_pair(fixed("pharmacist"))
OTHER_PRIVATE, OTHER_PUBLIC = key_pair(fixed("statistician"))
LIST_KEY = fixed("list key")
HERE = context("list-key", "study-1", 1, "pharmacist", PUBLIC)
PRIME = 2**255 - 19

LOW_ORDER = [
    (0).to_bytes(32, "little"),
    (1).to_bytes(32, "little"),
    (PRIME - 1).to_bytes(32, "little"),
    bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
    bytes.fromhex("5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"),
]
NOT_CANONICAL = [
    PRIME.to_bytes(32, "little"),
    (PRIME + 1).to_bytes(32, "little"),
    (PRIME + 9).to_bytes(32, "little"),
    bytes([*PUBLIC[:31], PUBLIC[31] | 0x80]),
    b"\xff" * 32,
]


def test_key_pair_is_x25519():
    """RFC 7748, 6.1."""
    private = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
    public = bytes.fromhex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    assert key_pair(private) == (private, public)


def test_second_implementation_is_right():
    """RFC 9180, A.1.1: the reading of the standard that the next test relies on."""
    private = bytes.fromhex("4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8")
    encapsulated = bytes.fromhex("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431")
    info = bytes.fromhex("4f6465206f6e2061204772656369616e2055726e")
    secret = book.shared_secret(private, encapsulated)
    key, nonce = book.key_and_nonce(secret, info, book.AES_128_GCM)
    assert secret.hex() == "fe0e18c9f024ce43799ae393c7e8fe8fce9d218875e8227b0187c04e7d2ea1fc"
    assert key.hex() == "4531685d41d65f03dc48f6b8302c05b0"
    assert nonce.hex() == "56d890e5accaaf011cff4b7d"
    sealed = bytes.fromhex(
        "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a"
    )
    plaintext = AESGCM(key).decrypt(nonce, sealed, b"Count-0")
    assert plaintext == b"Beauty is truth, truth beauty"


def test_second_implementation_reads_what_is_wrapped():
    assert book.open_first(PRIVATE, wrap(PUBLIC, LIST_KEY, HERE), HERE) == LIST_KEY


def test_wrapped_key_comes_back_at_one_length_and_never_equal():
    wrapped = [wrap(PUBLIC, LIST_KEY, HERE) for _ in range(20)]
    assert {len(one) for one in wrapped} == {WRAPPED_LENGTH} == {80}
    assert len(set(wrapped)) == len({one[:32] for one in wrapped}) == 20
    assert all(unwrap(PRIVATE, one, HERE) == LIST_KEY for one in wrapped)


def test_every_changed_byte_is_the_same_error():
    """K3."""
    wrapped = wrap(PUBLIC, LIST_KEY, HERE)
    for at in range(len(wrapped)):
        changed = bytearray(wrapped)
        changed[at] ^= 0x40
        with pytest.raises(CannotOpen, match=r"^This sealed record cannot be opened\.$"):
            unwrap(PRIVATE, bytes(changed), HERE)


@pytest.mark.parametrize("cut", [0, 1, 31, 32, 47, 48, 79])
def test_shortened_is_the_same_error(cut):
    with pytest.raises(CannotOpen):
        unwrap(PRIVATE, wrap(PUBLIC, LIST_KEY, HERE)[:cut], HERE)


def test_length_is_checked_before_anything_is_decrypted(monkeypatch):
    class MustNotRun:
        @staticmethod
        def decrypt(*_: object, **__: object) -> None:
            raise AssertionError("decrypted before the length was checked")

    monkeypatch.setattr(wrapping, "_SUITE", MustNotRun)
    with pytest.raises(CannotOpen):
        unwrap(PRIVATE, bytes(47), HERE)
    with pytest.raises(AssertionError):
        unwrap(PRIVATE, bytes(48), HERE)


def test_lengthened_is_the_same_error():
    with pytest.raises(CannotOpen):
        unwrap(PRIVATE, wrap(PUBLIC, LIST_KEY, HERE) + b"\x00", HERE)


@pytest.mark.parametrize(
    "where",
    [
        b"",
        context("list-key", "study-2", 1, "pharmacist", PUBLIC),
        context("list-key", "study-1", 2, "pharmacist", PUBLIC),
        context("record-key", "study-1", 1, "pharmacist", PUBLIC),
        context("list-key", "study-1", 1, "pharmacist", OTHER_PUBLIC),
    ],
)
def test_another_study_version_purpose_or_person_does_not_open(where):
    """K2."""
    with pytest.raises(CannotOpen):
        unwrap(PRIVATE, wrap(PUBLIC, LIST_KEY, HERE), where)


@pytest.mark.parametrize("private", [OTHER_PRIVATE, PRIVATE[:31], b"", bytes(32)])
def test_wrong_private_key_is_the_same_error(private):
    with pytest.raises(CannotOpen):
        unwrap(private, wrap(PUBLIC, LIST_KEY, HERE), HERE)


@pytest.mark.parametrize("public", [*LOW_ORDER, *NOT_CANONICAL, b"", PUBLIC[:31], PUBLIC + b"\0"])
def test_bad_public_keys_are_refused(public):
    with pytest.raises(BadPublicKey):
        wrap(public, LIST_KEY, HERE)


@pytest.mark.parametrize("point", LOW_ORDER)
def test_low_order_encapsulation_does_not_open(point):
    with pytest.raises(CannotOpen):
        unwrap(PRIVATE, point + wrap(PUBLIC, LIST_KEY, HERE)[32:], HERE)


def test_inbox_records_have_one_size():
    """K4: every infusion writes one inbox record, empty or not: they must look alike (H4)."""
    for plaintext in (b"", b"clear", b"\x80\x00", bytes(255)):
        blob = wrap_record(PUBLIC, plaintext, 256, HERE)
        assert len(blob) == wrapped_record_length(256) == 304
        assert unwrap_record(PRIVATE, blob, 256, HERE) == plaintext
    with pytest.raises(TooLong):
        wrap_record(PUBLIC, bytes(256), 256, HERE)


def test_inbox_record_of_another_size_does_not_open():
    blob = wrap_record(PUBLIC, b"clear", 256, HERE)
    for size in (255, 257):
        with pytest.raises(CannotOpen):
            unwrap_record(PRIVATE, blob, size, HERE)
    unpadded = wrap(PUBLIC, bytes(256), HERE)
    with pytest.raises(CannotOpen):
        unwrap_record(PRIVATE, unpadded, 256, HERE)


@pytest.mark.parametrize("length", [0, 31, 33])
def test_seed_has_one_length(length):
    with pytest.raises(ValueError, match="must be 32 bytes"):
        key_pair(bytes(length))
