"""A part's certificate put together from what is kept of it, and the signature over all it says.

Nothing of it is kept twice: name, code and title never change, and moment, statement and meaning
stand in the blinded trail's entry of the loading.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from pharmacy.crypto.signing import sign
from pharmacy.persistence import people
from pharmacy.services.act import Act
from pharmacy.unblinded import list_parts, list_proof
from pharmacy.unblinded.list_entries import loading_entry
from pharmacy.unblinded.list_facts import seed_digest
from pharmacy.unblinded.list_parts import FIRST, Part
from pharmacy.unblinded.list_proof import FORM, PART_FORM, CertificateFile
from pharmacy.unblinded.private_record import PublicKeys
from pharmacy.unblinded.tables import StudyKeys


@dataclass(frozen=True)
class Told:
    """What whoever loaded a part said, and when."""

    loaded_at: datetime
    statement: str
    meaning: str


def told_of(act: Act, part: int) -> Told | None:
    """The same from the blinded trail; None where it has no such entry."""
    entry = loading_entry(act, part)
    if entry is None:
        return None
    new = json.loads(entry.body)["new"]
    return Told(entry.at, str(new.get("statement", "")), str(new.get("meaning", "")))


def certificate_of(act: Act, loaded: Part, signer: PublicKeys, told: Told) -> CertificateFile:
    """Everything that a part's certificate says, with such signatures as the part has by now."""
    keys = act.uow.session.get_one(StudyKeys, (act.in_study.id, loaded.loaded_version))
    strata = tuple(list_parts.rows_of(act, loaded.part).items())
    person = people.person(act.uow.session, signer.person_id)
    return CertificateFile(
        study_id=act.in_study.id,
        study_code=act.in_study.code,
        study_title=act.in_study.title,
        key_version=loaded.loaded_version,
        list_key=keys.list_commitment,
        record_key=keys.record_commitment,
        part=loaded.part,
        before=list_parts.chain_before(act, loaded.part),
        slots=sum(slots for _, slots in strata),
        strata=strata,
        source=loaded.source,
        dummy=loaded.dummy,
        statement=told.statement,
        meaning=told.meaning,
        loaded_at=told.loaded_at.isoformat(),
        loader_id=signer.person_id,
        loader_name=person.full_name if person else "",
        loader_exchange_public=signer.exchange_public,
        loader_signing_public=signer.signing_public,
        commitment=loaded.commitment,
        slots_digest=loaded.slots_digest,
        seed_digest=seed_digest(loaded.seed_wrap),
        signature=loaded.signature,
        facts_signature=loaded.facts_signature or b"",
    )


def of_before(certificate: CertificateFile) -> CertificateFile:
    """The same in the form of earlier versions, which signed less of it."""
    form = FORM if certificate.part == FIRST else PART_FORM
    return replace(certificate, form=form)


def sign_certificate(
    act: Act, loaded: Part, signer: PublicKeys, told: Told, private: bytes
) -> bytes:
    """The signer's signature over all that the certificate of a part says."""
    certificate = certificate_of(act, loaded, signer, told)
    return sign(private, *list_proof.certified(certificate))
