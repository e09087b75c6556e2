"""The rules a randomization list must follow, read from a TOML file of the lit room.

They are kept apart from the protocol because block lengths are concealed from blinded people
(ICH E9 2.3.2): nothing here may be shown, stored or hashed in the open.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product as combinations
from math import prod
from typing import Any, TypeGuard

from pharmacy.domain.errors import BadForm
from pharmacy.unblinded.arm import Arm

MAX_ROWS = 5_000
GROUP_COLUMN = "redcap_randomization_group"
NUMBER_COLUMN = "redcap_randomization_number"
SITE_COLUMN = "redcap_data_access_group"
NOTES_COLUMN = "notes"
OWN_COLUMNS = (GROUP_COLUMN, NUMBER_COLUMN, NOTES_COLUMN)
LONGEST_STRATUM = 60
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,30}\Z")
_VARIABLE = re.compile(r"[a-z][a-z0-9_]{0,30}\Z")  # as REDCap names a field
_FIELDS = {"study", "planned_enrolment", "rows_per_stratum", "exact_ratio", "arms"}
_OPTIONAL_FIELDS = {"data_access_groups", "strata", "blocks", "target_field", "growth"}
# Not of the list that is loaded first: they change nothing that was committed to.
_NOT_CANONICAL = {"target_field", "growth"}
_ARM_FIELDS = {"arm", "group", "share", "product"}


@dataclass(frozen=True, slots=True)
class ArmRule:
    """One arm: REDCap's coded value for it, its share of the ratio, the product drawn for it."""

    arm: Arm
    group: str
    share: int
    product: str


@dataclass(frozen=True, slots=True)
class StrataColumn:
    """One column of the list that belongs to the stratum, and every value it may hold.

    `factor` is the protocol's factor that it stands for, and `factor_levels` that factor's level
    for each of `levels`; both are empty for the column of the data access group.
    """

    column: str
    levels: tuple[str, ...]
    factor: str = ""
    factor_levels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DataAccessGroup:
    """One of REDCap's data access groups: its number, and the code of the site that it is."""

    number: str
    site: str


@dataclass(frozen=True, slots=True)
class Blocks:
    """Permuted blocks: the lengths that may occur, and their order where it is fixed."""

    lengths: tuple[int, ...]
    order: tuple[int, ...] | None


@dataclass(frozen=True, slots=True)
class Growth:
    """How a loaded list may grow: rows that a part may add to a stratum, sites only parts have."""

    rows_at_most: int
    data_access_groups: tuple[DataAccessGroup, ...]


@dataclass(frozen=True, slots=True, repr=False)
class ListRules:
    """All that is known of a list before it is seen. `blocks` is None for a list without blocks.

    Every stratum has `rows_per_stratum` rows; with `exact_ratio` each stratum holds the arms in
    exactly the ratio of their shares. Where there are data access groups, their column is the first
    of `strata`. `target_field` is the heading of tables from before REDCap 14.7, '' if the rules
    name none. `growth` is None for a list that may not grow. `canonical` is the rules' meaning in
    bytes: two files that differ in comments, layout, that heading or growth only have the same.
    """

    study: str
    arms: tuple[ArmRule, ...]
    strata: tuple[StrataColumn, ...]
    rows_per_stratum: int
    planned_enrolment: int
    exact_ratio: bool
    blocks: Blocks | None
    canonical: bytes
    data_access_groups: tuple[DataAccessGroup, ...] = ()
    target_field: str = ""
    growth: Growth | None = None

    def __repr__(self) -> str:
        return "<list rules>"

    @property
    def grown(self) -> ListRules:
        """The same with the sites that only parts have: what every row of the study follows."""
        if self.growth is None or not self.growth.data_access_groups:
            return self
        sites = (*self.data_access_groups, *self.growth.data_access_groups)
        column = replace(self.strata[0], levels=tuple(one.number for one in sites))
        return replace(self, data_access_groups=sites, strata=(column, *self.strata[1:]))

    def can_add(self, rows: int) -> bool:
        """Whether a part may add so many rows to a stratum: whole blocks, in the ratio, some."""
        if self.growth is None or not 1 <= rows <= self.growth.rows_at_most:
            return False
        return self._whole(rows)

    def _whole(self, rows: int) -> bool:
        if self.blocks is None:
            return not self.exact_ratio or rows % self.share_total == 0
        if self.blocks.order is not None:
            return rows % self.rows_per_stratum == 0
        return rows in sums(self.blocks.lengths, rows)

    @property
    def stratum_names(self) -> tuple[str, ...]:
        """Every stratum: its levels joined by '/', in the order of `strata`; '' if there is one."""
        return tuple("/".join(c) for c in combinations(*(s.levels for s in self.strata)))

    @property
    def maximum_rows(self) -> int:
        """Rows of the whole list: no list has more, and none has fewer."""
        return self.rows_per_stratum * prod(len(column.levels) for column in self.strata)

    @property
    def share_total(self) -> int:
        """The smallest number of rows in which the ratio can be met exactly."""
        return sum(rule.share for rule in self.arms)


