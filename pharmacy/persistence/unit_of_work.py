"""One transaction with its audit entries: nothing is committed that is not written down.

A view opens it, verbs write through `session` and `record`, the view commits once. Leaving
without a commit rolls back. A commit that changed a table and recorded nothing is refused,
but for the few tables named in `EXEMPT_TABLES`. Changes are noted where every statement passes,
at the connection, so that it does not matter how a statement was made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.persistence import audit

# A bag's record is a draft in the lit room: its history is inside the sealed record that changed.
# A notice is written with its act; what a mail server says to it later is no record of a study.
EXEMPT_TABLES = frozenset(
    {
        "sign_in_session",
        "throttle",
        "operation",
        "authenticator_use",
        "lit_session",
        "lit_bag_record",
        "notice_post",
    }
)
_TRAIL_TABLES = frozenset({"audit_head", "audit_entry", "lit_audit_head", "lit_audit_entry"})
# A locking read, FOR UPDATE or FOR NO KEY UPDATE, and the end of an upsert change no other table.
_WRITES = re.compile(
    r"""(?:\binsert\s+(?:or\s+\w+\s+)?into|\breplace\s+into|\bdelete\s+from|\bmerge\s+into
      |(?<!for\s)(?<!key\s)\bupdate(?:\s+or\s+\w+)?|\btruncate(?:\s+table)?)
      \s+(?:only\s+)?(?!set\b)["`\[]?(?:\w+["`\]]?\.["`\[]?)?(\w+)""",
    re.IGNORECASE | re.VERBOSE,
)
_ENDS = re.compile(r"\s*(?:commit|end)\b", re.IGNORECASE)


class UnauditedChange(Exception):
    """A commit would have changed a table without an audit entry: a bug, never a user's error."""


class UnitOfWork:
    """A session, the entries that wait for its commit, and the moment the act takes place."""

    def __init__(
        self, engine: sa.Engine | sa.Connection, now: datetime, *, reading: bool = False
    ) -> None:
        self.now = now
        self.session = Session(
            engine.execution_options(reading=True) if reading else engine, expire_on_commit=False
        )
        self._waiting: list[tuple[str, dict[str, object], datetime]] = []
        self._last: list[Callable[[], None]] = []
        self._changed: set[str] = set()
        self._entered = False
        sa.event.listen(self.session, "after_begin", self._watch)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.session.close()

    def record(
        self,
        trail: str,
        event: str,
        *,
        person_id: str | None,
        subject: str,
        old: object = None,
        new: object = None,
        reason: str = "",
        at: datetime | None = None,
    ) -> None:
        """Keep one entry for the commit: what happened to what, by whom, from what to what, why.

        `at` stands for the moment of the act when the real one must not be told: a release
        carries the scheduled time of its run.
        """
        facts: dict[str, object] = {
            "event": event,
            "person_id": person_id,
            "subject": subject,
            "old": old,
            "new": new,
            "reason": reason,
        }
        self._waiting.append((trail, facts, at or self.now))

    def record_last(self, write: Callable[[], None]) -> None:
        """Let the lit room write its own sealed entry after all blinded ones, before the commit."""
        self._last.append(write)

    def commit(self) -> None:
        """Write the waiting entries (installation, then studies, then sealed ones) and commit."""
        self.session.flush()
        if not (self._waiting or self._last):
            self._refuse_unwritten()
        for trail, facts, at in sorted(self._waiting, key=_trail_order):
            audit.append(self.session, trail, facts, at)
        self.session.flush()
        for write in self._last:
            write()
        self._entered = bool(self._waiting or self._last)
        self.session.commit()
        self._forget()

    def as_committed(self) -> Session:
        """A session of its own on what is committed by now, for reading; close it."""
        engine = self.session.get_bind()
        return Session(engine.execution_options(reading=True))

    def rollback(self) -> None:
        """Forget everything since the last commit."""
        self.session.rollback()
        self._forget()

    def _forget(self) -> None:
        self._waiting, self._last, self._changed, self._entered = [], [], set(), False

    def _watch(self, _session: Session, _transaction: Any, connection: sa.Connection) -> None:
        if not sa.event.contains(connection, "commit", self._refuse_unwritten):
            sa.event.listen(connection, "before_cursor_execute", self._note)
            sa.event.listen(connection, "commit", self._refuse_unwritten)

    def _note(self, connection: sa.Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if _ENDS.match(statement):
            self._refuse_unwritten(connection)
        self._changed |= {table.lower() for table in _WRITES.findall(statement)}

    def _refuse_unwritten(self, connection: sa.Connection | None = None) -> None:
        """Asked before every commit, also one that did not come through `commit`.

        There the connection takes itself for committed when this raises: the database is told
        to roll back first.
        """
        unwritten = self._changed - EXEMPT_TABLES - _TRAIL_TABLES
        if unwritten and not self._entered:
            if connection is not None:
                connection.connection.rollback()
            raise UnauditedChange(", ".join(sorted(unwritten)))


def _trail_order(waiting: tuple[str, dict[str, object], datetime]) -> tuple[bool, str]:
    return waiting[0] != audit.INSTALLATION, waiting[0]
