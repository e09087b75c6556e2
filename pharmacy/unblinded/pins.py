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
from pharmacy.crypto.signing import verify
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, list_parts, private_record, recovery_trust, versions
from pharmacy.unblinded.founding import founded_bytes
from pharmacy.unblinded.granting import folded, granted, vouched_bytes, wraps_of
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.private_record import PrivateRecord, StudyPins
from pharmacy.unblinded.tables import HolderKeys, KeyWrap, SealedList, Slot, StudyKeys
from pharmacy.unblinded.taken_slots import CHANGED, check_taken_slots

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
    they differ); at any later one a difference is refused (409).
    """
    study_keys = versions.in_force(act)
    check_commitments(study_keys, secrets)
    before = deepcopy(record.pins.get(act.in_study.id))
    pins = record.pins.get(act.in_study.id)
    if pins is None:
        pins = _first_pins(act, keys, study_keys, granter_words)
        record.pins[act.in_study.id] = pins
    _check_pins(act, pins, study_keys, keys)
    check_list(act, pins, study_keys)
    check_taken_slots(act, secrets["record"])
    return pins != before


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


def _first_pins(act: Act, keys: HolderKeys, study_keys: StudyKeys, granter_words: str) -> StudyPins:
    granter = keys_of(act, enrolled_by(act, keys) or "")
    if granter is None or folded(granter_words) != private_record.six_words(granter):
        raise BadForm({"granter_words": _WORDS_DIFFER})
    return StudyPins(
        study_keys.version,
        study_keys.list_commitment.hex(),
        study_keys.record_commitment.hex(),
        holders={granter.person_id: private_record.digest_of(granter).hex()},
    )


def _check_pins(act: Act, pins: StudyPins, study_keys: StudyKeys, keys: HolderKeys) -> None:
    same = (
        pins.version == study_keys.version
        and pins.list_commitment == study_keys.list_commitment.hex()
        and pins.record_commitment == study_keys.record_commitment.hex()
    )
    if not same:
        raise Refusal(CHANGED)
    for person_id in pins.holders:
        _pinned(act, pins, person_id)
    founder = keys_of(act, study_keys.founder_id)
    if founder is None:
        raise Refusal(CHANGED)
    for row in wraps_of(act, keys):
        _check_wrap(row, keys, founder, _pinned(act, pins, row.granted_by))
    pins.holders.setdefault(founder.person_id, private_record.digest_of(founder).hex())
    check_signer(act, pins, study_keys)


def check_signer(act: Act, pins: StudyPins, study_keys: StudyKeys) -> None:
    """The keys are signed by their founder, or by a trusted holder of the list key since."""
    signer_id = study_keys.signed_by
    signer = trusted(act, pins, study_keys.founder_id, signer_id)
    if signer_id != study_keys.founder_id and "list" not in granted(act, signer_id):
        raise Refusal(CHANGED)
    context = contexts.founding(study_keys.study_id, study_keys.version)
    said = founded_bytes(study_keys)
    if not verify(signer.signing_public, context, said, study_keys.signature):
        raise Refusal(CHANGED)


def _check_wrap(row: KeyWrap, holder: HolderKeys, founder: HolderKeys, granter: HolderKeys) -> None:
    """A granter's signature vouches for the wrap, its holder's fingerprint and the founder's."""
    context = contexts.key_wrap(
        row.study_id, row.version, row.key_name, row.recipient, holder.exchange_public
    )
    said = vouched_bytes(
        row.wrapped, private_record.digest_of(holder), private_record.digest_of(founder)
    )
    if not verify(granter.signing_public, context, said, row.signature):
        raise Refusal(CHANGED)


def check_list(act: Act, pins: StudyPins, study_keys: StudyKeys) -> None:
    """Pin the list when it is first seen, signed by a trusted holder; compare it ever after."""
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    if loaded is None:
        if pins.loaded:
            raise Refusal(CHANGED)
        return
    grown = _check_parts(act, pins, study_keys)
    if pins.loaded and pins.loaded != loaded.commitment.hex():
        raise Refusal(CHANGED)
    if pins.grown and pins.grown not in grown:
        raise Refusal(CHANGED)
    pins.loaded = loaded.commitment.hex()
    pins.grown = grown[-1] if grown else ""


def _check_parts(act: Act, pins: StudyPins, study_keys: StudyKeys) -> list[str]:
    """Every part signed by a trusted holder after what came before it, and no slot beside them.

    What stands for the list after each part that it grew by, oldest first.
    """
    chains, before, number = [], b"", 0
    for number, part in enumerate(list_parts.parts(act), 1):
        digest = slots_digest(act, number, number)
        loader = trusted(act, pins, study_keys.founder_id, part.loaded_by)
        signed = list_parts.is_signed(part, loader.signing_public, digest, before)
        if not signed or digest != part.slots_digest or part.part != number:
            raise Refusal(CHANGED)
        before = list_parts.chain(part, before)
        chains.append(before.hex())
    beside = sa.select(Slot.id).where(Slot.study_id == act.in_study.id, Slot.part > number)
    if act.uow.session.scalars(beside.limit(1)).first() is not None:
        raise Refusal(CHANGED)
    return chains[1:]


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


def _pinned(act: Act, pins: StudyPins, person_id: str) -> HolderKeys:
    keys = keys_of(act, person_id)
    if keys is None or pins.holders.get(person_id) != private_record.digest_of(keys).hex():
        raise Refusal(CHANGED)
    return keys


def trusted(
    act: Act,
    pins: StudyPins,
    founder_id: str,
    person_id: str,
    asked: frozenset[str] = frozenset(),
) -> HolderKeys:
    """A pinned holder, or one to whom signed grants lead from a pinned one, who is pinned then.

    So may a recovery key that a trusted holder has made.
    """
    if person_id in pins.holders:
        return _pinned(act, pins, person_id)
    keys = keys_of(act, person_id)
    if keys is not None and person_id not in asked:
        further = asked | {person_id}
        if recovery_trust.vouched(
            act, keys, lambda maker: trusted(act, pins, founder_id, maker, further)
        ):
            pins.holders[person_id] = private_record.digest_of(keys).hex()
            return keys
    rows = wraps_of(act, keys) if keys is not None else ()
    if keys is None or not rows or person_id in asked:
        raise Refusal(CHANGED)
    founder = _pinned(act, pins, founder_id)
    for row in rows:
        granter = trusted(act, pins, founder_id, row.granted_by, asked | {person_id})
        _check_wrap(row, keys, founder, granter)
    pins.holders[person_id] = private_record.digest_of(keys).hex()
    return keys