def parse_list_rules(toml_text: str) -> ListRules:
    """Read and check a rules file; BadForm maps the first wrong field to what is wrong with it."""
    try:
        table = tomllib.loads(toml_text)
    except tomllib.TOMLDecodeError as wrong:
        raise BadForm({"file": f"The list rules are not valid TOML: {wrong}."}) from None
    _only(table, _FIELDS | _OPTIONAL_FIELDS, "")
    arms = _arms(_tables(table, "arms"))
    sites = _sites(_tables(table, "data_access_groups") if "data_access_groups" in table else [])
    strata = _strata(_tables(table, "strata") if "strata" in table else [], sites)
    rules = ListRules(
        study=_word(table, "study", ""),
        arms=arms,
        strata=strata,
        rows_per_stratum=_count(table, "rows_per_stratum", "", MAX_ROWS),
        planned_enrolment=_count(table, "planned_enrolment", "", MAX_ROWS),
        exact_ratio=_yes_or_no(table, "exact_ratio"),
        blocks=_blocks(table["blocks"]) if "blocks" in table else None,
        canonical=_canonical({name: table[name] for name in table if name not in _NOT_CANONICAL}),
        data_access_groups=sites,
        target_field=_target_field(table, strata),
        growth=_growth(table["growth"]) if "growth" in table else None,
    )
    _check_together(rules)
    if rules.growth is not None:
        _check_growth(rules, rules.growth)
    return rules


def _arms(tables: Sequence[Mapping[str, Any]]) -> tuple[ArmRule, ...]:
    rules = []
    for at, table in enumerate(tables):
        where = f"arms[{at}]."
        _only(table, _ARM_FIELDS, where)
        try:
            arm = Arm(table.get("arm", ""))
        except ValueError as wrong:
            raise _wrong(f"{where}arm", str(wrong)) from None
        group, product = _word(table, "group", where), _word(table, "product", where)
        rules.append(ArmRule(arm, group, _count(table, "share", where, 100), product))
    if len(rules) < 2:
        raise _wrong("arms", "needs at least two arms")
    for field in ("group", "product"):
        _unique([getattr(rule, field) for rule in rules], f"arms.{field}")
    _unique([rule.arm.to_bytes() for rule in rules], "arms.arm")
    return tuple(rules)


def _sites(
    tables: Sequence[Mapping[str, Any]], above: str = ""
) -> tuple[DataAccessGroup, ...]:
    found = []
    for at, table in enumerate(tables):
        where = f"{above}data_access_groups[{at}]."
        _only(table, {"number", "site"}, where)
        number, site = _word(table, "number", where), _word(table, "site", where)
        if not (number.isascii() and number.isdigit()):
            raise _wrong(f"{where}number", "is the number that REDCap gives the group, as text")
        found.append(DataAccessGroup(number, site))
    for field in ("number", "site"):
        _unique([getattr(one, field) for one in found], f"{above}data_access_groups.{field}")
    return tuple(found)


def _strata(
    tables: Sequence[Mapping[str, Any]], sites: Sequence[DataAccessGroup]
) -> tuple[StrataColumn, ...]:
    columns = [StrataColumn(SITE_COLUMN, tuple(one.number for one in sites))] if sites else []
    for at, table in enumerate(tables):
        where = f"strata[{at}]."
        _only(table, {"column", "levels", "factor", "factor_levels"}, where)
        levels = _coded_values(table, "levels", where)
        name = _word(table, "column", where)
        factor = _word(table, "factor", where) if "factor" in table else name
        factor_levels = levels
        if "factor_levels" in table:
            factor_levels = _coded_values(table, "factor_levels", where)
        if len(factor_levels) != len(levels):
            raise _wrong(f"{where}factor_levels", "must give one level for each of levels")
        columns.append(StrataColumn(name, levels, factor, factor_levels))
    _unique([column.factor for column in columns if column.factor], "strata.factor")
    names = [column.column for column in columns]
    _unique([*names, *OWN_COLUMNS], "strata.column")
    return tuple(columns)


def _coded_values(table: Mapping[str, Any], field: str, where: str) -> tuple[str, ...]:
    values = table.get(field)
    if not isinstance(values, list) or not values:
        raise _wrong(f"{where}{field}", "needs a list of at least one coded value")
    for value in values:
        if not isinstance(value, str) or not _WORD.match(value):
            raise _wrong(f"{where}{field}", 'holds coded values as text, such as "1"')
    _unique(values, f"{where}{field}")
    return tuple(values)


def _target_field(table: Mapping[str, Any], strata: Sequence[StrataColumn]) -> str:
    if "target_field" not in table:
        return ""
    name = table["target_field"]
    if not isinstance(name, str) or not _VARIABLE.match(name):
        raise _wrong("target_field", "needs the variable name of REDCap's target field")
    _unique([name, SITE_COLUMN, *OWN_COLUMNS], "target_field")
    _unique([name, *(column.column for column in strata)], "target_field")
    return name


