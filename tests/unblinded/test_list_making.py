"""Lists made from a seed: by the rules, the same for ever, all arrangements alike (C3, C4, C5).

The statistics are Pearson's chi-square with fixed seeds; `tests.support.fairness` states the
thresholds. Each is shown to fail on a planted generator that is not fair.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import product

import pytest

from pharmacy.crypto.streams import Stream
from pharmacy.unblinded.arm import reveal
from pharmacy.unblinded.list_making import made_groups, made_lengths, made_table
from pharmacy.unblinded.list_table import canonical_list_bytes, read_table
from pharmacy.unblinded.rules import ListRules, parse_list_rules
from tests.support.fairness import is_uniform
from tests.unblinded import list_examples as examples
from tests.unblinded.list_examples import with_blocks

MIGHT = parse_list_rules(examples.MIGHT_TOML)
TWO_SITES = parse_list_rules(examples.TWO_SITES_TOML)
MIXED = parse_list_rules(with_blocks("lengths = [2, 4, 6]", rows=60))
TWO_TO_ONE = parse_list_rules(
    with_blocks("lengths = [3, 6]", rows=18).replace("share = 1", "share = 2", 1)
)
FIXED_ORDER = parse_list_rules(with_blocks("lengths = [2, 4, 6]\norder = [6, 2, 4]"))
ONE_BLOCK = parse_list_rules(
    examples.WITHOUT_BLOCKS_TOML.replace("exact_ratio = false", "exact_ratio = true")
)
BY_CHANCE = parse_list_rules(examples.WITHOUT_BLOCKS_TOML.replace("share = 1", "share = 2", 1))
THREE_ARMS = parse_list_rules(
    with_blocks("lengths = [3, 6]", rows=6).replace(
        "[blocks]",
        '[[arms]]\narm = "third"\ngroup = "3"\nshare = 1\nproduct = "other"\n[blocks]',
    )
)
EVERY_KIND = {
    "might": MIGHT,
    "two sites": TWO_SITES,
    "mixed lengths": MIXED,
    "two to one": TWO_TO_ONE,
    "fixed order": FIXED_ORDER,
    "one block": ONE_BLOCK,
    "by chance": BY_CHANCE,
    "three arms": THREE_ARMS,
}
LISTS = 2_000


def _seed(number: int) -> bytes:
    return hashlib.sha256(b"list %d" % number).digest()


def _streams(count: int = LISTS) -> Iterator[Stream]:
    return (Stream(_seed(number), b"test") for number in range(count))


def _blocks(rules: ListRules) -> list[tuple[str, ...]]:
    """For each of many lists the blocks of four of its only stratum."""
    made = ("".join(made_groups(stream, rules)) for stream in _streams())
    return [tuple(groups[at : at + 4] for at in range(0, len(groups), 4)) for groups in made]


@pytest.mark.parametrize("rules", EVERY_KIND.values(), ids=EVERY_KIND)
def test_what_is_made_follows_its_rules(rules: ListRules) -> None:
    """Read back as a stranger's file would be; reading refuses what breaks a rule."""
    for number in range(40):
        found = read_table(made_table(_seed(number), rules), rules)
        assert len(found.rows) == rules.maximum_rows


@pytest.mark.parametrize("rules", EVERY_KIND.values(), ids=EVERY_KIND)
def test_a_seed_gives_one_list_and_another_seed_another(rules: ListRules) -> None:
    assert made_table(_seed(1), rules) == made_table(_seed(1), rules)
    assert len({made_table(_seed(number), rules) for number in range(20)}) > 1


def test_a_list_of_today_is_the_list_of_then() -> None:
    """What was made from a seed must be made from it again years later."""
    said = [
        hashlib.sha256(made_table(_seed(7), EVERY_KIND[kind])).hexdigest()[:16]
        for kind in ("might", "two sites", "mixed lengths")
    ]
    assert said == ["698f5f4e2d324dab", "d985b0916903dfd7", "4dc0645709aeaeea"]


