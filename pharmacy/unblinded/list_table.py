"""REDCap's allocation table, from bytes to a list of sealed-up arms, or one broken rule.

Row order is allocation order and is never changed. Nothing of the file leaves by an error: the
reading functions name a rule and carry nothing else, and the exception that goes out has neither
a cause nor a frame that held a row.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate, pairwise

from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.list_refusals import (
    MAX_BYTES,
    MAX_LINE,
    MAX_NUMBER,
    ListRefused,
    refusal,
)
from pharmacy.unblinded.rules import (
    GROUP_COLUMN,
    NOTES_COLUMN,
    NUMBER_COLUMN,
    Blocks,
    ListRules,
)

__all__ = ["AllocationList", "AllocationRow", "ListRefused", "canonical_list_bytes", "read_table"]

_NUMBER = re.compile(r"[A-Za-z0-9 ._/:#-]*\Z")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # OWASP, CSV injection


@dataclass(frozen=True, slots=True, repr=False)
class AllocationRow:
    """One row: REDCap's number for it ('' if the list has none), its arm and its stratum."""

    number: str
    arm: Arm
    stratum: str

    def __repr__(self) -> str:
        return "<allocation row>"


@dataclass(frozen=True, slots=True, repr=False)
class AllocationList:
    """The whole list in allocation order, and the rules that it was found to follow."""

    rows: tuple[AllocationRow, ...]
    rules: ListRules

    def __repr__(self) -> str:
        return "<allocation list>"


class _Broken(Exception):
    """A broken rule by its name; never leaves this module."""


@dataclass(frozen=True, slots=True, repr=False)
class _Cells:
    number: str
    group: str
    levels: tuple[str, ...]

    @property
    def stratum(self) -> str:
        return "/".join(self.levels)


def read_table(data: bytes, rules: ListRules) -> AllocationList:
    """The list in `data` (UTF-8 CSV of at most 256 KiB), if it follows `rules`.

    Raises ListRefused, which names the first broken rule in a fixed order and tells nothing
    else of the list.
    """
    try:
        return _read(data, rules)
    except _Broken as broken:
        rule = str(broken)
    finally:
        del data
    raise refusal(rule, rules)


def canonical_list_bytes(allocation_list: AllocationList) -> bytes:
    """Bytes that two lists share only if they are the same list under the same rules.

    This is the list in the open, for a keyed commitment in memory: never stored, printed,
    signed, or hashed without a key (twelve rows in blocks of 4 have 216 arrangements). Its
    length does not depend on the arms.
    """
    parts = [b"allocation-list-1", sha256(allocation_list.rules.canonical).digest()]
    for row in allocation_list.rows:
        parts += [row.number.encode(), row.arm.to_bytes(), row.stratum.encode()]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _read(data: bytes, rules: ListRules) -> AllocationList:
    heading, body = _split(_text(data))
    cells = _cells(heading, body, rules)
    _check_size(cells, rules)
    _check_cells(cells)
    _check_numbers([row.number for row in cells])
    _check_groups(cells, rules)
    _check_strata(cells, rules)
    arm_of = {rule.group: rule.arm for rule in rules.arms}
    rows = (AllocationRow(row.number, arm_of[row.group], row.stratum) for row in cells)
    return AllocationList(tuple(rows), rules)


def _require(held: bool, rule: str) -> None:
    if not held:
        raise _Broken(rule)


def _text(data: bytes) -> str:
    _require(len(data) <= MAX_BYTES, "too_large")
    text = None
    # The decoder's error holds the file, so it ends here and a bare rule goes on.
    with suppress(UnicodeDecodeError):
        text = data.decode("utf-8-sig")
    if text is None:
        raise _Broken("not_utf8")
    _require("\0" not in text, "nul")
    _require(bool(text.strip()), "empty")
    return text


def _split(text: str) -> tuple[list[str], list[list[str]]]:
    """Heading and rows, blank last lines dropped."""
    _require(max(map(len, io.StringIO(text, newline=""))) <= MAX_LINE, "line_too_long")
    table = None
    with suppress(csv.Error):
        table = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    if table is None:
        raise _Broken("quotes")
    while table and _is_blank(table[-1]):
        table.pop()
    _require(bool(table), "empty")
    _require(not any(map(_is_blank, table)), "blank_line")
    _require(all(len(row) == len(table[0]) for row in table), "ragged_row")
    return [name.strip() for name in table[0]], table[1:]


