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
from pharmacy.unblinded.list_facts import SOURCES, said_bytes
from pharmacy.unblinded.list_parts import FIRST
from pharmacy.unblinded.list_table import AllocationList, canonical_list_bytes

FULL_FORM = "twinbag-load-certificate-2"
# Of earlier versions: their signatures cover source, purpose and seed, and no other word.
FORM = "twinbag-load-certificate-1"
PART_FORM = "twinbag-part-certificate-1"
LONGEST_FILE = 64 * 1024
_NOT_COVERED = (
    "This certificate is of an earlier version. Its signatures do not cover the study's code, the "
    "name, the time, the statement and the meaning: they may have been altered."
)
_NOT_ONE = "The certificate is not a load certificate of Twinbag. Download it again as JSON."


@dataclass(frozen=True)
class CertificateFile:
    """What stands in the file. Keys, digests and signatures are bytes, hexadecimal when written.

    `before` stands for all that came before a later part, which its signature covers; `strata`
    are names with numbers of slots. In the full form the second signature covers every field.
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
    study_title: str = ""
    strata: tuple[tuple[str, int], ...] = ()
    list_key: bytes = b""
    record_key: bytes = b""
    form: str = FULL_FORM

    @property
    def is_full(self) -> bool:
        """Whether the signatures cover everything that the file says."""
        return self.form == FULL_FORM


_SIGNATURES = frozenset({"signature", "facts_signature"})
_OF_PARTS = frozenset({"part", "before"})
_OF_FULL = frozenset({"study_title", "strata", "list_key", "record_key"})
_ALL = {field.name: str(field.type) for field in fields(CertificateFile) if field.name != "form"}
# What a certificate of each form does not say.
_LEFT_OUT = {FULL_FORM: frozenset(), PART_FORM: _OF_FULL, FORM: _OF_FULL | _OF_PARTS}
_KINDS = {"str": str, "int": int, "bool": bool, "bytes": str}


def written(certificate: CertificateFile) -> str:
    """The certificate as JSON, its fields in one order."""
    return json.dumps(_plain(certificate), indent=2) + "\n"


def read(text: str) -> CertificateFile:
    """A certificate file read back; `BadForm` for anything else, fields added to it included."""
    raw = _object(text)
    form = raw.pop("form", None)
    if not isinstance(form, str) or form not in _LEFT_OUT:
        raise BadForm({"certificate": _NOT_ONE})
    kinds = {name: kind for name, kind in _ALL.items() if name not in _LEFT_OUT[form]}
    if raw.keys() != kinds.keys():
        raise BadForm({"certificate": _NOT_ONE})
    values: dict[str, object] = {name: _value(raw[name], kind) for name, kind in kinds.items()}
    certificate = CertificateFile(form=form, **values)  # type: ignore[arg-type]
    if form == PART_FORM and certificate.part == FIRST:
        raise BadForm({"certificate": _NOT_ONE})
    return certificate


def certified(certificate: CertificateFile) -> tuple[bytes, bytes]:
    """Context and bytes of the second signature: every field of the full form but signatures."""
    said = {name: one for name, one in _plain(certificate).items() if name not in _SIGNATURES}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    return contexts.list_certificate(certificate.study_id, certificate.part), canonical


def is_signed(certificate: CertificateFile) -> bool:
    """Whether the key that the file names signed commitment, slots and what its form covers."""
    public = certificate.loader_signing_public
    sealed = certificate.before + certificate.commitment + certificate.slots_digest
    context = list_parts.signature_context(
        certificate.study_id, certificate.key_version, certificate.part
    )
    facts, said = certified(certificate) if certificate.is_full else _of_before(certificate)
    return verify(public, context, sealed, certificate.signature) and verify(
        public, facts, said, certificate.facts_signature
    )


def _of_before(certificate: CertificateFile) -> tuple[bytes, bytes]:
    said = said_bytes(
        certificate.commitment, certificate.source, certificate.dummy, certificate.seed_digest
    )
    return list_parts.facts_context(certificate.study_id, certificate.part), said


def six_words(certificate: CertificateFile) -> str:
    """The fingerprint of the loader's keys as the printed certificate shows it."""
    holder = contexts.holder_fingerprint(
        certificate.loader_id,
        certificate.loader_exchange_public,
        certificate.loader_signing_public,
    )
    return fingerprint_words(hashlib.sha256(holder).digest())


def said_of(certificate: CertificateFile) -> list[str]:
    """What a signed certificate says, line by line; only what its signatures cover, or that they
    do not.
    """
    words = six_words(certificate)
    source = [f"{SOURCES[certificate.source]}, {certificate.slots} rows."]
    if not certificate.is_full:
        return [*source, f"Signed with the keys of these six words: {words}", _NOT_COVERED]
    part = f", part {certificate.part} of its list" if certificate.part > FIRST else ""
    return [
        f"Study {certificate.study_code}: {certificate.study_title}{part}",
        *source,
        certificate.statement,
        f"Loaded {certificate.loaded_at}. {certificate.meaning}",
        f"Signed by {certificate.loader_name}: {words}",
    ]


def is_of(certificate: CertificateFile, opening: bytes, allocation_list: AllocationList) -> bool:
    """Whether this list, with the revealed opening, is the one the certificate commits to."""
    return proves(certificate.commitment, opening, canonical_list_bytes(allocation_list))


def _plain(certificate: CertificateFile) -> dict[str, object]:
    """Every field of its form as JSON has it."""
    values: dict[str, object] = {"form": certificate.form}
    for name in _ALL:
        if name not in _LEFT_OUT[certificate.form]:
            value = getattr(certificate, name)
            values[name] = value.hex() if isinstance(value, bytes) else value
    return values


def _value(raw: object, kind: str) -> object:
    if kind not in _KINDS:
        return _counts(raw)
    if type(raw) is not _KINDS[kind]:
        raise BadForm({"certificate": _NOT_ONE})
    return _bytes(str(raw)) if kind == "bytes" else raw


def _counts(raw: object) -> tuple[tuple[str, int], ...]:
    """Names with numbers; anything else is no certificate."""
    pairs = raw if isinstance(raw, list) else [None]
    for pair in pairs:
        if not isinstance(pair, list) or [type(one) for one in pair] != [str, int]:
            raise BadForm({"certificate": _NOT_ONE})
    return tuple((name, number) for name, number in pairs)


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
