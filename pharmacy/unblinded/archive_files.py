"""What a closed study's archive holds, file by file: everything opened, so that no key is needed.

It ends with the entries that closed the study in both trails: what comes later, a broken code or
a download, changes nothing of it, and whoever makes it again makes the same bytes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pharmacy.crypto import archive_verifier
from pharmacy.crypto.archive_verifier import BLINDED, FORM, HEADS, SEALED, UNBLINDED
from pharmacy.domain.audit import Frontier, leaf_hash
from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import StudyStage
from pharmacy.persistence import bags, participants
from pharmacy.persistence.audit import AuditEntry, AuditHead
from pharmacy.persistence.studies import ProtocolVersion
from pharmacy.services.act import Act
from pharmacy.services.stages import CONFIRMED_EVENTS
from pharmacy.unblinded import bag_record, inbox, list_export, trail, versions
from pharmacy.unblinded.archive_tables import blinded_tables
from pharmacy.unblinded.former_words import words_at
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import LitAuditEntry, LitAuditHead
from pharmacy.unblinded.taken_slots import CHANGED
from pharmacy.unblinded.versions import Ring
from pharmacy.unblinded.warrants import Warrant

_CLOSED = CONFIRMED_EVENTS[StudyStage.CLOSED]
_README = Path(__file__).with_name("archive_readme.txt")
_VERIFIER = Path(archive_verifier.__file__)


def archive_files(act: Act, room: OpenRoom, warrant: Warrant) -> dict[str, bytes]:
    """Every file but the manifest and its signatures, by name."""
    blinded, closing = _blinded(act)
    unblinded, ring = _unblinded(act, room), _ring(act, room)
    slots = list_export.opened_slots(act, room, warrant)
    listed = list_export.files(act, room, slots)
    tables = blinded_tables(act.uow.session, act.in_study.id, closing.at)
    return {
        "README.txt": _README.read_bytes(),
        "verify.py": _VERIFIER.read_bytes(),
        **{f"list/{name}": content for name, content in listed.items()},
        **{f"tables/{name}.csv": content for name, content in tables.items()},
        **_protocols(act),
        "bags.jsonl": _bags(act, room),
        "inbox.jsonl": _inbox(act, room, closing.at),
        "people.json": _people(act, closing),
        BLINDED: _jsonl(_plain(row) for row in blinded),
        UNBLINDED: _jsonl(_opened(row, ring) for row in unblinded),
        SEALED: _jsonl(_sealed(row) for row in unblinded),
        HEADS: _heads(blinded, unblinded),
    }


def manifest(act: Act, files: Mapping[str, bytes]) -> bytes:
    """What is signed: which study, and the hash of every file."""
    listed = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(files.items())
    ]
    told = {
        "form": FORM,
        "study_id": act.in_study.id,
        "study": act.in_study.code,
        "title": act.in_study.title,
        "mode": act.in_study.mode,
        "files": listed,
    }
    return _json(told)


def _blinded(act: Act) -> tuple[list[AuditEntry], AuditEntry]:
    """The blinded trail up to the entry that closed the study, and that entry."""
    query = sa.select(AuditEntry).where(AuditEntry.trail == act.in_study.id)
    rows = list(act.uow.session.scalars(query.order_by(AuditEntry.seq)))
    head = act.uow.session.get_one(AuditHead, act.in_study.id)
    _need_whole([row.leaf for row in rows], head.size, Frontier.from_bytes(head.frontier))
    closing = next((row for row in rows if row.event == _CLOSED), None)
    if closing is None:
        raise Refusal(CHANGED)
    return rows[: closing.seq], closing


def _unblinded(act: Act, room: OpenRoom) -> list[LitAuditEntry]:
    query = sa.select(LitAuditEntry).where(LitAuditEntry.study_id == act.in_study.id)
    rows = list(act.uow.session.scalars(query.order_by(LitAuditEntry.seq)))
    head = act.uow.session.get_one(LitAuditHead, act.in_study.id)
    hashes = int(head.size).bit_count()
    _need_whole(
        [row.leaf for row in rows], head.size, Frontier.from_bytes(head.frontier[: 8 + 32 * hashes])
    )
    ring = _ring(act, room)
    for row in rows:
        if trail.read(row, ring)["event"] == _CLOSED:
            return rows[: row.seq]
    raise Refusal(CHANGED)


def _need_whole(leaves: list[bytes], size: int, stored: Frontier) -> None:
    """A trail that does not lead to its own head is not signed for."""
    if len(leaves) != size or _grown(leaves).root() != stored.root():
        raise Refusal(CHANGED)


def _grown(leaves: list[bytes]) -> Frontier:
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier


def _heads(blinded: list[AuditEntry], unblinded: list[LitAuditEntry]) -> bytes:
    told = {
        name: {"size": len(rows), "root": _grown([row.leaf for row in rows]).root().hex()}
        for name, rows in (("blinded", blinded), ("unblinded", unblinded))
    }
    return _json(told)


def _plain(row: AuditEntry) -> dict[str, Any]:
    return {"seq": row.seq, "leaf": row.leaf.hex(), "body": row.body.decode()}


def _ring(act: Act, room: OpenRoom) -> Ring:
    return versions.ring(act.uow.session, act.in_study.id, room.record_key)


def _opened(row: LitAuditEntry, ring: Ring) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "leaf": leaf_hash(row.body).hex(),
        "entry": trail.read(row, ring),
    }


def _sealed(row: LitAuditEntry) -> dict[str, Any]:
    sealed = base64.b64encode(row.body).decode()
    return {"seq": row.seq, "leaf": row.leaf.hex(), "sealed": sealed}


def _bags(act: Act, room: OpenRoom) -> bytes:
    codes = {one.id: one.code for one in participants.of_study(act.uow.session, act.in_study.id)}
    found = bags.bags_of_study(act.uow.session, act.in_study.id)
    return _jsonl(
        {
            "bag": bag.id,
            "participant": codes[course.participant_id],
            "visit": course.visit,
            "day": day.day,
            "number": bag.number,
            "state": bag.state,
            "record": bag_record.written(bag_record.read(act, room, bag.id)),
        }
        for bag, day, course in sorted(found, key=lambda one: one[0].id)
    )


def _inbox(act: Act, room: OpenRoom, until: datetime) -> bytes:
    return _jsonl(
        {"id": record_id, **said}
        for record_id, said in inbox.everything(act, room)
        if datetime.fromisoformat(said["at"]) <= until
    )


def _people(act: Act, closing: AuditEntry) -> bytes:
    """Who had which roles at the closing, with the six words of whoever had keys then.

    An entry from before the words were written into it has those of its moment.
    """
    team = json.loads(closing.body)["new"]["people"]
    for one in team:
        if "six_words" not in one:
            one["six_words"] = words_at(act, one["id"], closing.at)
    return _json(team)


def _protocols(act: Act) -> dict[str, bytes]:
    query = sa.select(ProtocolVersion).where(ProtocolVersion.study_id == act.in_study.id)
    versions = act.uow.session.scalars(query.order_by(ProtocolVersion.added_at))
    return {
        f"protocol/{number}.toml": row.toml_text.encode() for number, row in enumerate(versions, 1)
    }


def _jsonl(lines: Any) -> bytes:
    return "".join(f"{json.dumps(line, sort_keys=True)}\n" for line in lines).encode()


def _json(told: object) -> bytes:
    return (json.dumps(told, indent=2, sort_keys=True) + "\n").encode()