def test_other_rules_give_another_list_of_the_same_seed() -> None:
    """Two lists of one seed under different rules have nothing to do with each other."""
    other = parse_list_rules(examples.MIGHT_TOML.replace('study = "MIGHT"', 'study = "OTHER"'))
    pairs = [(made_table(_seed(n), MIGHT), made_table(_seed(n), other)) for n in range(200)]
    assert sum(one == another for one, another in pairs) < 10


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_has_32_bytes(seed: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        made_table(seed, MIGHT)


def test_all_216_lists_of_might_are_made() -> None:
    made = {tuple(blocks) for blocks in _blocks(MIGHT)}
    assert len(made) == 216


def test_the_strata_stand_in_the_order_of_the_rules() -> None:
    rows = read_table(made_table(_seed(1), TWO_SITES), TWO_SITES).rows
    assert [row.stratum for row in rows] == ["101/1"] * 16 + ["102/1"] * 16
    assert {row.number for row in rows} == {""}


def test_a_fixed_order_is_kept_and_drawn_lengths_fill_the_stratum() -> None:
    for stream in _streams(200):
        assert made_lengths(stream, FIXED_ORDER) == (6, 2, 4)
        drawn = made_lengths(stream, MIXED)
        assert sum(drawn) == 60
        assert set(drawn) <= {2, 4, 6}


def test_a_two_to_one_list_has_two_of_one_for_each_of_the_other() -> None:
    for number in range(50):
        arms = Counter(
            reveal(r.arm)
            for r in read_table(made_table(_seed(number), TWO_TO_ONE), TWO_TO_ONE).rows
        )
        assert arms == {"ivig": 12, "saline": 6}


# Is it fair? -------------------------------------------------------------------------------

Question = Callable[[], bool]


def _six_arrangements() -> bool:
    """Each of the 6 arrangements of a block of 4 is equally likely."""
    return is_uniform((block for blocks in _blocks(MIGHT) for block in blocks), 6)


def _blocks_know_nothing_of_each_other() -> bool:
    """All 36 pairs of a list's first and second, and second and third block."""
    made = _blocks(MIGHT)
    return all(is_uniform([(one[at], one[at + 1]) for one in made], 36) for at in (0, 1))


def _every_position() -> bool:
    """Each place of the list holds each arm half of the time."""
    rows = ["".join(made_groups(stream, MIGHT)) for stream in _streams()]
    return all(is_uniform([row[at] for row in rows], 2) for at in range(12))


def _block_lengths() -> bool:
    """Each length is equally likely as the first, and as the second after each first."""
    drawn = [made_lengths(stream, MIXED) for stream in _streams()]
    first = is_uniform([lengths[0] for lengths in drawn], 3)
    return first and is_uniform([lengths[:2] for lengths in drawn], 9)


def _two_to_one() -> bool:
    """Each of the 3 arrangements of a block of 3 in the ratio 2:1 is equally likely."""
    rules = parse_list_rules(
        with_blocks("lengths = [3]", rows=18).replace("share = 1", "share = 2", 1)
    )
    made = ("".join(made_groups(stream, rules)) for stream in _streams())
    return is_uniform((groups[at : at + 3] for groups in made for at in range(0, 18, 3)), 3)


def _by_the_shares() -> bool:
    """Without blocks each row is one of three equal shares, two of them of one arm."""
    drawn = [group for stream in _streams() for group in made_groups(stream, BY_CHANCE)]
    third = sum(group == "2" for group in drawn)
    return is_uniform(["2"] * third + ["1"] * ((len(drawn) - third) // 2), 2)


def _strata_know_nothing_of_each_other() -> bool:
    """The first blocks of two strata of one list: all 36 pairs."""
    pairs = []
    for number in range(LISTS):
        rows = made_table(_seed(number), TWO_SITES).decode().splitlines()[1:]
        groups = "".join(row[0] for row in rows)
        pairs.append((groups[:4], groups[16:20]))
    return is_uniform(pairs, 36)


QUESTIONS: tuple[Question, ...] = (
    _six_arrangements,
    _blocks_know_nothing_of_each_other,
    _every_position,
    _block_lengths,
    _two_to_one,
    _by_the_shares,
    _strata_know_nothing_of_each_other,
)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.__name__.strip("_"))
def test_the_generator_is_fair(question: Question) -> None:
    assert question()


def _remainder_of_three_bits(stream: Stream, count: int) -> int:
    """Modulo bias: of eight values the first ones come more often unless `count` divides them."""
    return (stream.read(1)[0] & 7) % count


@pytest.mark.parametrize(
    "question",
    [
        _six_arrangements,
        _blocks_know_nothing_of_each_other,
        _block_lengths,
        _two_to_one,
        _by_the_shares,
    ],
    ids=lambda question: question.__name__.strip("_"),
)
def test_a_planted_bias_is_found(monkeypatch: pytest.MonkeyPatch, question: Question) -> None:
    monkeypatch.setattr(Stream, "below", _remainder_of_three_bits)
    assert not question()


def _same_for_every_stratum(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Stream.__init__
    monkeypatch.setattr(Stream, "__init__", lambda self, seed, _context: made(self, seed, b""))


def test_planted_strata_that_copy_each_other_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    _same_for_every_stratum(monkeypatch)
    assert not _strata_know_nothing_of_each_other()


def test_a_planted_order_of_arms_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every block right, but the first row of every block is the first arm too often."""

    def first(stream: Stream, count: int, fair: Callable[..., int] = Stream.below) -> int:
        return 0 if count == 4 and stream.read(1)[0] < 40 else fair(stream, count)

    monkeypatch.setattr(Stream, "below", first)
    assert not _every_position()


def test_two_lists_that_are_equal_have_equal_canonical_bytes() -> None:
    """What the commitment compares when a list is made again."""
    first, again = (read_table(made_table(_seed(3), TWO_SITES), TWO_SITES) for _ in range(2))
    other = read_table(made_table(_seed(4), TWO_SITES), TWO_SITES)
    assert canonical_list_bytes(first) == canonical_list_bytes(again)
    assert canonical_list_bytes(first) != canonical_list_bytes(other)


def test_every_arrangement_stands_for_itself() -> None:
    """The 216 lists have 216 canonical forms: a commitment tells them apart."""
    blocks = ["1122", "1212", "1221", "2112", "2121", "2211"]
    forms = {
        canonical_list_bytes(read_table(examples.csv_of("".join(three)), MIGHT))
        for three in product(blocks, repeat=3)
    }
    assert len(forms) == 216
