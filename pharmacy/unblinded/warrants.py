"""A warrant: a committed entry of the unblinded trail that says who, for whom and why.

Nothing is revealed that is not already written down.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.domain.errors import Refusal
from pharmacy.services.act import Act
from pharmacy.unblinded import trail
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import LitAuditEntry


@dataclass(frozen=True)
class Warrant:
    """Where the entry stands, and whom and what it names."""

    study_id: str
    seq: int
    person_id: str
    subject: str
    reason: str


def commit_warrant(
    act: Act, room: OpenRoom, event: str, subject: str, reason: str, **facts: object
) -> Warrant:
    """Write the entry and commit it with everything else the act has changed so far."""
    trail.record(act, room.record_key, event, subject, reason=reason, **facts)
    act.uow.commit()
    return find_warrant(act, room, event, subject, reason)


def find_warrant(act: Act, room: OpenRoom, event: str, subject: str, reason: str) -> Warrant:
    """The acting person's newest such entry; without one nothing is opened (403)."""
    rows = act.uow.session.scalars(
        sa.select(LitAuditEntry)
        .where(LitAuditEntry.study_id == act.in_study.id)
        .order_by(LitAuditEntry.seq.desc())
    )
    wanted = (event, subject, reason, act.person.id)
    for row in rows:
        entry = trail.read(row, room.record_key)
        if tuple(entry.get(name) for name in ("event", "subject", "reason", "person")) == wanted:
            return Warrant(act.in_study.id, row.seq, act.person.id, subject, reason)
    raise Refusal("Nothing is opened that is not written down first.", status=403)
