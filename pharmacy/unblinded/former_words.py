"""The six words that a person's keys had at some moment, as the installation's trail tells them.

Keys can be given up and made anew; what was signed or closed before then is of the former ones.
"""

from __future__ import annotations

import json
from datetime import datetime

import sqlalchemy as sa

from pharmacy.persistence.audit import INSTALLATION, AuditEntry
from pharmacy.services.act import Act
from pharmacy.unblinded.holders import CONFIRMED_EVENT
from pharmacy.unblinded.rekeying import FORGOTTEN_EVENT


def words_at(act: Act, person_id: str, moment: datetime) -> str:
    """A person's six words at a moment; empty when they had no confirmed keys then."""
    query = sa.select(AuditEntry).where(
        AuditEntry.trail == INSTALLATION,
        AuditEntry.subject == f"person:{person_id}",
        AuditEntry.event.in_((CONFIRMED_EVENT, FORGOTTEN_EVENT)),
        AuditEntry.at <= moment,
    )
    newest = act.uow.session.scalars(query.order_by(AuditEntry.seq.desc()).limit(1)).first()
    if newest is None or newest.event == FORGOTTEN_EVENT:
        return ""
    return str(json.loads(newest.body)["new"]["fingerprint"])
