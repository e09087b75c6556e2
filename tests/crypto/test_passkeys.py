"""Passkeys as bytes: what holds, and everything that must not (G7)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharmacy.crypto.passkeys import Passkeys
from tests.support.soft_passkey import HOST, ORIGIN, SoftPasskey

HERE = Passkeys(HOST, ORIGIN)
CHALLENGE, OTHER = bytes(range(32)), bytes(range(1, 33))
TO_MAKE = HERE.to_make(CHALLENGE, "a" * 32, "tom.test", "Tom Lang", [])
TO_SHOW = HERE.to_show(CHALLENGE, [])


def made(device: SoftPasskey):
    found = HERE.made(device.make(TO_MAKE), CHALLENGE)
    assert found is not None
    return found


def test_a_passkey_is_made_and_shown() -> None:
    """G7: the browser's answers as they are published; the counter comes back."""
    device = SoftPasskey(counter=4)
    found = made(device)
    assert (found.credential_id, found.counter) == (device.credential, 4)
    answer = device.show(TO_SHOW)
    assert HERE.named(answer) == device.credential
    assert HERE.shown(answer, CHALLENGE, found.public_key) == 5


WRONGS = [{"origin": "http://localhost:8001"}, {"origin": "https://evil.example"},
          {"host": "evil.example"}, {"verified": False}]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONGS)
def test_another_origin_or_name_and_an_unchecked_person_are_refused(
    wrong: dict[str, object],
) -> None:
    """Wrong origin, wrong relying party, no user verification: at making and at showing."""
    device = SoftPasskey()
    key = made(device).public_key
    assert HERE.made(device.make(TO_MAKE, **wrong), CHALLENGE) is None
    assert HERE.shown(device.show(TO_SHOW, **wrong), CHALLENGE, key) is None
    assert HERE.shown(device.show(TO_SHOW), CHALLENGE, key) is not None


def test_another_challenge_another_key_and_the_other_ceremony_are_refused() -> None:
    """An answer belongs to one challenge, one passkey and one purpose."""
    device = SoftPasskey()
    key, others = made(device).public_key, made(SoftPasskey("other")).public_key
    answer, making = device.show(TO_SHOW), device.make(TO_MAKE)
    assert HERE.shown(answer, OTHER, key) is None
    assert HERE.shown(answer, CHALLENGE, others) is None
    assert HERE.made(making, OTHER) is None
    assert HERE.made(answer, CHALLENGE) is None
    assert HERE.shown(making, CHALLENGE, key) is None


def test_what_is_asked_of_the_browser() -> None:
    """Made to be found without a name typed, checked by finger, face or PIN, and not twice."""
    known = [b"one", b"two"]
    asked = json.loads(HERE.to_make(CHALLENGE, "a" * 32, "tom.test", "Tom Lang", known))
    assert asked["rp"] == {"name": "Twinbag", "id": HOST}
    assert len(asked["excludeCredentials"]) == 2
    assert {one["alg"] for one in asked["pubKeyCredParams"]} == {-7, -8, -257}
    shown = json.loads(HERE.to_show(CHALLENGE, known))
    assert (shown["rpId"], len(shown["allowCredentials"])) == (HOST, 2)
    assert not json.loads(TO_SHOW).get("allowCredentials")


_WORDS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@settings(max_examples=150, deadline=None)
@given(said=st.text(max_size=200) | _WORDS.map(json.dumps))
def test_what_is_no_answer_is_none(said: str) -> None:
    """G17: whatever is sent instead is neither an error nor a match."""
    assert HERE.made(said, CHALLENGE) is None
    assert HERE.shown(said, CHALLENGE, b"\xa0") is None
    assert isinstance(HERE.named(said), bytes)


# Made once: a signature is another one each time.
DEVICE = SoftPasskey("changed")
KEY, MADE, SHOWN = made(DEVICE).public_key, DEVICE.make(TO_MAKE), DEVICE.show(TO_SHOW)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_changed_answer_is_none(data: st.DataObject) -> None:
    """G17: any part of a right answer replaced, cut or left out."""
    making = data.draw(st.booleans())
    answer = json.loads(MADE if making else SHOWN)
    part = data.draw(st.sampled_from(sorted(answer["response"])))
    said = answer["response"][part]
    at = data.draw(st.integers(0, len(said) - 1))
    other = data.draw(st.sampled_from("AQgw05_-").filter(lambda letter: letter != said[at]))
    changed = data.draw(
        st.sampled_from([said[:at] + other + said[at + 1 :], said[:at], None, 7, {"a": 1}])
    )
    answer["response"][part] = changed
    whole = json.dumps(answer)
    if making:
        found = HERE.made(whole, CHALLENGE)
        # With the attestation `none` nothing covers the public key: it is whatever was sent.
        assert found is None or part == "attestationObject"
    elif len(str(changed)) < len(said) - 1 or at < len(said) - 2:
        assert HERE.shown(whole, CHALLENGE, KEY) is None
    else:  # the last letter of base64 has bits that stand for nothing
        HERE.shown(whole, CHALLENGE, KEY)


def test_a_very_long_answer_is_not_even_read() -> None:
    device = SoftPasskey()
    key = made(device).public_key
    answer = device.show(TO_SHOW)
    padded = answer[:-1] + " " * 40_000 + "}"
    assert json.loads(padded) == json.loads(answer)
    assert HERE.shown(padded, CHALLENGE, key) is None
    assert HERE.made(device.make(TO_MAKE)[:-1] + " " * 40_000 + "}", CHALLENGE) is None
