"""REDCap's allocation table, from bytes to a list of sealed-up arms, or one broken rule.

Three forms are read, their columns found by name: the open table with the group of every row; the
concealed table, whose groups stand in the code list of a second custodian; and either with the
heading of tables from before REDCap 14.7. Row order is allocation order and is never changed.
Nothing of the file leaves by an error: the reading functions name a rule and carry nothing else,
and the exception that goes out has neither a cause nor a frame that held a row.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
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
    MAX_ROWS,
    NOTES_COLUMN,
    NUMBER_COLUMN,
    Blocks,
    ListRules,
)

__all__ = [
    "AllocationList",
    "AllocationRow",
    "ListRefused",
    "canonical_list_bytes",
    "read_part",
    "read_table",
]

_NUMBER = re.compile(r"[A-Za-z0-9 ._/:#-]*\Z")
# The code list says it in short; REDCap's own headings are taken as well.
_CODE_COLUMNS = {"code": NUMBER_COLUMN, "arm": GROUP_COLUMN}
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


def read_table(data: bytes, rules: ListRules, codes: bytes | None = None) -> AllocationList:
    """The list in `data` (UTF-8 CSV of at most 256 KiB), if it follows `rules`.

    `codes` is the code list of a concealed table. Raises ListRefused, which names the first broken
    rule in a fixed order and tells nothing else of the list.
    """
    try:
        return _read(data, rules, codes, _whole_list)
    except _Broken as broken:
        rule = str(broken)
    finally:
        del data, codes
    raise refusal(rule, rules)


def read_part(data: bytes, rules: ListRules, codes: bytes | None = None) -> AllocationList:
    """The same of a part that a loaded list grows by: whole blocks for some strata of the rules."""
    try:
        return replace(_read(data, rules.grown, codes, _part), rules=rules)
    except _Broken as broken:
        rule = str(broken)
    finally:
        del data, codes
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


def _read(
    data: bytes, rules: ListRules, codes: bytes | None, form: _Form
) -> AllocationList:
    heading, body = _split(_text(data))
    cells = _cells(_as_of_today(heading, rules, codes is not None), body, rules, codes is not None)
    form.check_rows(len(cells), rules)
    _check_cells(cells)
    _check_numbers([row.number for row in cells])
    if codes is not None:
        cells = _decoded(cells, _groups_by_code(codes, rules))
    _check_groups(cells, rules)
    _check_strata(cells, rules, form)
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
        lines = io.StringIO(text, newline="")
        table = list(csv.reader(lines, delimiter=_delimiter(text), strict=True))
    if table is None:
        raise _Broken("quotes")
    while table and _is_blank(table[-1]):
        table.pop()
    _require(bool(table), "empty")
    _require(not any(map(_is_blank, table)), "blank_line")
    _require(all(len(row) == len(table[0]) for row in table), "ragged_row")
    return [name.strip() for name in table[0]], table[1:]


def _delimiter(text: str) -> str:
    """The semicolon where a spreadsheet with a decimal comma has saved the table, else a comma."""
    heading = text.lstrip("\r\n").partition("\n")[0].partition("\r")[0]
    return ";" if ";" in heading and "," not in heading else ","


def _is_blank(row: Sequence[str]) -> bool:
    return not any(cell.strip(" \t") for cell in row)


def _as_of_today(heading: list[str], rules: ListRules, concealed: bool) -> list[str]:
    """The heading with today's name for the target field of an older table.

    Only the name that the rules state is taken for it, and only where no column of today stands:
    another column of ones and twos is not the group.
    """
    if {GROUP_COLUMN, NUMBER_COLUMN} & set(heading):
        return heading
    name = NUMBER_COLUMN if concealed else GROUP_COLUMN
    return [name if column == rules.target_field else column for column in heading]


def _cells(
    heading: list[str], body: list[list[str]], rules: ListRules, concealed: bool
) -> list[_Cells]:
    strata = [column.column for column in rules.strata]
    _require(len(set(heading)) == len(heading), "duplicate_column")
    _require(not (concealed and GROUP_COLUMN in heading), "codes_not_needed")
    _require(concealed or GROUP_COLUMN in heading or NUMBER_COLUMN not in heading, "concealed")
    wanted = NUMBER_COLUMN if concealed else GROUP_COLUMN
    _require({wanted, *strata} <= set(heading), "missing_column")
    known = {GROUP_COLUMN, NUMBER_COLUMN, NOTES_COLUMN, *strata}
    _require(set(heading) <= known, "unknown_column")
    at = {name: heading.index(name) for name in heading}

    def cell(row: list[str], name: str) -> str:
        return row[at[name]].strip(" ") if name in at else ""

    return [
        _Cells(
            number=cell(row, NUMBER_COLUMN),
            group=cell(row, GROUP_COLUMN),
            levels=tuple(cell(row, column) for column in strata),
        )
        for row in body
    ]


def _groups_by_code(codes: bytes, rules: ListRules) -> dict[str, str]:
    """The second custodian's list: the group of every code, in any order of rows."""
    heading, body = _readable(codes)
    named = [_CODE_COLUMNS.get(name, name) for name in heading]
    _require(sorted(named) == sorted({GROUP_COLUMN, NUMBER_COLUMN}), "codes_columns")
    code_at, group_at = named.index(NUMBER_COLUMN), named.index(GROUP_COLUMN)
    found = {row[code_at].strip(" "): row[group_at].strip(" ") for row in body}
    _require(len(found) == len(body) and all(found), "codes_repeated")
    _require(set(found.values()) <= {rule.group for rule in rules.arms}, "codes_group")
    return found


