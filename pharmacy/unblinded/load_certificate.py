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
from pharmacy.unblinded import dummy_lists, list_parts, list_proof, private_record
from pharmacy.unblinded.certificate_making import certificate_of, of_before, told_of
from pharmacy.unblinded.granting import granted
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.list_derivation import may_derive
from pharmacy.unblinded.list_facts import SOURCES
from pharmacy.unblinded.list_parts import FIRST, Part
from pharmacy.unblinded.list_proof import CertificateFile
from pharmacy.unblinded.list_signers import signing_keys
from pharmacy.unblinded.tables import SealedList
from pharmacy.unblinded.taken_slots import CHANGED


@dataclass(frozen=True)
class Certificate:
    """What is printed after loading: nothing of the list itself.

    `full_signature` covers all of it but `fingerprints`, who holds keys now, and `confirmed`, who
    confirmed a dummy list and when; an earlier version made none. `signer_words` are of the keys
    that signed, which the loader may have given up since. `may_derive`: the reader made the list
    and has the keys that its seed is sealed to.
    """

    study_code: str
    study_title: str
    slots: int
    strata: tuple[tuple[str, int], ...]
    source: str
    dummy: bool
    commitment: str
    signature: str
    full_signature: str
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
    loaded = _loaded(act, part)
    shown = _signed(act, loaded)
    return Certificate(
        study_code=shown.study_code,
        study_title=shown.study_title,
        slots=shown.slots,
        strata=shown.strata,
        source=SOURCES[shown.source],
        dummy=shown.dummy,
        commitment=shown.commitment.hex(),
        signature=shown.signature.hex(),
        full_signature=shown.facts_signature.hex() if shown.is_full else "",
        list_key=shown.list_key.hex(),
        record_key=shown.record_key.hex(),
        loaded_by=shown.loader_name,
        signer_words=list_proof.six_words(shown),
        loaded_at=datetime.fromisoformat(shown.loaded_at) if shown.loaded_at else None,
        fingerprints=_fingerprints(act),
        confirmed=dummy_lists.confirmed_by(act, loaded) if isinstance(loaded, SealedList) else (),
        may_derive=may_derive(act, loaded),
        statement=shown.statement,
        meaning=shown.meaning,
        part=part,
    )


def commitment_of(act: Act, part: int = FIRST) -> str:
    """What a part was committed to, in hexadecimal, whether or not its signatures hold now.

    Refused (404) as above.
    """
    act.permit(Permission.LOAD_LIST)
    return _loaded(act, part).commitment.hex()


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
    loaded = _loaded(act, part)
    return list_proof.written(_signed(act, loaded)) if loaded.facts_signature is not None else ""


def _signed(act: Act, loaded: Part) -> CertificateFile:
    """What a part's certificate says, in the form that its signatures hold for; else 409.

    A list from before its source and purpose were signed has its first signature only.
    """
    told = told_of(act, loaded.part)
    if told is None:
        raise Refusal(CHANGED)
    full = certificate_of(act, loaded, signing_keys(act, loaded), told)
    for certificate in (full, of_before(full)):
        if list_proof.is_signed(certificate):
            return certificate
    if loaded.facts_signature is None:
        return of_before(full)
    raise Refusal(CHANGED)


def _loaded(act: Act, part: int) -> Part:
    if not list_parts.parts(act):
        raise Refusal("No list is loaded yet.", status=404)
    return list_parts.find(act, part)


def _fingerprints(act: Act) -> tuple[tuple[str, str], ...]:
    rows = []
    for role in (Role.STATISTICIAN, Role.PHARMACIST, Role.CHECKER):
        for person in people.members(act.uow.session, act.in_study.id, role):
            keys = keys_of(act, person.id)
            if keys is not None and granted(act, person.id):
                rows.append((person.full_name, private_record.six_words(keys)))
    return tuple(dict.fromkeys(rows))
