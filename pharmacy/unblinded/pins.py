"""Comparing what the database says with what a holder has pinned, at every opening.

Someone who can write the database could swap keys, list and signatures together; the pins are
where they cannot write.
"""

from __future__ import annotations

import hashlib
import hmac
from copy import deepcopy

import sqlalchemy as sa

from pharmacy.crypto.commitments import keyed_digest
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, list_parts, private_record, versions
from pharmacy.unblinded.granting import folded, vouched_bytes, wraps_of
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.private_record import PrivateRecord, StudyPins
from pharmacy.unblinded.tables import HolderKeys, KeyWrap, SealedList, Slot, StudyKeys
from pharmacy.unblinded.tables_keys import ListSeal
from pharmacy.unblinded.taken_slots import CHANGED, check_taken_slots
from pharmacy.unblinded.trust import Trust, catch_up, founder_digests
from pharmacy.unblinded.versions import founded_bytes

_WORDS_DIFFER = (
    "These are not the six words of the person who enrolled you. Ask them to read the words from "
    "their own screen. If they still differ, stop and call the sponsor."
)


def compare(
    act: Act,
    keys: HolderKeys,
    record: PrivateRecord,
    secrets: dict[str, bytes],
    granter_words: str,
) -> bool:
    """Compare everything with the pins; True when the record has new pins to keep.

    At the first opening the holder types the six words of whoever enrolled them (`BadForm` when
    they differ); at any later one a difference is refused (409), and pins of a former version
    move on along the signatures.
    """
    study_keys = versions.in_force(act)
    check_commitments(study_keys, secrets)
    before = deepcopy(record.pins.get(act.in_study.id))
    pins = record.pins.get(act.in_study.id)
    if pins is None:
        pins = _first_pins(act, keys, study_keys, granter_words)
        record.pins[act.in_study.id] = pins
    catch_up(act, pins)
    _check_pins(act, pins, study_keys, keys)
    check_list(act, pins, Trust(act, pins))
    Trust(act, pins).pin()
    check_taken_slots(act, secrets["record"])
    return pins != before


def compare_renewed(act: Act, pins: StudyPins, keys: HolderKeys) -> None:
    """What a holder compares at the next opening, asked of a version just made (409)."""
    study_keys = versions.in_force(act)
    _check_pins(act, pins, study_keys, keys)
    check_list(act, pins, Trust(act, pins))
    Trust(act, pins).pin()


def enrolled_by(act: Act, keys: HolderKeys) -> str | None:
    """The person who wrapped the keys for this holder."""
    rows = wraps_of(act, keys)
    return rows[0].granted_by if rows else None


def check_commitments(study_keys: StudyKeys, secrets: dict[str, bytes]) -> None:
    """Refuse (409) keys that are not the ones the study's row commits to."""
    said = {"list": study_keys.list_commitment, "record": study_keys.record_commitment}
    for name, secret in secrets.items():
        context = contexts.study_key(study_keys.study_id, study_keys.version, name)
        if not hmac.compare_digest(said[name], keyed_digest(secret, context)):
            raise Refusal(CHANGED)


def _first_pins(
    act: Act, keys: HolderKeys, study_keys: StudyKeys, granter_words: str
) -> StudyPins:
    granter = keys_of(act, enrolled_by(act, keys) or "")
    if granter is None or folded(granter_words) != private_record.six_words(granter):
        raise BadForm({"granter_words": _WORDS_DIFFER})
    pins = StudyPins(
        study_keys.version, study_keys.list_commitment.hex(), study_keys.record_commitment.hex()
    )
    with_list = any(row.key_name == "list" for row in wraps_of(act, keys))
    pins.pin(granter.person_id, private_record.digest_of(granter), with_list=with_list)
    return pins


def _check_pins(act: Act, pins: StudyPins, study_keys: StudyKeys, keys: HolderKeys) -> None:
    """The wraps' granters are believed, and who made this version is whom they have named."""
    if not pins.is_of(study_keys):
        raise Refusal(CHANGED)
    trust = Trust(act, pins)
    for row in wraps_of(act, keys):
        digest = _named_founder(act, row, keys, study_keys, trust)
        if (study_keys.founder_id, digest) not in set(pins.pinned()):
            pins.pin(study_keys.founder_id, digest, with_list=True)
        pins.record_only = [one for one in pins.record_only if one != digest.hex()]
    check_signer(Trust(act, pins), study_keys)


