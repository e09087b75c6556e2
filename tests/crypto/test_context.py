"""Contexts are injective: what is bound to one place never fits another (H3)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.crypto.context import context

PARTS = st.lists(st.one_of(st.text(), st.binary(), st.integers()), max_size=5)


@given(st.text(min_size=1), PARTS, st.text(min_size=1), PARTS)
def test_equal_bytes_only_for_equal_parts(purpose, parts, other_purpose, other_parts):
    typed = [(type(part), part) for part in [purpose, *parts]]
    other_typed = [(type(part), part) for part in [other_purpose, *other_parts]]
    same = context(purpose, *parts) == context(other_purpose, *other_parts)
    assert same == (typed == other_typed)


def test_moved_borders_and_types_differ():
    spellings = [
        context("p", "ab", "c"),
        context("p", "a", "bc"),
        context("p", "abc"),
        context("p", b"abc"),
        context("pa", "bc"),
        context("p", "1"),
        context("p", b"1"),
        context("p", 1),
        context("p", -1),
        context("p", "abc", ""),
        context("p"),
    ]
    assert len(set(spellings)) == len(spellings)


def test_joining_without_lengths_would_have_collided():
    """The planted fault: plain joining gives equal bytes for different slots."""
    assert "".join(("slot", "1", "12")) == "".join(("slot", "11", "2"))
    assert context("slot", "1", "12") != context("slot", "11", "2")


def test_written_form_is_fixed():
    assert context("slot", b"\x00", -7) == b"t\0\0\0\x04slot" + b"b\0\0\0\x01\0" + b"n\0\0\0\x02-7"


@pytest.mark.parametrize("part", [True, None, 1.5, ("a",), ["a"]])
def test_other_types_are_refused(part):
    with pytest.raises(TypeError):
        context("purpose", part)


def test_purpose_is_required():
    with pytest.raises(ValueError, match="needs a purpose"):
        context("")
    with pytest.raises(TypeError):
        context(b"purpose")
