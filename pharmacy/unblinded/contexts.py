"""What each sealed thing is bound to: purpose, study, key version, place. No secret among them."""

from __future__ import annotations

from pharmacy.crypto.context import context


def private_record(person_id: str, exchange_public: bytes, signing_public: bytes) -> bytes:
    """A person's private record."""
    return context("private-record", person_id, exchange_public, signing_public)


def holder_fingerprint(person_id: str, exchange_public: bytes, signing_public: bytes) -> bytes:
    """What two people compare by six words."""
    return context("holder", person_id, exchange_public, signing_public)


def study_key(study_id: str, version: int, key_name: str) -> bytes:
    """The list or record key of a study, for its commitment."""
    return context("study-key", study_id, version, key_name)


def key_wrap(
    study_id: str, version: int, key_name: str, recipient: str, recipient_public: bytes
) -> bytes:
    """A study key wrapped to one recipient."""
    return context("key-wrap", study_id, version, key_name, recipient, recipient_public)


def founding(study_id: str, version: int) -> bytes:
    """The founder's signature over a study's keys."""
    return context("founding", study_id, version)


def inbox_key(study_id: str, version: int) -> bytes:
    """The private half of the inbox key."""
    return context("inbox-key", study_id, version)


def key_chain(study_id: str, version: int) -> bytes:
    """A former record key, sealed under the next version's."""
    return context("key-chain", study_id, version)


def key_link(study_id: str, version: int) -> bytes:
    """The signature of whoever rotated this version into the next."""
    return context("key-link", study_id, version)


def vouch(study_id: str, version: int, person_id: str, key_name: str) -> bytes:
    """A holder's signature over the fingerprint of somebody who holds a key."""
    return context("vouch", study_id, version, person_id, key_name)


def list_seal(study_id: str, version: int) -> bytes:
    """The signature over a list's commitment and its ciphertexts in a later version."""
    return context("list-seal", study_id, version)


def passphrase_change(person_id: str, exchange_public: bytes, signing_public: bytes) -> bytes:
    """What a new passphrase opens until it was typed back."""
    return context("passphrase-change", person_id, exchange_public, signing_public)


def slot_key(study_id: str, version: int, stratum: str, number: int) -> bytes:
    """The key of one slot, sealed under the list key."""
    return context("slot-key", study_id, version, stratum, number)


def envelope(study_id: str, version: int, stratum: str, number: int) -> bytes:
    """The sealed arm of one slot: another slot's envelope does not open here."""
    return context("envelope", study_id, version, stratum, number)


def break_enrolment(study_id: str, person_id: str) -> bytes:
    """A holder's signature over an investigator's fingerprint."""
    return context("break-enrolment", study_id, person_id)


def break_half(
    half: str, study_id: str, version: int, stratum: str, number: int, person_id: str
) -> bytes:
    """One half of a slot's key for one investigator: "own" or "kept"."""
    return context("break-half", half, study_id, version, stratum, number, person_id)


def break_share(study_id: str, version: int, stratum: str, number: int, person_id: str) -> bytes:
    """The granter's signature over both halves."""
    return context("break-share", study_id, version, stratum, number, person_id)


def drill_content(study_id: str, version: int, person_id: str) -> bytes:
    """What an investigator's drill envelope says."""
    return context("drill-content", study_id, version, person_id)


def inbox_record(study_id: str, version: int, record_id: str) -> bytes:
    """One record of a study's inbox."""
    return context("inbox-record", study_id, version, record_id)


def list_opening(study_id: str, version: int) -> bytes:
    """The opening of a list's commitment."""
    return context("list-opening", study_id, version)


def list_signature(study_id: str, version: int) -> bytes:
    """The loader's signature over commitment and ciphertexts."""
    return context("list-signature", study_id, version)


def list_facts(study_id: str) -> bytes:
    """The loader's signature over where a list came from and what it is for."""
    return context("list-facts", study_id)


def list_certificate(study_id: str, part: int) -> bytes:
    """The loader's signature over everything that a part's certificate says."""
    return context("list-certificate", study_id, part)


def list_seed(study_id: str, person_id: str, exchange_public: bytes) -> bytes:
    """The seed of a list made here, wrapped to its maker."""
    return context("list-seed", study_id, person_id, exchange_public)


def list_part(study_id: str, version: int, part: int) -> bytes:
    """The loader's signature over a part's commitment, ciphertexts and what came before."""
    return context("list-part", study_id, version, part)


def list_part_opening(study_id: str, version: int, part: int) -> bytes:
    """The opening of a part's commitment."""
    return context("list-part-opening", study_id, version, part)


def list_part_facts(study_id: str, part: int) -> bytes:
    """The loader's signature over where a part came from and what it is for."""
    return context("list-part-facts", study_id, part)


def list_part_seed(study_id: str, part: int, person_id: str, exchange_public: bytes) -> bytes:
    """The seed of a part made here, wrapped to its maker."""
    return context("list-part-seed", study_id, part, person_id, exchange_public)


def list_chain(study_id: str, before: bytes, commitment: bytes) -> bytes:
    """A list as far as one part, by what came before and the part's commitment."""
    return context("list-chain", study_id, before, commitment)


def list_number(study_id: str) -> bytes:
    """A randomization number, for its keyed digest."""
    return context("list-number", study_id)


def bag_record(study_id: str, bag_id: str) -> bytes:
    """The one sealed record of a bag."""
    return context("bag-record", study_id, bag_id)


def trail_entry(study_id: str, seq: int) -> bytes:
    """One entry of the unblinded trail, at its number."""
    return context("trail-entry", study_id, seq)


def lit_session(session_id: str, person_id: str, study_id: str) -> bytes:
    """The keys of an opened room."""
    return context("lit-session", session_id, person_id, study_id)


def recovery_half(study_id: str, recovery_public: bytes, sheet: str) -> bytes:
    """One printed half of the recovery key: "A1", "B1", "A2" or "B2"."""
    return context("recovery-half", study_id, recovery_public, sheet)


def recovery_outside(study_id: str, recovery_public: bytes, sheet: str) -> bytes:
    """What stands on the envelope of a sheet."""
    return context("recovery-outside", study_id, recovery_public, sheet)


def recovery_signing(study_id: str, recovery_public: bytes) -> bytes:
    """The signing key that follows from the recovery key."""
    return context("recovery-signing", study_id, recovery_public)


def recovery_canary(study_id: str, recovery_public: bytes) -> bytes:
    """The canary sealed to a recovery key, and its commitment."""
    return context("recovery-canary", study_id, recovery_public)


def recovery_anchor(study_id: str, number: int) -> bytes:
    """The recovery key's signature over the study's keys and founder."""
    return context("recovery-anchor", study_id, number)


def recovery_made(study_id: str, number: int) -> bytes:
    """A holder's signature over the recovery key they made."""
    return context("recovery-made", study_id, number)


def recovery_grant(study_id: str, number: int, person_id: str) -> bytes:
    """The recovery key's signature over the fingerprint of whom it gave the keys."""
    return context("recovery-grant", study_id, number, person_id)


def server_secret(study_id: str, recovery_public: bytes, name: str) -> bytes:
    """A secret of the server's sealed to the recovery key."""
    return context("server-secret", study_id, recovery_public, name)


def study_archive(study_id: str) -> bytes:
    """A signature over the manifest of a closed study's archive."""
    return context("study-archive", study_id)
