"""What a blinded person or a thief can reach, taken step by step from one world.

Responses of blinded routes, papers, log lines, and the database itself: plaintext columns by
value, sealed columns by length, rows by their order.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from werkzeug.test import TestResponse

from pharmacy.persistence import schema
from pharmacy.persistence.base import Base
from pharmacy.unblinded import tables

TABLES = (schema, tables)
# Drawn afresh at every hand-over at the bench, so that how often it was drawn tells nothing; only
# the tests' keyed chance counts.
_REDRAWN = frozenset({("sign_in_session", "token_hash"), ("sign_in_session", "csrf_secret")})
_VARYING_HEADERS = frozenset({"date"})


@dataclass
class Surface:
    """One thing seen: at which step, what it was, and its bytes."""

    step: str
    kind: str
    content: str


class Differs(AssertionError):
    """Two worlds show something different: the first place where."""


@dataclass
class Transcript:
    """Everything seen in one world, in order; compared as it goes when `against` is given."""

    seen: list[Surface] = field(default_factory=list)
    driven: set[tuple[str, str]] = field(default_factory=set)
    against: Transcript | None = None

    def response(self, step: str, endpoint: str, method: str, response: TestResponse) -> None:
        """One answer of a blinded route: status, headers in order, body."""
        headers = [
            (name, value)
            for name, value in response.headers.to_wsgi_list()
            if name.lower() not in _VARYING_HEADERS
        ]
        body = response.get_data()
        self.driven.add((endpoint, method))
        self.add(step, f"{method} {endpoint}", repr((response.status_code, headers, body)))

    def add(self, step: str, kind: str, content: str) -> None:
        """Anything else seen: a paper, a log line, the database."""
        self.seen.append(Surface(step, kind, content))
        if self.against is not None:
            self._compare(self.against, len(self.seen) - 1)

    def ends(self) -> None:
        """Nothing more comes: the other world must not show more."""
        if self.against is not None and len(self.seen) != len(self.against.seen):
            raise Differs(f"{len(self.seen)} surfaces against {len(self.against.seen)}")

    def _compare(self, other: Transcript, at: int) -> None:
        if at >= len(other.seen):
            raise Differs(f"{self.seen[at].step} / {self.seen[at].kind} is not in the other world")
        if self.seen[at] != other.seen[at]:
            raise Differs(_told(other.seen[at], self.seen[at]))


@contextmanager
def logged(transcript: Transcript, step: list[str]) -> Iterator[None]:
    """Every log line of every logger, at the lowest level, becomes a surface."""

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            transcript.add(
                step[0], "log", f"{record.name} {record.levelname} {self.format(record)}"
            )

    handler, root = Keep(level=1), logging.getLogger()
    before = root.level
    ours = logging.getLogger("twinbag")
    ours_before = ours.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        ours.setLevel(ours_before)


def dump(engine: sa.Engine) -> Iterator[tuple[str, str]]:
    """Every table as a thief reads it: (table, rows in stored order)."""
    with engine.connect() as connection:
        for table in sorted(Base.metadata.tables.values(), key=lambda table: table.name):
            rows = connection.execute(sa.select(table).order_by(*_stored_order(engine, table)))
            shown = [_shown(table, row._mapping) for row in rows]
            yield table.name, "\n".join(map(repr, shown))


def _stored_order(engine: sa.Engine, table: sa.Table) -> list[Any]:
    """The order in which the rows lie in the file.

    PostgreSQL moves a row each time it is rewritten, so that only what is never rewritten lies
    there in the order of writing; the others are compared by key (docs/decisions.md).
    """
    if engine.dialect.name == "sqlite":
        return [sa.text("rowid")]
    if table.name in ("audit_entry", "lit_audit_entry"):
        return [sa.text("ctid")]
    return list(table.primary_key.columns)


def _shown(table: sa.Table, row: Any) -> list[tuple[str, object]]:
    return [(column.name, _value(column, row[column])) for column in table.columns]


def _value(column: sa.Column[Any], value: object) -> object:
    redrawn = (column.table.name, column.name) in _REDRAWN
    if (redrawn or column.info.get("sealed")) and isinstance(value, bytes):
        return ("sealed", len(value))
    return value


def _told(a: Surface, b: Surface) -> str:
    if (a.step, a.kind) != (b.step, b.kind):
        return f"{a.step} / {a.kind} stands against {b.step} / {b.kind}"
    at = next(
        (n for n, (x, y) in enumerate(zip(a.content, b.content, strict=False)) if x != y),
        min(len(a.content), len(b.content)),
    )
    near = slice(max(0, at - 60), at + 60)
    return f"{a.step} / {a.kind} at {at}: {a.content[near]!r} against {b.content[near]!r}"