def check_signer(trust: Trust, study_keys: StudyKeys) -> None:
    """The keys are signed by their founder, or by a trusted holder of the list key since (409)."""
    context = contexts.founding(study_keys.study_id, study_keys.version)
    said = founded_bytes(study_keys)
    if not trust.signed(study_keys.signed_by, context, said, study_keys.signature, "list"):
        raise Refusal(CHANGED)


def _named_founder(
    act: Act, row: KeyWrap, holder: HolderKeys, made: StudyKeys, trust: Trust
) -> bytes:
    """The founder's fingerprint that a wrap's signature names; `CHANGED` when none fits."""
    context = contexts.key_wrap(
        row.study_id, row.version, row.key_name, row.recipient, holder.exchange_public
    )
    own = private_record.digest_of(holder)
    for digest in founder_digests(act, made):
        said = vouched_bytes(row.wrapped, own, digest)
        if trust.signed(row.granted_by, context, said, row.signature, row.key_name):
            return digest
    raise Refusal(CHANGED)


def check_list(act: Act, pins: StudyPins, trust: Trust) -> None:
    """Pin the list when it is first seen, signed by a trusted holder; compare it ever after.

    In the version it was loaded in its loader signed it, in a later one whoever sealed it anew.
    """
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    if loaded is None:
        if pins.loaded:
            raise Refusal(CHANGED)
        return
    grown = _check_parts(act, pins, trust)
    if pins.loaded and pins.loaded != loaded.commitment.hex():
        raise Refusal(CHANGED)
    if pins.grown and pins.grown not in grown:
        raise Refusal(CHANGED)
    pins.loaded = loaded.commitment.hex()
    pins.grown = grown[-1] if grown else ""


def _check_parts(act: Act, pins: StudyPins, trust: Trust) -> list[str]:
    """Every part signed by a trusted holder after what came before it, and no slot beside them.

    A part that was sealed anew since it was loaded is signed by whoever did that, with all others
    of that moment. Returns what stands for the list after each part that it grew by, oldest first.
    """
    chains, before, number, renewed = [], b"", 0, 0
    for number, part in enumerate(list_parts.parts(act), 1):
        if part.key_version == part.loaded_version:
            digest = slots_digest(act, number, number)
            signed = digest == part.slots_digest and any(
                list_parts.is_signed(part, keys.signing_public, digest, before)
                for keys in trust.keys(part.loaded_by, "list")
            )
        else:
            signed, renewed = renewed == number - 1, number
        if not signed or part.part != number or part.key_version != pins.version:
            raise Refusal(CHANGED)
        before = list_parts.chain(part, before)
        chains.append(before)
    if renewed:
        _check_seal(act, pins, trust, chains[renewed - 1], renewed)
    beside = sa.select(Slot.id).where(Slot.study_id == act.in_study.id, Slot.part > number)
    if act.uow.session.scalars(beside.limit(1)).first() is not None:
        raise Refusal(CHANGED)
    return [one.hex() for one in chains[1:]]


def _check_seal(act: Act, pins: StudyPins, trust: Trust, chain: bytes, parts: int) -> None:
    """The first parts as whoever rotated has sealed them: so many, these, and no others."""
    seal = act.uow.session.get(ListSeal, act.in_study.id)
    if seal is None or seal.key_version != pins.version:
        raise Refusal(CHANGED)
    digest = slots_digest(act, 1, parts)
    context = contexts.list_seal(act.in_study.id, seal.key_version)
    signed = trust.signed(seal.sealed_by, context, chain + digest, seal.signature, "list")
    if not signed or digest != seal.slots_digest:
        raise Refusal(CHANGED)


def slots_digest(act: Act, first: int = 1, last: int | None = None) -> bytes:
    """The hash of the ciphertexts of the slots of some parts in order, of all if none is named.

    That of its own slots is what the loader of a part signed beside the commitment. Ciphertexts
    under random keys are not guessable, so that an unkeyed hash tells nothing.
    """
    query = sa.select(Slot).where(Slot.study_id == act.in_study.id, Slot.part >= first)
    if last is not None:
        query = query.where(Slot.part <= last)
    hashed = hashlib.sha256()
    for row in act.uow.session.scalars(query.order_by(Slot.stratum, Slot.number)):
        hashed.update(contexts.slot_key(row.study_id, row.key_version, row.stratum, row.number))
        hashed.update(row.slot_key + row.envelope)
    return hashed.digest()
