"""A randomization list of chance alone, drawn when the practice study is made and kept nowhere.

It follows the study's own list rules: permuted blocks, each with the arms in their shares.
"""

from __future__ import annotations

from collections.abc import Callable

from pharmacy.unblinded.rules import GROUP_COLUMN, ListRules

Draw = Callable[[str, int], bytes]


def dummy_table(rules: ListRules, draw: Draw) -> bytes:
    """An allocation table that follows `rules`, which have no strata and one block length.

    `draw(purpose, count)` are random bytes. Other rules are a ValueError.
    """
    if rules.strata or rules.blocks is None or len(rules.blocks.lengths) != 1:
        raise ValueError("the dummy list has blocks of one length and no strata")
    (length,) = rules.blocks.lengths
    groups = [rule.group for rule in rules.arms for _ in range(rule.share)]
    rows: list[str] = []
    while len(rows) < rules.rows_per_stratum:
        rows += _shuffled(groups * (length // len(groups)), draw)
    return "\r\n".join([GROUP_COLUMN, *rows, ""]).encode()


def _shuffled(rows: list[str], draw: Draw) -> list[str]:
    """Every order equally likely: one place after another is drawn from what is left."""
    left, drawn = list(rows), []
    while left:
        drawn.append(left.pop(_below(len(left), draw)))
    return drawn


def _below(count: int, draw: Draw) -> int:
    """A whole number under `count`; bytes that would favour the first numbers are drawn again."""
    while True:
        value = draw("practice list", 1)[0]
        if value < 256 - 256 % count:
            return value % count
