"""What a blinded person or a thief can reach, taken step by step from one world.

Responses of blinded routes, papers, mail, log lines, and what lies at rest (`at_rest`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from werkzeug.test import TestResponse

_STATIC = re.compile(r'(?:src|href)="(/static/[^"]+)"')
# The wall clock of the answer itself; Expires is on static files alone, a year after Date.
_VARYING_HEADERS = frozenset({"date", "expires"})


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
    answered: set[tuple[str, str, bool]] = field(default_factory=set)
    drawn: set[str] = field(default_factory=set)
    static: set[str] = field(default_factory=set)
    against: Transcript | None = None
    differs: Differs | None = None

    def response(self, step: str, endpoint: str, method: str, response: TestResponse) -> None:
        """One answer of a blinded route: status, headers in order, body."""
        headers = [
            (name, value)
            for name, value in response.headers.to_wsgi_list()
            if name.lower() not in _VARYING_HEADERS
        ]
        body = response.get_data()
        self.driven.add((endpoint, method))
        self.answered.add((endpoint, method, response.status_code < 400))
        if response.mimetype == "text/html":
            self.static.update(_STATIC.findall(response.get_data(as_text=True)))
        self.add(step, f"{method} {endpoint}", repr((response.status_code, headers, body)))

    def add(self, step: str, kind: str, content: str) -> None:
        """Anything else seen: a paper, a log line, the database."""
        self.seen.append(Surface(step, kind, content))
        if self.against is not None:
            self._compare(self.against, len(self.seen) - 1)

    def ends(self) -> None:
        """Nothing more comes: the other world must not show more."""
        if self.differs is not None:
            raise self.differs
        if self.against is not None and len(self.seen) != len(self.against.seen):
            raise Differs(f"{len(self.seen)} surfaces against {len(self.against.seen)}")

    def _compare(self, other: Transcript, at: int) -> None:
        """The first difference is the one that is told: the app may have answered it as a fault."""
        if self.differs is None and at >= len(other.seen):
            here = self.seen[at]
            self.differs = Differs(f"{here.step} / {here.kind} is not in the other world")
        elif self.differs is None and self.seen[at] != other.seen[at]:
            self.differs = Differs(_told(other.seen[at], self.seen[at]))
        if self.differs is not None:
            raise self.differs


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


def _told(a: Surface, b: Surface) -> str:
    if (a.step, a.kind) != (b.step, b.kind):
        said = f"{a.content[:120]!r} against {b.content[:120]!r}"
        return f"{a.step} / {a.kind} stands against {b.step} / {b.kind}: {said}"
    at = next(
        (n for n, (x, y) in enumerate(zip(a.content, b.content, strict=False)) if x != y),
        min(len(a.content), len(b.content)),
    )
    near = slice(max(0, at - 60), at + 60)
    return f"{a.step} / {a.kind} at {at}: {a.content[near]!r} against {b.content[near]!r}"
