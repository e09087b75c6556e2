"""A load certificate as a file, and its proof without any database.

Two questions: did the loader sign this certificate, and is a list that somebody shows, with the
revealed opening, the one that was committed to? Six words tell whose key signed; they are compared
with the printed certificate, since a file could name any key.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields

from pharmacy.crypto.commitments import proves
from pharmacy.crypto.signing import verify
from pharmacy.crypto.words import fingerprint_words
from pharmacy.domain.errors import BadForm
from pharmacy.unblinded import contexts, list_parts
from pharmacy.unblinded.list_facts import said_bytes
from pharmacy.unblinded.list_parts import FIRST
from pharmacy.unblinded.list_table import AllocationList, canonical_list_bytes

FORM = "twinbag-load-certificate-1"
PART_FORM = "twinbag-part-certificate-1"
LONGEST_FILE = 64 * 1024
_NOT_ONE = "The certificate is not a load certificate of Twinbag. Download it again as JSON."


@dataclass(frozen=True)
class CertificateFile:
    """What stands in the file. Keys, digests and signatures are bytes, hexadecimal when written.

    `before` stands for all that came before a later part, which its signature covers.
    """

    study_id: str
    study_code: str
    key_version: int
    slots: int
    source: str
    dummy: bool
    statement: str
    meaning: str
    loaded_at: str
    loader_id: str
    loader_name: str
    loader_exchange_public: bytes
    loader_signing_public: bytes
    commitment: bytes
    slots_digest: bytes
    seed_digest: bytes
    signature: bytes
    facts_signature: bytes
    part: int = FIRST
    before: bytes = b""


# What a certificate of the list that was loaded first does not say.
_OF_PARTS = ("part", "before")
_KINDS = {"str": str, "int": int, "bool": bool, "bytes": str}


def written(certificate: CertificateFile) -> str:
    """The certificate as JSON, its fields in one order."""
    first = certificate.part == FIRST
    values = {"form": FORM if first else PART_FORM}
    for field in fields(certificate):
        if first and field.name in _OF_PARTS:
            continue
        value = getattr(certificate, field.name)
        values[field.name] = value.hex() if isinstance(value, bytes) else value
    return json.dumps(values, indent=2) + "\n"


def read(text: str) -> CertificateFile:
    """A certificate file read back; `BadForm` for anything else, fields added to it included."""
    raw = _object(text)
    names = {field.name: str(field.type) for field in fields(CertificateFile)}
    form = raw.pop("form", None)
    if form == FORM:
        names = {name: kind for name, kind in names.items() if name not in _OF_PARTS}
    if form not in (FORM, PART_FORM) or raw.keys() != names.keys():
        raise BadForm({"certificate": _NOT_ONE})
    values: dict[str, object] = {}
    for name, kind in names.items():
        value = raw[name]
        if type(value) is not _KINDS[kind]:
            raise BadForm({"certificate": _NOT_ONE})
        values[name] = _bytes(str(value)) if kind == "bytes" else value
    certificate = CertificateFile(**values)  # type: ignore[arg-type]
    if (certificate.part == FIRST) is not (form == FORM):
        raise BadForm({"certificate": _NOT_ONE})
    return certificate


def is_signed(certificate: CertificateFile) -> bool:
    """Whether the key that the file names signed commitment, slots and the facts beside them."""
    public = certificate.loader_signing_public
    sealed = certificate.before + certificate.commitment + certificate.slots_digest
    study_id, part = certificate.study_id, certificate.part
    context = list_parts.signature_context(study_id, certificate.key_version, part)
    said = said_bytes(
        certificate.commitment, certificate.source, certificate.dummy, certificate.seed_digest
    )
    facts = list_parts.facts_context(study_id, part)
    return verify(public, context, sealed, certificate.signature) and verify(
        public, facts, said, certificate.facts_signature
    )


def six_words(certificate: CertificateFile) -> str:
    """The fingerprint of the loader's keys as the printed certificate shows it."""
    holder = contexts.holder_fingerprint(
        certificate.loader_id,
        certificate.loader_exchange_public,
        certificate.loader_signing_public,
    )
    return fingerprint_words(hashlib.sha256(holder).digest())


def is_of(certificate: CertificateFile, opening: bytes, allocation_list: AllocationList) -> bool:
    """Whether this list, with the revealed opening, is the one the certificate commits to."""
    return proves(certificate.commitment, opening, canonical_list_bytes(allocation_list))


def _object(text: str) -> dict[str, object]:
    if len(text) <= LONGEST_FILE:
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError):
            raw = None
        if isinstance(raw, dict):
            return raw
    raise BadForm({"certificate": _NOT_ONE})


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadForm({"certificate": _NOT_ONE}) from None
