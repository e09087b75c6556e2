"""The load certificate: what may be printed of a loaded list, and who holds its keys.

It carries no hash of the list rules. They say block lengths, which can be guessed; a hash of them
without a key would be the rules. The commitment covers them: what is committed to begins with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission, Role
from pharmacy.persistence import people
from pharmacy.services.act import Act
from pharmacy.unblinded import (
    dummy_lists,
    list_growing,
    list_parts,
    list_proof,
    private_record,
    sealed_list,
)
from pharmacy.unblinded.granting import granted
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.list_derivation import may_derive
from pharmacy.unblinded.list_entries import loading_entry
from pharmacy.unblinded.list_facts import SOURCES, seed_digest
from pharmacy.unblinded.list_parts import FIRST, Part
from pharmacy.unblinded.list_proof import CertificateFile
from pharmacy.unblinded.list_signers import signing_keys
from pharmacy.unblinded.sealed_list import DUMMY, NOT_LIVE
from pharmacy.unblinded.tables import SealedList, StudyKeys


@dataclass(frozen=True)
class Certificate:
    """What is printed after loading: nothing of the list itself.

    `signer_words` are of the keys that signed, which the loader may have given up since.
    `confirmed` is who confirmed a dummy list, and when. `may_derive`: the reader made the list and
    has the keys that its seed is sealed to.
    """

    study_code: str
    study_title: str
    slots: int
    strata: tuple[tuple[str, int], ...]
    source: str
    dummy: bool
    commitment: str
    signature: str
    list_key: str
    record_key: str
    loaded_by: str
    signer_words: str
    loaded_at: datetime | None
    fingerprints: tuple[tuple[str, str], ...]
    confirmed: tuple[tuple[str, datetime], ...]
    may_derive: bool
    statement: str
    meaning: str
    part: int = FIRST


def certificate(act: Act, part: int = FIRST) -> Certificate:
    """The facts of a part's load certificate.

    Refused (404) before it is loaded, (409) where no keys of the loader's have signed it.
    """
    act.permit(Permission.LOAD_LIST)
    return _certificate(act, part)


def _certificate(act: Act, part: int) -> Certificate:
    loaded, strata = _loaded(act, part), tuple(list_parts.rows_of(act, part).items())
    keys = act.uow.session.get_one(StudyKeys, (act.in_study.id, loaded.loaded_version))
    loader = people.person(act.uow.session, loaded.loaded_by)
    return Certificate(
        study_code=act.in_study.code,
        study_title=act.in_study.title,
        slots=sum(slots for _, slots in strata),
        strata=strata,
        source=SOURCES[loaded.source],
        dummy=loaded.dummy,
        commitment=loaded.commitment.hex(),
        signature=loaded.signature.hex(),
        list_key=keys.list_commitment.hex(),
        record_key=keys.record_commitment.hex(),
        loaded_by=loader.full_name if loader else "",
        signer_words=private_record.six_words(signing_keys(act, loaded)),
        loaded_at=_loaded_at(act, part),
        fingerprints=_fingerprints(act),
        confirmed=dummy_lists.confirmed_by(act, loaded) if isinstance(loaded, SealedList) else (),
        may_derive=may_derive(act, loaded),
        statement=DUMMY if loaded.dummy else NOT_LIVE,
        meaning=_meaning_of(loaded),
        part=part,
    )


def certificate_file(act: Act, part: int = FIRST) -> str:
    """The same for programs: the JSON that `list prove` reads.

    Refused (404) as above, and (409) for a list from before source and purpose were signed.
    """
    act.permit(Permission.LOAD_LIST)
    text = written_file(act, part)
    if not text:
        raise Refusal("This list was loaded by an earlier version, which signed no such file.")
    return text


def written_file(act: Act, part: int = FIRST) -> str:
    """The same for whoever has a list opened at its end; empty where nothing was signed for it."""
    shown, loaded = _certificate(act, part), _loaded(act, part)
    if loaded.facts_signature is None:
        return ""
    signer = signing_keys(act, loaded)
    return list_proof.written(
        CertificateFile(
            study_id=act.in_study.id,
            study_code=shown.study_code,
            key_version=loaded.loaded_version,
            slots=shown.slots,
            source=loaded.source,
            dummy=loaded.dummy,
            statement=shown.statement,
            meaning=shown.meaning,
            loaded_at=shown.loaded_at.isoformat() if shown.loaded_at else "",
            loader_id=loaded.loaded_by,
            loader_name=shown.loaded_by,
            loader_exchange_public=signer.exchange_public,
            loader_signing_public=signer.signing_public,
            commitment=loaded.commitment,
            slots_digest=loaded.slots_digest,
            seed_digest=seed_digest(loaded.seed_wrap),
            signature=loaded.signature,
            facts_signature=loaded.facts_signature,
            part=part,
            before=list_parts.chain_before(act, part),
        )
    )


def _loaded(act: Act, part: int) -> Part:
    if not list_parts.parts(act):
        raise Refusal("No list is loaded yet.", status=404)
    return list_parts.find(act, part)


def _meaning_of(loaded: Part) -> str:
    of_part = sealed_list if loaded.part == FIRST else list_growing
    return of_part.meaning_of(loaded.source)


def _loaded_at(act: Act, part: int) -> datetime | None:
    entry = loading_entry(act, part)
    return entry.at if entry is not None else None


def _fingerprints(act: Act) -> tuple[tuple[str, str], ...]:
    rows = []
    for role in (Role.STATISTICIAN, Role.PHARMACIST, Role.CHECKER):
        for person in people.members(act.uow.session, act.in_study.id, role):
            keys = keys_of(act, person.id)
            if keys is not None and granted(act, person.id):
                rows.append((person.full_name, private_record.six_words(keys)))
    return tuple(dict.fromkeys(rows))
