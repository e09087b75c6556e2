"""A thief with the whole database who guesses arms: what they look at, and how they learn (K6).

They read every row of every table as it lies in the file, follow ids to everything that belongs to
one participant, and measure it: how many rows, how long, which bytes, which times and in what
distance, which values, in which place, and whether the same value stands elsewhere. They know the
arms of half of the databases, learn from these what tells arms apart, and guess the others.
"""

from __future__ import annotations

import itertools
import math
import re
import sqlite3
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

Row = dict[str, object]
Features = dict[str, float]

# Rows about everybody: following them would make one heap of all participants.
_HUBS = frozenset({"person", "study", "site", "protocol_version", "membership", "sign_in_session"})
_ID = re.compile(r"[0-9a-f]{32}|[A-Z]-\d{3}")
_ROWS_LOOKED_AT = 4
_THRESHOLDS = 12
_VOTERS = 3


@dataclass
class Dump:
    """One stolen database: its tables with their rows as they lie in the file."""

    tables: dict[str, list[Row]]
    repeated: Counter[tuple[str, str, object]] = field(default_factory=Counter)

    @classmethod
    def read(cls, path: Path) -> Dump:
        """Every row of every table of an SQLite file, with its place."""
        with closing(sqlite3.connect(path)) as database:
            database.row_factory = sqlite3.Row
            listed = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = sorted(row["name"] for row in listed)
            tables = {
                name: [
                    dict(row) for row in database.execute(f'SELECT rowid AS place, * FROM "{name}"')
                ]
                for name in names
            }
        return cls(tables)._counted()

    def showing(self, *planted: str) -> Dump:
        """The same database with these of the planted tables alone."""
        shown = {
            name: rows
            for name, rows in self.tables.items()
            if not name.startswith("planted") or name in planted
        }
        return Dump(shown)._counted()

    def _counted(self) -> Dump:
        self.repeated = Counter(
            (name, column, value)
            for name, rows in self.tables.items()
            for row in rows
            for column, value in row.items()
        )
        return self

    def about(self, participant_id: str) -> dict[str, list[Row]]:
        """Everything that ids lead to from one participant, table by table."""
        known, found = {participant_id}, defaultdict(list)
        rest = [(n, row) for n, rows in self.tables.items() if n not in _HUBS for row in rows]
        while True:
            mine = [one for one in rest if known & _ids(one[1])]
            if not mine:
                return found
            rest = [one for one in rest if not known & _ids(one[1])]
            for name, row in mine:
                found[name].append(row)
                known |= {str(row[key]) for key in ("id", "code") if row.get(key)}


def _ids(row: Row) -> set[str]:
    return {
        part
        for column, value in row.items()
        if isinstance(value, str) and column != "body"
        for part in value.split(":")
        if _ID.fullmatch(part)
    }


def features(dump: Dump, participant_id: str) -> Features:
    """What can be measured of everything about one participant."""
    found: Features = {}
    for name, rows in dump.about(participant_id).items():
        found[f"{name}: rows"] = len(rows)
        moments: list[float] = []
        for at, row in enumerate(sorted(rows, key=lambda row: int(str(row["place"])))):
            for column, value in row.items():
                if at < _ROWS_LOOKED_AT:
                    found.update(_measures(f"{name} {at} {column}", value))
                    again = dump.repeated[name, column, value]
                    found[f"{name} {at} {column}: again"] = again
                moments += _moment(value)
        found |= {f"{name}: gap {n}": b - a for n, (a, b) in enumerate(_pairs(sorted(moments)))}
    return found


def _measures(name: str, value: object) -> Iterator[tuple[str, float]]:
    if isinstance(value, bytes):
        yield f"{name}: length", len(value)
        yield f"{name}: pressed", len(zlib.compress(value[:2048]))
        yield f"{name}: bytes", sum(value)
        yield from ((f"{name}: byte {n}", value[n]) for n in (0, 1, -1) if value)
    elif isinstance(value, (int, float)):
        yield f"{name}: number", float(value)
    elif isinstance(value, str):
        yield f"{name}: length", len(value)
        yield from ((f"{name}: moment", moment) for moment in _moment(value))
        if len(value) < 40 and not _ID.search(value):
            yield f"{name} is {value}", 1.0


def _moment(value: object) -> list[float]:
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[ T]\d\d:", value):
        return []
    return [datetime.fromisoformat(value).timestamp()]


def _pairs(values: Sequence[float]) -> Iterable[tuple[float, float]]:
    return itertools.pairwise(values)


@dataclass(frozen=True)
class Stump:
    """One question: is this feature over that threshold; how well it did on what was learned."""

    feature: str
    threshold: float
    over_is: bool
    weight: float

    def says(self, found: Features) -> float:
        """The vote for the first arm, weighted."""
        over = found.get(self.feature, 0.0) > self.threshold
        return self.weight if over == self.over_is else -self.weight


def learn(examples: Sequence[tuple[Features, bool]]) -> list[Stump]:
    """The questions that told the known arms apart best, each weighed by how well."""
    names = sorted({name for found, _ in examples for name in found})
    best = sorted((_best(name, examples) for name in names), key=lambda stump: -stump.weight)
    return best[:_VOTERS]


def right(stumps: Sequence[Stump], examples: Sequence[tuple[Features, bool]]) -> int:
    """How many arms the questions guess right."""
    return sum((sum(one.says(found) for one in stumps) > 0) == arm for found, arm in examples)


def _best(name: str, examples: Sequence[tuple[Features, bool]]) -> Stump:
    values = sorted({found.get(name, 0.0) for found, _ in examples})
    between = [(a + b) / 2 for a, b in _pairs(values)] or [values[0]]
    tried = between[:: max(1, len(between) // _THRESHOLDS)]
    n, most, threshold, over_is = len(examples), -1, 0.0, True
    for one in tried:
        hits = sum((found.get(name, 0.0) > one) == arm for found, arm in examples)
        if max(hits, n - hits) > most:
            most, threshold, over_is = max(hits, n - hits), one, hits >= n - hits
    return Stump(name, threshold, over_is, math.log((most + 1) / (n - most + 1)))


def chance_allows(guesses: int, risk: float) -> int:
    """The most right guesses that a coin reaches, but for this risk; by symmetry the fewest too."""
    tail = 0.0
    for hits in range(guesses, -1, -1):
        tail += math.comb(guesses, hits) / 2**guesses
        if tail > risk:
            return hits
    return 0
