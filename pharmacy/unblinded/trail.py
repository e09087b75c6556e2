"""The unblinded trail of a study: each entry sealed under the record key, hashed as sealed.

It carries its run's time and who, inside; outside only its number. Entries may name blinded
entries by number, never the other way.
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.domain.audit import Frontier, canonical_bytes, leaf_hash
from pharmacy.persistence.audit import AuditEntry, AuditHead
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, versions
from pharmacy.unblinded.tables import FRONTIER_LENGTH, TRAIL_BODY_SIZE, LitAuditEntry, LitAuditHead
from pharmacy.unblinded.versions import Ring


def begin(act: Act) -> None:
    """Begin the trail when a study's keys are founded."""
    act.uow.session.add(
        LitAuditHead(study_id=act.in_study.id, size=0, frontier=_padded(Frontier()))
    )
    act.uow.session.flush()


def record(act: Act, record_key: bytes, event: str, subject: str, **facts: object) -> None:
    """Keep one sealed entry for the commit; it is written after every blinded one."""
    body: dict[str, object] = {
        "event": event,
        "subject": subject,
        "person": act.person.id,
        "name": act.person.full_name,
        "at": act.now,
        **facts,
    }
    act.uow.record_last(lambda: _append(act, record_key, body))


def entries(act: Act, record_key: bytes) -> list[dict[str, Any]]:
    """The whole trail opened, oldest first."""
    rows = act.uow.session.scalars(
        sa.select(LitAuditEntry)
        .where(LitAuditEntry.study_id == act.in_study.id)
        .order_by(LitAuditEntry.seq)
    )
    ring = versions.ring(act.uow.session, act.in_study.id, record_key)
    return [read(row, ring) for row in rows]


def find_operation(
    act: Act, record_key: bytes, event: str, operation_id: str
) -> dict[str, Any] | None:
    """The acting person's entry of this event that one form wrote, if it was sent before."""
    wanted = (event, act.person.id, operation_id)
    for entry in entries(act, record_key):
        if tuple(entry.get(name) for name in ("event", "person", "operation")) == wanted:
            return entry
    return None


def read(row: LitAuditEntry, ring: Ring) -> dict[str, Any]:
    """One entry opened by the record key of its time."""
    context = contexts.trail_entry(row.study_id, row.seq)
    found: dict[str, Any] = json.loads(
        open_sealed(ring.of_entry(row.seq), row.body, TRAIL_BODY_SIZE, context)
    )
    return found


def newest(act: Act) -> int:
    """The number of the newest entry."""
    return act.uow.session.get_one(LitAuditHead, act.in_study.id).size


def _append(act: Act, record_key: bytes, body: dict[str, object]) -> None:
    session, study_id = act.uow.session, act.in_study.id
    versions.check_record_key(session, study_id, record_key)
    head = session.scalars(
        sa.select(LitAuditHead)
        .where(LitAuditHead.study_id == study_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    seq = head.size + 1
    sealed_body = seal(
        record_key,
        canonical_bytes({**body, "seq": seq, **_blinded_place(session, study_id)}),
        TRAIL_BODY_SIZE,
        contexts.trail_entry(study_id, seq),
        act.surroundings.random_bytes("lit trail entry", 32),
    )
    leaf = leaf_hash(sealed_body)
    frontier = _frontier(head)
    frontier.append(leaf)
    head.size, head.frontier = seq, _padded(frontier)
    session.add(LitAuditEntry(study_id=study_id, seq=seq, body=sealed_body, leaf=leaf))
    session.flush()


def _padded(frontier: Frontier) -> bytes:
    return frontier.to_bytes().ljust(FRONTIER_LENGTH, b"\0")


def _frontier(head: LitAuditHead) -> Frontier:
    hashes = int(head.size).bit_count()
    return Frontier.from_bytes(head.frontier[: 8 + 32 * hashes])


def _blinded_place(session: Session, study_id: str) -> dict[str, object]:
    """Where the blinded trail stands, by number and hash: entries refer to it, never back."""
    size = session.get_one(AuditHead, study_id, populate_existing=True).size
    newest_entry = session.get(AuditEntry, (study_id, size))
    return {"blinded_seq": size, "blinded_leaf": newest_entry.leaf.hex() if newest_entry else ""}
