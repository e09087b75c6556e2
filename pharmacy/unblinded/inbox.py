"""The inbox: what is written while nobody holds a key, for the pharmacy alone to read.

Every record is sealed to the study's inbox key at one size, whatever stands in it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.wrapping import unwrap_record, wrap_record
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, versions
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import INBOX_SIZE, KEY_SIZE, InboxRecord, StudyKeys
from pharmacy.unblinded.taken_slots import CHANGED
from pharmacy.unblinded.versions import Ring

# Of the record's size: what a person may type, as it is written down.
_MOST_SAID_BYTES = 1200


def check_said(text: str) -> str:
    """What a person typed, if it fits; `BadForm` when it is too long."""
    if len(json.dumps(text, ensure_ascii=False).encode()) > _MOST_SAID_BYTES:
        raise BadForm({"said": "This is too long. Write at most 1,000 letters."})
    return text


def put(act: Act, keys: StudyKeys, record_id: str, said: dict[str, Any]) -> None:
    """Keep one record; an id that is there already is a `Conflict` with whoever was faster."""
    plain = json.dumps(said, ensure_ascii=False, sort_keys=True).encode()
    context = contexts.inbox_record(keys.study_id, keys.version, record_id)
    act.uow.session.add(
        InboxRecord(
            id=record_id,
            study_id=keys.study_id,
            key_version=keys.version,
            record=wrap_record(keys.inbox_public, plain, INBOX_SIZE, context),
        )
    )
    act.uow.session.flush()


def open_all(act: Act, record_key: bytes) -> list[dict[str, Any]]:
    """Every record, each by the inbox key of its time; `CannotOpen` when one does not open."""
    ring = versions.ring(act.uow.session, act.in_study.id, record_key)
    return [_open(act, ring, row) for row in _rows(act)]


def opened(act: Act, room: OpenRoom, kind: str) -> list[dict[str, Any]]:
    """The records of one kind, newest first; one that does not open is refused (409)."""
    try:
        found = open_all(act, room.record_key)
    except CannotOpen:
        raise Refusal(CHANGED) from None
    wanted = [said for said in found if said["kind"] == kind]
    return sorted(wanted, key=lambda said: str(said["at"]), reverse=True)


def everything(act: Act, room: OpenRoom) -> list[tuple[str, dict[str, Any]]]:
    """Every record by its id, whatever its kind; one that does not open is refused (409)."""
    try:
        ring = versions.ring(act.uow.session, act.in_study.id, room.record_key)
        return [(row.id, _open(act, ring, row)) for row in _rows(act)]
    except CannotOpen:
        raise Refusal(CHANGED) from None


def _rows(act: Act) -> Sequence[InboxRecord]:
    query = sa.select(InboxRecord).where(InboxRecord.study_id == act.in_study.id)
    return act.uow.session.scalars(query.order_by(InboxRecord.id)).all()


def _open(act: Act, ring: Ring, row: InboxRecord) -> dict[str, Any]:
    keys = act.uow.session.get_one(StudyKeys, (row.study_id, row.key_version))
    context = contexts.inbox_key(keys.study_id, keys.version)
    private = open_sealed(ring.keys[keys.version], keys.inbox_private, KEY_SIZE, context)
    context = contexts.inbox_record(row.study_id, row.key_version, row.id)
    said: dict[str, Any] = json.loads(unwrap_record(private, row.record, INBOX_SIZE, context))
    return said
