"""A warrant: a committed entry that says who, for whom and why.

Nothing is revealed that is not already written down. At the bench it is an entry of the unblinded
trail; whoever breaks a code holds no key of that one, so there it is an entry of the blinded one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.domain.errors import Refusal
from pharmacy.persistence.audit import AuditEntry
from pharmacy.services.act import Act
from pharmacy.unblinded import trail, versions
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import LitAuditEntry

CODE_BREAK_OPENED = "code_break_opened"
# The same for a drill: it stands for no envelope, whatever form it names.
DRILL_OPENED = "code_break_drill_opened"
_NOT_WRITTEN = "Nothing is opened that is not written down first."


@dataclass(frozen=True)
class Warrant:
    """Where the entry stands, and whom and what it names."""

    study_id: str
    seq: int
    person_id: str
    subject: str
    reason: str


@dataclass(frozen=True)
class BreakWarrant:
    """The same for a broken code; `form` is the number of the form that asked for it."""

    study_id: str
    seq: int
    person_id: str
    subject: str
    reason: str
    form: str


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
    ring = versions.ring(act.uow.session, act.in_study.id, room.record_key)
    for row in rows:
        entry = trail.read(row, ring)
        if tuple(entry.get(name) for name in ("event", "subject", "reason", "person")) == wanted:
            return Warrant(act.in_study.id, row.seq, act.person.id, subject, reason)
    raise Refusal(_NOT_WRITTEN, status=403)


def commit_break_warrant(
    act: Act,
    subject: str,
    reason: str,
    form: str,
    event: str = CODE_BREAK_OPENED,
    **facts: object,
) -> BreakWarrant:
    """Write the entry of a broken code and commit it with everything else changed so far."""
    act.record(event, subject, new={"form": form, **facts}, reason=reason)
    act.uow.commit()
    found = find_break_warrant(act, subject, reason, form, event)
    if found is None:
        raise Refusal(_NOT_WRITTEN, status=403)
    return found


def find_break_warrant(
    act: Act, subject: str, reason: str, form: str, event: str = CODE_BREAK_OPENED
) -> BreakWarrant | None:
    """The entry that this very form of the acting person wrote before, if it did.

    The same form with another participant or reason is refused (409).
    """
    rows = act.uow.session.scalars(
        sa.select(AuditEntry)
        .where(
            AuditEntry.trail == act.in_study.id,
            AuditEntry.event == event,
            AuditEntry.person_id == act.person.id,
        )
        .order_by(AuditEntry.seq.desc())
    )
    for row in rows:
        entry = json.loads(row.body)
        if entry["new"]["form"] != form:
            continue
        if (entry["subject"], entry["reason"]) != (subject, reason):
            raise Refusal("This form was already sent with other contents. Open the page again.")
        return BreakWarrant(act.in_study.id, row.seq, act.person.id, subject, reason, form)
    return None