def _blocks(table: Any) -> Blocks:
    if not isinstance(table, dict):
        raise _wrong("blocks", "must be a table")
    _only(table, {"lengths", "order"}, "blocks.")
    lengths = _counts(table, "lengths")
    _unique(lengths, "blocks.lengths")
    order = _counts(table, "order") if "order" in table else None
    if order is not None and not set(order) <= set(lengths):
        raise _wrong("blocks.order", "names a length that blocks.lengths does not")
    return Blocks(lengths, order)


def _growth(table: Any) -> Growth:
    if not isinstance(table, dict):
        raise _wrong("growth", "must be a table")
    _only(table, {"rows_at_most", "data_access_groups"}, "growth.")
    groups = "data_access_groups"
    sites = _sites(_tables(table, groups), "growth.") if groups in table else ()
    return Growth(_count(table, "rows_at_most", "growth.", MAX_ROWS), sites)


def _check_growth(rules: ListRules, growth: Growth) -> None:
    if not rules.can_add(growth.rows_at_most):
        raise _wrong("growth.rows_at_most", "cannot be filled in whole blocks and in the ratio")
    if not growth.data_access_groups:
        return
    if not rules.data_access_groups:
        raise _wrong("growth.data_access_groups", "needs a list that has data access groups")
    for field in ("number", "site"):
        sites = rules.grown.data_access_groups
        _unique([getattr(one, field) for one in sites], f"growth.data_access_groups.{field}")


def _check_together(rules: ListRules) -> None:
    if rules.maximum_rows > MAX_ROWS:
        raise _wrong("rows_per_stratum", f"makes a list of more than {MAX_ROWS:,} rows")
    if any(len(name) > LONGEST_STRATUM for name in rules.grown.stratum_names):
        raise _wrong("strata", f"makes a stratum's name longer than {LONGEST_STRATUM} characters")
    if rules.maximum_rows < rules.planned_enrolment:
        raise _wrong("planned_enrolment", "is more than the rows of the list")
    if rules.exact_ratio and rules.rows_per_stratum % rules.share_total:
        raise _wrong("rows_per_stratum", "cannot meet the ratio of the shares exactly")
    if rules.blocks is None:
        return
    if not rules.exact_ratio:
        raise _wrong("exact_ratio", "must be true where there are blocks")
    if any(length % rules.share_total for length in rules.blocks.lengths):
        raise _wrong("blocks.lengths", "holds a length that cannot meet the ratio of the shares")
    if rules.blocks.order is not None and sum(rules.blocks.order) != rules.rows_per_stratum:
        raise _wrong("blocks.order", "must add up to rows_per_stratum")
    if rules.rows_per_stratum not in sums(rules.blocks.lengths, rules.rows_per_stratum):
        raise _wrong("blocks.lengths", "cannot add up to rows_per_stratum")


def sums(lengths: Iterable[int], limit: int) -> set[int]:
    """Every number of rows up to `limit` that blocks of these lengths add up to, none included."""
    reached = {0}
    for total in range(1, limit + 1):
        if any(total - length in reached for length in lengths):
            reached.add(total)
    return reached


def _canonical(value: Any) -> bytes:
    """Every value typed and length-prefixed, tables by key, so no two meanings share bytes."""
    if isinstance(value, dict):
        parts = [_canonical(key) + _canonical(value[key]) for key in sorted(value)]
        kind = b"t"
    elif isinstance(value, list):
        parts, kind = [_canonical(part) for part in value], b"l"
    else:
        parts, kind = [str(value).encode()], type(value).__name__[:1].encode()
    body = b"".join(parts)
    return kind + len(body).to_bytes(4, "big") + body


def _wrong(field: str, what: str) -> BadForm:
    return BadForm({field: f"List rules, {field}: {what}."})


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for field in table:
        if field not in known:
            raise _wrong(f"{where}{field}", "is not a field of the list rules")


def _tables(table: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    value = table.get(field)
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        raise _wrong(field, f"needs tables headed [[{field}]]")
    return value


def _word(table: Mapping[str, Any], field: str, where: str) -> str:
    value = table.get(field)
    if not isinstance(value, str) or not _WORD.match(value):
        raise _wrong(f"{where}{field}", "needs text of 1 to 31 letters, digits and . _ -")
    return value


def _count(table: Mapping[str, Any], field: str, where: str, most: int) -> int:
    value = table.get(field)
    if not _is_count(value) or value > most:
        raise _wrong(f"{where}{field}", f"needs a whole number from 1 to {most:,}")
    return value


def _counts(table: Mapping[str, Any], field: str) -> tuple[int, ...]:
    value = table.get(field)
    if not isinstance(value, list) or not value or not all(map(_is_count, value)):
        raise _wrong(f"blocks.{field}", "needs a list of whole numbers above 0")
    return tuple(value)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _yes_or_no(table: Mapping[str, Any], field: str) -> bool:
    value = table.get(field)
    if not isinstance(value, bool):
        raise _wrong(field, "needs true or false")
    return value


def _unique(values: Sequence[object], field: str) -> None:
    if len(set(values)) != len(values):
        raise _wrong(field, "names the same thing twice")
