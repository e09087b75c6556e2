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
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, list_export, private_record, trail
from pharmacy.unblinded.archive_files import archive_files, manifest
from pharmacy.unblinded.holders import keys_of, unlock_own
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
    """Who has signed, by name and six words."""

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

    Signing again replaces one's own signature: the records may have been put right. Refused (409)
    before the study is closed, (403) without the list key.
    """
    act.permit(Permission.END_STUDY)
    stages.admit(act, StudyAct.ARCHIVE)
    _, unlocked = unlock_own(act, passphrase, pepper)
    warrant = list_export.warrant_for(act, room, "archive", operation_id)
    said = manifest(act, archive_files(act, room, warrant))
    signature = sign(unlocked.record.signing_private, contexts.study_archive(act.in_study.id), said)
    row = ArchiveSignature(study_id=act.in_study.id, person_id=act.person.id, signature=signature)
    act.uow.session.merge(row)
    subject = f"study:{act.in_study.id}"
    trail.record(act, room.record_key, SIGNED_EVENT, subject, operation=operation_id)
    act.record(SIGNED_EVENT, subject)


def archive(act: Act, room: OpenRoom, operation_id: str) -> bytes:
    """The signed archive as one ZIP; each time is an opening of its own and recorded."""
    act.permit(Permission.END_STUDY)
    stages.admit(act, StudyAct.ARCHIVE)
    if len(_rows(act)) < NEEDED_SIGNERS:
        raise Refusal(_TOO_FEW)
    warrant = list_export.warrant_for(act, room, "archive", operation_id)
    files = archive_files(act, room, warrant)
    said = manifest(act, files)
    signed = [_signed(act, row, said) for row in _rows(act)]
    written = (json.dumps({"signatures": signed}, indent=2) + "\n").encode()
    return zip_bytes({**files, MANIFEST: said, SIGNATURES: written})


def _signed(act: Act, row: ArchiveSignature, said: bytes) -> dict[str, str]:
    keys = keys_of(act, row.person_id)
    context = contexts.study_archive(act.in_study.id)
    if keys is None or not verify(keys.signing_public, context, said, row.signature):
        raise Refusal(_OTHER)
    signer = _signer(act, row)
    return {
        "person_id": row.person_id,
        "name": signer.name,
        "six_words": signer.six_words,
        "exchange_public": keys.exchange_public.hex(),
        "signing_public": keys.signing_public.hex(),
        "signature": row.signature.hex(),
    }


def _rows(act: Act) -> list[ArchiveSignature]:
    query = sa.select(ArchiveSignature).where(ArchiveSignature.study_id == act.in_study.id)
    return list(act.uow.session.scalars(query.order_by(ArchiveSignature.person_id)))


def _signer(act: Act, row: ArchiveSignature) -> Signer:
    person, keys = people.person(act.uow.session, row.person_id), keys_of(act, row.person_id)
    words = private_record.six_words(keys) if keys else ""
    return Signer(row.person_id, person.full_name if person else "", words)
