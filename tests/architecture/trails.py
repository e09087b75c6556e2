"""Wall 7's tools: rows to change, and a reader that recomputes a trail from its stored bytes."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.domain.audit import Frontier, canonical_bytes
from pharmacy.persistence.audit import AuditEntry, AuditHead
from pharmacy.persistence.people import Person
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.unblinded.tables import LitAuditEntry, LitAuditHead

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PERSON = {
    "id": "a" * 32,
    "user_name": "r.okafor",
    "full_name": "R. Okafor",
    "initials": "RO",
    "administrator": False,
    "password_hash": None,
    "created_at": NOON,
    "left_at": None,
}


def a_person(**changes: Any) -> Person:
    """A person who is in no database yet."""
    return Person(**{**PERSON, **changes})


def enter(uow: UnitOfWork, event: str, trail: str = "installation") -> None:
    """One entry that waits for its commit."""
    uow.record(trail, event, person_id=None, subject="person:x", new={"said": event})


def root_of(leaves: list[bytes]) -> bytes:
    """The root of RFC 6962 section 2.1 as it is defined, by halves; not as the product does it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    left, right = root_of(leaves[:split]), root_of(leaves[split:])
    return hashlib.sha256(b"\x01" + left + right).digest()


def trail_faults(session: Session) -> list[str]:
    """What is wrong with the trails of a database, recomputed from the stored bytes alone."""
    found: list[str] = []
    for head in session.scalars(sa.select(AuditHead).order_by(AuditHead.trail)):
        query = sa.select(AuditEntry).where(AuditEntry.trail == head.trail)
        rows = list(session.scalars(query.order_by(AuditEntry.seq)))
        found += _chain(f"trail {head.trail}", head, rows)
        for row in rows:
            found += _columns(f"trail {head.trail}, entry {row.seq}", row)
    for lit in session.scalars(sa.select(LitAuditHead)):
        sealed = sa.select(LitAuditEntry).where(LitAuditEntry.study_id == lit.study_id)
        rows = list(session.scalars(sealed.order_by(LitAuditEntry.seq)))
        found += _chain("the unblinded trail", lit, rows)
    return found


def _chain(name: str, head: Any, rows: list[Any]) -> list[str]:
    found = []
    if [row.seq for row in rows] != list(range(1, len(rows) + 1)):
        found.append(f"{name}: its numbers have a gap")
    if head.size != len(rows):
        found.append(f"{name}: its head counts {head.size} entries of {len(rows)}")
    for row in rows:
        if hashlib.sha256(b"\x00" + row.body).digest() != row.leaf:
            found.append(f"{name}, entry {row.seq}: its leaf is not the hash of its bytes")
    count = int.from_bytes(head.frontier[:8], "big").bit_count()
    kept = head.frontier[: 8 + 32 * count]
    if Frontier.from_bytes(kept).root() != root_of([row.leaf for row in rows]):
        found.append(f"{name}: its frontier is not over these leaves")
    return found


def _columns(name: str, row: AuditEntry) -> list[str]:
    """Whether the columns that are searched say what the hashed bytes say."""
    body = json.loads(row.body)
    found = []
    if canonical_bytes(body) != row.body:
        found.append(f"{name}: its bytes are not the canonical ones")
    at = row.at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    said = {
        "trail": row.trail,
        "seq": row.seq,
        "at": at,
        "person_id": row.person_id,
        "event": row.event,
        "subject": row.subject,
    }
    found += [
        f"{name}: {key} is not what its bytes say" for key in said if body.get(key) != said[key]
    ]
    return found