def _is_blank(row: Sequence[str]) -> bool:
    return not any(cell.strip(" \t") for cell in row)


def _cells(heading: list[str], body: list[list[str]], rules: ListRules) -> list[_Cells]:
    strata = [column.column for column in rules.strata]
    _require(len(set(heading)) == len(heading), "duplicate_column")
    _require(GROUP_COLUMN in heading or NUMBER_COLUMN not in heading, "concealed")
    _require({GROUP_COLUMN, *strata} <= set(heading), "missing_column")
    known = {GROUP_COLUMN, NUMBER_COLUMN, NOTES_COLUMN, *strata}
    _require(set(heading) <= known, "unknown_column")
    group_at = heading.index(GROUP_COLUMN)
    number_at = heading.index(NUMBER_COLUMN) if NUMBER_COLUMN in heading else None
    strata_at = [heading.index(column) for column in strata]
    return [
        _Cells(
            number="" if number_at is None else row[number_at].strip(" "),
            group=row[group_at].strip(" "),
            levels=tuple(row[at].strip(" ") for at in strata_at),
        )
        for row in body
    ]


def _check_size(cells: Sequence[_Cells], rules: ListRules) -> None:
    _require(len(cells) <= rules.maximum_rows, "too_many_rows")
    _require(len(cells) >= rules.maximum_rows, "too_few_rows")


def _check_cells(cells: Sequence[_Cells]) -> None:
    texts = [text for row in cells for text in (row.number, row.group, *row.levels)]
    _require(not any(text.startswith(_FORMULA) for text in texts), "formula")
    _require(all(text.isprintable() for text in texts), "control_character")


def _check_numbers(numbers: Sequence[str]) -> None:
    _require(all(len(number) <= MAX_NUMBER for number in numbers), "number_too_long")
    _require(all(_NUMBER.match(number) for number in numbers), "number_characters")
    if any(numbers):
        _require(all(numbers), "blank_number")
        _require(len(set(numbers)) == len(numbers), "duplicate_number")


def _check_groups(cells: Sequence[_Cells], rules: ListRules) -> None:
    _require(all(row.group for row in cells), "blank_group")
    known = {rule.group for rule in rules.arms}
    _require(all(row.group in known for row in cells), "unknown_group")


def _check_strata(cells: Sequence[_Cells], rules: ListRules) -> None:
    groups: dict[str, list[str]] = {name: [] for name in rules.stratum_names}
    _require(all(row.stratum in groups for row in cells), "unknown_stratum")
    for row in cells:
        groups[row.stratum].append(row.group)
    sequences = groups.values()
    _require(all(len(s) == rules.rows_per_stratum for s in sequences), "stratum_size")
    if rules.exact_ratio:
        _require(all(_is_balanced(s, rules) for s in sequences), "ratio")
    if rules.blocks is not None:
        _require(all(_in_blocks(s, rules.blocks, rules) for s in sequences), "blocks")


def _is_balanced(groups: Sequence[str], rules: ListRules) -> bool:
    counts = Counter(groups)
    return all(
        counts[rule.group] * rules.share_total == len(groups) * rule.share for rule in rules.arms
    )


def _in_blocks(groups: Sequence[str], blocks: Blocks, rules: ListRules) -> bool:
    """Whether the sequence can be cut into balanced blocks of the allowed lengths."""
    if blocks.order is not None:
        ends = list(accumulate(blocks.order, initial=0))
        return all(_is_balanced(groups[a:b], rules) for a, b in pairwise(ends))
    return len(groups) in _cuts(groups, blocks.lengths, rules)


def _cuts(groups: Sequence[str], lengths: Iterable[int], rules: ListRules) -> set[int]:
    """Every place up to which the sequence can be cut into balanced blocks."""
    cuts = {0}
    for end in range(1, len(groups) + 1):
        if any(end - n in cuts and _is_balanced(groups[end - n : end], rules) for n in lengths):
            cuts.add(end)
    return cuts
