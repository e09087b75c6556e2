"""Pearson's chi-square against equal chances, with its thresholds.

The seeds of the tests are fixed, so each question has one answer for ever; the threshold says how
extreme an honest generator's answer would have to be to fail: once in 10,000 (p = 0.0001).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable

# Degrees of freedom (cells less one): the value that chance exceeds once in 10,000.
THRESHOLDS = {
    1: 15.137,
    2: 18.421,
    5: 25.745,
    8: 31.828,
    35: 74.926,
    191: 272.370,
    255: 347.654,
    256: 348.819,
}
# Fewer expected in a cell and the approximation is none.
FEWEST_EXPECTED = 20


def chi_square(drawn: Iterable[Hashable], cells: int) -> float:
    """The statistic for `cells` equally likely values; cells that were never drawn count too."""
    counts = Counter(drawn)
    expected = counts.total() / cells
    if expected < FEWEST_EXPECTED:
        raise ValueError("too few draws for this test")
    missing = (cells - len(counts)) * expected
    return missing + sum((count - expected) ** 2 / expected for count in counts.values())


def is_uniform(drawn: Iterable[Hashable], cells: int) -> bool:
    """Whether the draws may come from `cells` equally likely values."""
    drawn = list(drawn)
    return len(set(drawn)) <= cells and chi_square(drawn, cells) < THRESHOLDS[cells - 1]