def _readable(codes: bytes) -> tuple[list[str], list[list[str]]]:
    """The code list split; whatever is wrong with it as a file is one rule."""
    with suppress(_Broken):
        return _split(_text(codes))
    raise _Broken("codes_unreadable")


def _decoded(cells: Sequence[_Cells], groups: Mapping[str, str]) -> list[_Cells]:
    """The rows with their groups; both files hold the same codes, each once."""
    _require({row.number for row in cells} == groups.keys(), "codes_unmatched")
    return [replace(row, group=groups[row.number]) for row in cells]


def _check_rows_of_a_list(rows: int, rules: ListRules) -> None:
    _require(rows <= rules.maximum_rows, "too_many_rows")
    _require(rows >= rules.maximum_rows, "too_few_rows")


def _check_rows_of_a_part(rows: int, rules: ListRules) -> None:
    _require(rules.growth is not None, "part_not_allowed")
    _require(rows > 0, "part_without_rows")
    _require(rows <= MAX_ROWS, "part_too_many_rows")


def _is_whole_stratum(rows: int, rules: ListRules) -> bool:
    return rows == rules.rows_per_stratum


def _is_part_of_stratum(rows: int, rules: ListRules) -> bool:
    return rows == 0 or (rules.growth is not None and rows <= rules.growth.rows_at_most)


@dataclass(frozen=True, slots=True)
class _Form:
    """How many rows there may be in all, and in one stratum: of a whole list or of a part."""

    check_rows: Callable[[int, ListRules], None]
    fits: Callable[[int, ListRules], bool]
    misfit: str


_whole_list = _Form(_check_rows_of_a_list, _is_whole_stratum, "stratum_size")
_part = _Form(_check_rows_of_a_part, _is_part_of_stratum, "part_too_many_rows")


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


def _check_strata(cells: Sequence[_Cells], rules: ListRules, form: _Form) -> None:
    groups: dict[str, list[str]] = {name: [] for name in rules.stratum_names}
    _require(all(row.stratum in groups for row in cells), "unknown_stratum")
    for row in cells:
        groups[row.stratum].append(row.group)
    sequences = groups.values()
    _require(all(form.fits(len(s), rules) for s in sequences), form.misfit)
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
        times, left = divmod(len(groups), rules.rows_per_stratum)
        ends = list(accumulate(blocks.order * times, initial=0))
        return left == 0 and all(_is_balanced(groups[a:b], rules) for a, b in pairwise(ends))
    return len(groups) in _cuts(groups, blocks.lengths, rules)


def _cuts(groups: Sequence[str], lengths: Iterable[int], rules: ListRules) -> set[int]:
    """Every place up to which the sequence can be cut into balanced blocks."""
    cuts = {0}
    for end in range(1, len(groups) + 1):
        if any(end - n in cuts and _is_balanced(groups[end - n : end], rules) for n in lengths):
            cuts.add(end)
    return cuts
