"""A seed's stream: the same for ever, apart for every context, and fair below any count."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.crypto.context import context
from pharmacy.crypto.streams import Stream
from tests.support.fairness import is_uniform

SEED = bytes(range(32))


def _by_the_book(seed: bytes, said: bytes, count: int) -> bytes:
    """The docstring of the module once more, with the standard library alone."""
    extracted = hmac.digest(bytes(32), seed, "sha256")
    key = hmac.digest(extracted, context("stream", said) + b"\x01", "sha256")
    blocks = (hmac.digest(key, i.to_bytes(8, "big"), "sha256") for i in range(count // 32 + 1))
    return b"".join(blocks)[:count]


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=20), st.integers(0, 200))
def test_the_stream_is_the_documented_one(seed: bytes, said: bytes, count: int) -> None:
    assert Stream(seed, said).read(count) == _by_the_book(seed, said, count)


def test_a_stream_of_today_is_the_stream_of_then() -> None:
    """A list that was made must be made again years later: these bytes never change."""
    stream = Stream(SEED, b"a list")
    assert stream.read(16).hex() == "5960b5210c947921b0c48897f4d91422"
    assert hashlib.sha256(stream.read(1000)).hexdigest() == (
        "b2d4e1619d563ee57557f65b6d063390f7b471eeffd1f1623a6e6e349344eed2"
    )


@given(st.lists(st.integers(0, 70), max_size=8))
def test_however_it_is_read_it_is_one_stream(counts: list[int]) -> None:
    stream = Stream(SEED, b"")
    assert b"".join(map(stream.read, counts)) == Stream(SEED, b"").read(sum(counts))


def test_every_seed_and_every_context_has_a_stream_of_its_own() -> None:
    others = [(bytes(32), b"a"), (SEED, b"a"), (SEED, b"b"), (SEED, b"")]
    assert len({Stream(*other).read(32) for other in others}) == len(others)


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_has_32_bytes(seed: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Stream(seed, b"")


def test_it_shows_nothing_of_its_key() -> None:
    assert repr(Stream(SEED, b"")) == "<stream>"


@pytest.mark.parametrize("count", [0, -1])
def test_nothing_is_drawn_from_nothing(count: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Stream(SEED, b"").below(count)


@given(st.integers(1, 2**40))
def test_a_number_is_below_its_count(count: int) -> None:
    stream = Stream(SEED, b"")
    assert all(0 <= stream.below(count) < count for _ in range(20))


# 192 leaves a quarter of the values of a byte over; 256 none; 257 needs a second byte.
@pytest.mark.parametrize("count", [3, 6, 192, 256, 257])
def test_every_number_is_equally_likely(count: int) -> None:
    stream = Stream(SEED, b"fair")
    assert is_uniform([stream.below(count) for _ in range(count * 60)], count)


class _Remainder(Stream):
    """The mistake: the remainder of a byte, which favours the first numbers."""

    def below(self, count: int) -> int:
        return self.read(1)[0] % count


class _ShortOfOne(Stream):
    """Another one: the last number is never drawn."""

    def below(self, count: int) -> int:
        return super().below(count - 1)


@pytest.mark.parametrize("kind", [_Remainder, _ShortOfOne])
def test_a_planted_bias_is_found(kind: type[Stream]) -> None:
    stream = kind(SEED, b"fair")
    assert not is_uniform([stream.below(192) for _ in range(192 * 60)], 192)
