"""The archive of a closed study: signed by two people with their own keys, packed in memory.

Each makes it anew and signs its manifest; it is handed out when two of their signatures hold for
what stands in the database now. It is never on the server's disk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.archive_verifier import MANIFEST, NEEDED_SIGNERS, SIGNATURES
from pharmacy.crypto.signing import sign, verify
from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import people
from pharmacy.persistence.audit import AuditEntry
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, list_export, private_record, trail
from pharmacy.unblinded.archive_files import archive_files, manifest
from pharmacy.unblinded.former_words import words_at
from pharmacy.unblinded.holders import known_keys, unlock_own
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import ArchiveSignature
from pharmacy.unblinded.zipped import zip_bytes

SIGNED_EVENT = "archive_signed"
_TOO_FEW = "Two people sign the archive before it is handed out. One signature is missing."
_OTHER = (
    "The signatures are not of what stands here now. Call the administrator; if the records are "
    "right, both sign again."
)


@dataclass(frozen=True)
class Signer:
    """Who has signed, by name and the six words of then."""

    person_id: str
    name: str
    six_words: str


def signers(act: Act) -> list[Signer]:
    """Who has signed the archive of the act's study."""
    act.permit(Permission.END_STUDY)
    return [_signer(act, row) for row in _rows(act)]


def sign_archive(
    act: Act, room: OpenRoom, passphrase: str, operation_id: str, pepper: bytes
) -> None:
    """Make the archive and sign its manifest with the acting person's own key.

    Signing again replaces one's own signature: the records may have been put right; the same form
    sent again changes nothing. Refused (409) before the study is closed, (403) without the list
    key.
    """
    act.permit(Permission.END_STUDY)
    stages.admit(act, StudyAct.ARCHIVE)
    _, unlocked = unlock_own(act, passphrase, pepper)
    if trail.find_operation(act, room.record_key, SIGNED_EVENT, operation_id) is not None:
        return
    warrant = list_export.warrant_for(act, room, "archive", operation_id)
    said = manifest(act, archive_files(act, room, warrant))
    signature = sign(unlocked.record.signing_private, contexts.study_archive(act.in_study.id), said)
    row = ArchiveSignature(study_id=act.in_study.id, person_id=act.person.id, signature=signature)
    act.uow.session.merge(row)
    subject = f"study:{act.in_study.id}"
    trail.record(act, room.record_key, SIGNED_EVENT, subject, operation=operation_id)
    act.record(SIGNED_EVENT, subject)


def archive(act: Act, room: OpenRoom, operation_id: str) -> bytes:
    """The signed archive as one ZIP; each time is an opening of its own and recorded.

    Signatures that hold for what stands here now are handed out with it; fewer than two are
    refused (409).
    """
    act.permit(Permission.END_STUDY)
    stages.admit(act, StudyAct.ARCHIVE)
    rows = _rows(act)
    if len(rows) < NEEDED_SIGNERS:
        raise Refusal(_TOO_FEW)
    warrant = list_export.warrant_for(act, room, "archive", operation_id)
    files = archive_files(act, room, warrant)
    said = manifest(act, files)
    signed = [one for row in rows if (one := _signed(act, row, said)) is not None]
    if len(signed) < NEEDED_SIGNERS:
        raise Refusal(_OTHER)
    written = (json.dumps({"signatures": signed}, indent=2) + "\n").encode()
    return zip_bytes({**files, MANIFEST: said, SIGNATURES: written})


def _signed(act: Act, row: ArchiveSignature, said: bytes) -> dict[str, str] | None:
    """A signature with the keys by which it holds, in use or former; None if it holds by none."""
    context = contexts.study_archive(act.in_study.id)
    for keys in known_keys(act, row.person_id):
        if verify(keys.signing_public, context, said, row.signature):
            return {
                "person_id": row.person_id,
                "name": _name_of(act, row),
                "six_words": private_record.six_words(keys),
                "exchange_public": keys.exchange_public.hex(),
                "signing_public": keys.signing_public.hex(),
                "signature": row.signature.hex(),
            }
    return None


def _rows(act: Act) -> list[ArchiveSignature]:
    query = sa.select(ArchiveSignature).where(ArchiveSignature.study_id == act.in_study.id)
    return list(act.uow.session.scalars(query.order_by(ArchiveSignature.person_id)))


def _signer(act: Act, row: ArchiveSignature) -> Signer:
    query = sa.select(AuditEntry).where(
        AuditEntry.trail == act.in_study.id,
        AuditEntry.event == SIGNED_EVENT,
        AuditEntry.person_id == row.person_id,
    )
    entry = act.uow.session.scalars(query.order_by(AuditEntry.seq.desc()).limit(1)).one()
    return Signer(row.person_id, _name_of(act, row), words_at(act, row.person_id, entry.at))


def _name_of(act: Act, row: ArchiveSignature) -> str:
    person = people.person(act.uow.session, row.person_id)
    return person.full_name if person else ""
