"""Ed25519 signatures, bound to what they are for (F2)."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pharmacy.crypto.context import context
from pharmacy.crypto.signing import SIGNATURE_LENGTH, sign, signing_key_pair, verify
from tests.crypto.material import fixed

PRIVATE, PUBLIC = signing_key_pair(fixed("statistician signs"))
HERE = context("list-load", "study-1", 1)
MESSAGE = fixed("commitment")
PRIME = 2**255 - 19


def test_key_pair_is_ed25519():
    """RFC 8032, 7.1, test 1."""
    private = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert signing_key_pair(private) == (private, public)


def test_another_implementation_can_verify():
    """The documented bytes: the signature is plain Ed25519 over context and message."""
    signature = sign(PRIVATE, HERE, MESSAGE)
    signed = context("signature", HERE, MESSAGE)
    Ed25519PublicKey.from_public_bytes(PUBLIC).verify(signature, signed)
    assert len(signature) == SIGNATURE_LENGTH == 64
    assert sign(PRIVATE, HERE, MESSAGE) == signature
    assert verify(PUBLIC, HERE, MESSAGE, signature) is True


def test_every_changed_byte_is_noticed():
    signature = sign(PRIVATE, HERE, MESSAGE)
    whole = [PUBLIC, HERE, MESSAGE, signature]
    for part, value in enumerate(whole):
        for at in range(len(value)):
            changed = list(whole)
            changed[part] = value[:at] + bytes([value[at] ^ 0x20]) + value[at + 1 :]
            assert verify(*changed) is False


def test_signature_for_one_purpose_is_none_for_another():
    """F2: the same bytes signed for a checkpoint are no signature for a list."""
    signature = sign(PRIVATE, context("checkpoint", "study-1", 1), MESSAGE)
    assert verify(PUBLIC, HERE, MESSAGE, signature) is False


def test_border_between_context_and_message_cannot_move():
    signature = sign(PRIVATE, b"ab", b"c")
    assert verify(PUBLIC, b"ab", b"c", signature)
    assert verify(PUBLIC, b"a", b"bc", signature) is False


def test_signature_without_context_is_refused():
    bare = Ed25519PrivateKey.from_private_bytes(PRIVATE).sign(MESSAGE)
    assert verify(PUBLIC, HERE, MESSAGE, bare) is False
    assert verify(PUBLIC, b"", MESSAGE, bare) is False


@pytest.mark.parametrize("signature", [b"", bytes(63), bytes(65), bytes(64)])
def test_malformed_signature_is_false(signature):
    assert verify(PUBLIC, HERE, MESSAGE, signature) is False


@pytest.mark.parametrize("public", [b"", PUBLIC[:31], PUBLIC + b"\0", b"\xff" * 32])
def test_malformed_public_key_is_false(public):
    assert verify(public, HERE, MESSAGE, sign(PRIVATE, HERE, MESSAGE)) is False


ORDER_8 = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"
OTHER_ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
SMALL_ORDER = [
    bytes.fromhex(ORDER_8),
    bytes.fromhex(OTHER_ORDER_8),
    *(number.to_bytes(32, "little") for number in (0, 1, PRIME - 1, PRIME, PRIME + 1)),
]


@pytest.mark.parametrize("public", SMALL_ORDER)
@pytest.mark.parametrize("sign_bit", [0, 0x80])
def test_small_order_keys_verify_nothing(public, sign_bit):
    """Under such a key the library itself accepts a signature made without any private key."""
    public = public[:31] + bytes([public[31] | sign_bit])
    forged = (1).to_bytes(32, "little") + bytes(32)
    assert not any(verify(public, HERE, bytes([n]), forged) for n in range(64))


def test_library_alone_would_accept_a_small_order_key():
    """The planted fault behind the test above."""
    identity, forged = (1).to_bytes(32, "little"), (1).to_bytes(32, "little") + bytes(32)
    Ed25519PublicKey.from_public_bytes(identity).verify(forged, b"anything at all")


@pytest.mark.parametrize("length", [0, 31, 33])
def test_wrong_lengths_of_private_material_are_refused(length):
    with pytest.raises(ValueError, match="must be 32 bytes"):
        signing_key_pair(bytes(length))
    with pytest.raises(ValueError, match="must be 32 bytes"):
        sign(bytes(length), HERE, MESSAGE)
