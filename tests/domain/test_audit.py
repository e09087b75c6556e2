"""The audit log's arithmetic: one serialization, RFC 6962 hashes, an append-only frontier (E4)."""

from __future__ import annotations

import datetime
import enum
import hashlib
import json
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.audit import EMPTY_ROOT, Frontier, canonical_bytes, leaf_hash, node_hash

# The leaves and roots that Certificate Transparency implementations share as test vectors.
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def root_by_the_book(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, as it is written: split at the largest power of two below n."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    children = root_by_the_book(leaves[:split]) + root_by_the_book(leaves[split:])
    return hashlib.sha256(b"\x01" + children).digest()


def frontier_of(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf_hash(leaf))
    return frontier


def test_published_roots():
    assert Frontier().root() == EMPTY_ROOT == root_by_the_book([])
    for count, root in enumerate(ROOTS, start=1):
        assert frontier_of(LEAVES[:count]).root().hex() == root


def test_every_size_agrees_with_the_book_and_survives_storage():
    leaves = [b"entry %d" % n for n in range(130)]
    frontier = Frontier()
    for count, leaf in enumerate(leaves, start=1):
        frontier = Frontier.from_bytes(frontier.to_bytes())
        frontier.append(leaf_hash(leaf))
        assert frontier.size == count
        assert frontier.root() == root_by_the_book(leaves[:count])
        assert len(frontier.to_bytes()) == 8 + 32 * count.bit_count()


@given(st.lists(st.binary(max_size=8), min_size=1, max_size=40), st.data())
def test_any_change_of_the_past_changes_the_root(leaves, data):
    """E4: edited, dropped, exchanged or added, the root differs."""
    root = frontier_of(leaves).root()
    at = data.draw(st.integers(0, len(leaves) - 1))
    edited = [*leaves[:at], leaves[at] + b"x", *leaves[at + 1 :]]
    dropped = [*leaves[:at], *leaves[at + 1 :]]
    assert frontier_of(edited).root() != root
    assert frontier_of(dropped).root() != root
    assert frontier_of([*leaves, b""]).root() != root
    exchanged = leaves[at:] + leaves[:at]
    assert (frontier_of(exchanged).root() == root) == (exchanged == leaves)


def test_leaves_and_nodes_cannot_be_confused():
    """The planted fault: without the leading byte, an inner node passes for a leaf."""
    left, right = leaf_hash(b"a"), leaf_hash(b"b")
    assert hashlib.sha256(left + right).digest() == hashlib.sha256(b"" + left + right).digest()
    assert node_hash(left, right) != leaf_hash(left + right)


@pytest.mark.parametrize("leaf", [b"", bytes(31), bytes(33)])
def test_leaf_hash_has_one_length(leaf):
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier().append(leaf)


@pytest.mark.parametrize("cut", [0, 7, 8, 39, 40, 71, 73])
def test_damaged_frontier_is_refused(cut):
    stored = frontier_of(LEAVES[:3]).to_bytes()
    with pytest.raises(ValueError, match="damaged"):
        Frontier.from_bytes((stored + b"\0" * 64)[:cut])
    with pytest.raises(ValueError, match="damaged"):
        Frontier.from_bytes(b"\0" * 7 + b"\x07" + stored[8:])


def test_written_form_is_fixed():
    chicago = ZoneInfo("America/Chicago")
    entry = {
        "when": datetime.datetime(2026, 3, 15, 11, 0, 5, 70, tzinfo=chicago),
        "act": "order signed",
        "volume_ml": Decimal("1250.0"),
        "day": datetime.date(2026, 3, 15),
        "weight_kg": Decimal("1E+2"),
        "who": "Zo\u00eb",
        "old": None,
        "parts": [1, True, {"b": "2", "a": "1"}],
    }
    expected = (
        '{"act":"order signed","day":"2026-03-15","old":null,"parts":[1,true,{"a":"1","b":"2"}],'
        '"volume_ml":"1250.0","weight_kg":"100","when":"2026-03-15T16:00:05.000070Z",'
        '"who":"Zo\u00eb"}'
    )
    assert canonical_bytes(entry) == expected.encode("utf-8")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_order_of_keys_does_not_matter_and_nothing_is_lost(entry):
    turned = dict(reversed(list(entry.items())))
    assert canonical_bytes(entry) == canonical_bytes(turned)
    assert json.loads(canonical_bytes(entry)) == entry


def test_same_instant_in_two_zones_is_one_time():
    instant = datetime.datetime(2026, 11, 1, 6, 30, tzinfo=datetime.UTC)
    local = instant.astimezone(ZoneInfo("America/Chicago"))
    assert canonical_bytes({"when": instant}) == canonical_bytes({"when": local})


def test_enumerations_of_text_are_their_value():
    class Stage(str, enum.Enum):  # noqa: UP042 - the older spelling prints differently
        RELEASED = "released"

    assert canonical_bytes({"stage": Stage.RELEASED}) == b'{"stage":"released"}'


class Opaque:
    def __repr__(self) -> str:
        return "SECRET-ARM"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (1.5, TypeError),
        (float("nan"), TypeError),
        (Decimal("NaN"), ValueError),
        (Decimal("-Infinity"), ValueError),
        (datetime.datetime.fromisoformat("2026-03-15T11:00"), TypeError),
        (datetime.time(11, 0), TypeError),
        (b"bytes", TypeError),
        ({1: "one"}, TypeError),
        ({"a", "b"}, TypeError),
        (Opaque(), TypeError),
        ([{"deep": Opaque()}], TypeError),
    ],
)
def test_unclear_values_are_refused_by_path_and_not_quoted(value, error):
    with pytest.raises(error) as failure:
        canonical_bytes({"stage": value})
    assert "entry.stage" in str(failure.value)
    assert "SECRET-ARM" not in str(failure.value)


def test_entry_is_a_map():
    with pytest.raises(TypeError):
        canonical_bytes([1])
    with pytest.raises(TypeError):
        canonical_bytes({1: "one"})
