"""The audit trails a blinded person may read: the installation's, and one per study.

Append-only by trigger; the head row is locked last in a transaction, so that a trail is
gap-free and a commit waits for no more than its own trail.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, Session, mapped_column

from pharmacy.domain.audit import Frontier, canonical_bytes, leaf_hash
from pharmacy.persistence.base import Base

INSTALLATION = "installation"


class AuditHead(Base):
    """Where a trail stands: how many entries, and the Merkle frontier over their leaves."""

    __tablename__ = "audit_head"
    trail: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    size: Mapped[int]
    frontier: Mapped[bytes]


class AuditEntry(Base):
    """One recorded act: the stored canonical bytes are what the leaf hash covers."""

    __tablename__ = "audit_entry"
    trail: Mapped[str] = mapped_column(sa.ForeignKey("audit_head.trail"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    person_id: Mapped[str | None] = mapped_column(sa.String(32))
    event: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(80))
    body: Mapped[bytes]
    leaf: Mapped[bytes] = mapped_column(sa.LargeBinary(32))


def open_trail(session: Session, trail: str) -> None:
    """Begin a trail of its own; it must not exist yet."""
    session.add(AuditHead(trail=trail, size=0, frontier=Frontier().to_bytes()))


def append(session: Session, trail: str, facts: dict[str, object], at: datetime) -> None:
    """Write the next entry of `trail`.

    `facts` has at least `event`, `subject` and `person_id`; its canonical bytes, with the
    number and the time, are stored and hashed as they stand.
    """
    head = session.scalars(
        sa.select(AuditHead)
        .where(AuditHead.trail == trail)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    seq = head.size + 1
    body = canonical_bytes({**facts, "trail": trail, "seq": seq, "at": at})
    leaf = leaf_hash(body)
    frontier = Frontier.from_bytes(head.frontier)
    frontier.append(leaf)
    head.size, head.frontier = seq, frontier.to_bytes()
    session.add(
        AuditEntry(
            trail=trail,
            seq=seq,
            at=at,
            person_id=facts["person_id"],
            event=facts["event"],
            subject=facts["subject"],
            body=body,
            leaf=leaf,
        )
    )


def entries(
    session: Session, trail: str, before: int | None = None, most: int = 100
) -> list[AuditEntry]:
    """The newest `most` entries of a trail, newest first, older than number `before`."""
    query = sa.select(AuditEntry).where(AuditEntry.trail == trail)
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    return list(session.scalars(query.order_by(AuditEntry.seq.desc()).limit(most)))


def page(
    session: Session,
    trail: str,
    *,
    text: str = "",
    subjects: Sequence[str] = (),
    before: int | None = None,
    after: int | None = None,
    most: int | None = None,
    until: datetime | None = None,
) -> list[AuditEntry]:
    """At most `most` entries whose event or subject contains `text`, whatever its case.

    With `until` the trail ends before its first entry of a later moment: a release is written
    early and must not be told before its time, neither by itself nor by a number left out.

    `subjects` are those that `text` means by another name, such as a person's. Older than
    `before`: newest first, as without either. Newer than `after`: oldest first.
    """
    query = sa.select(AuditEntry).where(AuditEntry.trail == trail)
    if text:
        event = text.strip().replace(" ", "_")
        query = query.where(
            AuditEntry.event.icontains(event, autoescape=True)
            | AuditEntry.subject.icontains(text.strip(), autoescape=True)
            | AuditEntry.subject.in_(subjects)
        )
    if until is not None:
        early = sa.select(sa.func.min(AuditEntry.seq)).where(
            AuditEntry.trail == trail, AuditEntry.at > until
        )
        first_early = session.scalars(early).one()
        before = min((n for n in (before, first_early) if n is not None), default=None)
    if before is not None:
        query = query.where(AuditEntry.seq < before)
    if after is not None:
        query = query.where(AuditEntry.seq > after)
    order = AuditEntry.seq.desc() if after is None else AuditEntry.seq.asc()
    return list(session.scalars(query.order_by(order).limit(most)))


def of_event(session: Session, trail: str, event: str) -> list[AuditEntry]:
    """Every entry of an event, newest first."""
    query = sa.select(AuditEntry).where(AuditEntry.trail == trail, AuditEntry.event == event)
    return list(session.scalars(query.order_by(AuditEntry.seq.desc())))


def newest_of(session: Session, trail: str, event: str, person_id: str) -> AuditEntry | None:
    """The newest entry of an event by a person."""
    query = sa.select(AuditEntry).where(
        AuditEntry.trail == trail, AuditEntry.event == event, AuditEntry.person_id == person_id
    )
    return session.scalars(query.order_by(AuditEntry.seq.desc()).limit(1)).one_or_none()
