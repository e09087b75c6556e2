"""Using the recovery key: two halves of one pair give somebody the study's keys.

For when nobody is left who could grant them. What can be trusted of the database then is what the
recovery key has signed itself, and only its two halves can sign like it.
"""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.signing import sign
from pharmacy.crypto.wrapping import unwrap
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence import people
from pharmacy.services import signing
from pharmacy.services.act import Act
from pharmacy.unblinded import (
    contexts,
    list_parts,
    pins,
    private_record,
    recovery_key,
    recovery_trust,
    trail,
    trust,
    versions,
)
from pharmacy.unblinded.certificate_making import sign_certificate, told_of
from pharmacy.unblinded.founding import signature_of
from pharmacy.unblinded.granting import Recipient, granted, names_for, wrap_keys
from pharmacy.unblinded.holders import own_keys, unlock_own
from pharmacy.unblinded.list_parts import Part
from pharmacy.unblinded.private_record import StudyPins, Unlocked
from pharmacy.unblinded.recovery_halves import join_sheets, number_of
from pharmacy.unblinded.recovery_key import RECOVERY, Drawn
from pharmacy.unblinded.tables import HolderKeys, KeyWrap, StudyKeys
from pharmacy.unblinded.tables_recovery import RecoveryGrant, RecoveryKey
from pharmacy.unblinded.taken_slots import CHANGED
from pharmacy.unblinded.versions import study_keys

REASONS = {
    "left": "Every holder has left",
    "forgotten": "Every holder has lost their passphrase",
    "server": "The server's secrets are lost",
    "urgent": "No holder can be reached and care depends on it",
}
MEANING = "I take over this study's keys from the recovery sheets, with both custodians here"
_HOLDS = "You hold this study's keys already. The recovery key stays in its envelopes."


def recover(
    act: Act, first: str, second: str, reason: str, passphrase: str, password: str, pepper: bytes
) -> tuple[str, ...]:
    """Give the acting person the keys their roles ask for, out of the recovery key; signed.

    They need keys of their own and none of the study's. The sheets are as `join_sheets` takes
    them. A database that the recovery key does not vouch for is refused (409). Written into both
    trails; new sheets are due afterwards. The same form again changes nothing.
    """
    act.permit(Permission.KEEP_RECOVERY)
    made, row = study_keys(act), recovery_key.current(act)
    if made is None or row is None:
        raise Refusal("There is no recovery key of this study that could be used here.")
    if reason not in REASONS:
        raise BadForm({"reason": "Choose why."})
    held = granted(act, act.person.id)
    if held:
        if act.uow.session.get(RecoveryGrant, (made.study_id, act.person.id)) is not None:
            return held
        raise Refusal(_HOLDS)
    joined = join_sheets(made.study_id, row.public, first, second)
    keys, unlocked = unlock_own(act, passphrase, pepper)
    drawn = Drawn(joined.private, row.public)
    secrets = _unwrapped(act, made, drawn)
    trusted = _trusted(act, made, row, drawn, secrets)
    names = names_for(people.roles_of(act.uow.session, act.person.id, made.study_id))
    facts: dict[str, object] = {"key": number_of(row.public), "pair": joined.pair, "reason": reason}
    signing.sign(act, password, MEANING, "recovery", made.study_id, facts)
    trusted.holders[act.person.id] = private_record.digest_of(keys).hex()
    _vouch(act, row, drawn, keys)
    if made.founder_id not in trusted.holders:
        _take_over(act, made, secrets["list"], unlocked)
    _wrap(act, {name: secrets[name] for name in names}, keys, trusted, made, unlocked)
    unlocked.record.pins[made.study_id] = trusted
    private_record.keep(keys, unlocked, act.surroundings)
    subject = f"person:{act.person.id}"
    trail.record(act, secrets["record"], "recovery_used", subject, keys=list(names), **facts)
    act.record("recovery_used", subject, new={"keys": list(names)}, reason=REASONS[reason])
    return names


def _unwrapped(act: Act, made: StudyKeys, drawn: Drawn) -> dict[str, bytes]:
    query = sa.select(KeyWrap).where(
        KeyWrap.study_id == made.study_id,
        KeyWrap.version == made.version,
        KeyWrap.recipient == RECOVERY,
    )
    opened = {}
    for row in act.uow.session.scalars(query):
        context = contexts.key_wrap(
            row.study_id, row.version, row.key_name, row.recipient, drawn.public
        )
        try:
            opened[row.key_name] = unwrap(drawn.private, row.wrapped, context)
        except CannotOpen:
            raise Refusal(CHANGED) from None
    if set(opened) != {"list", "record"}:
        raise Refusal(CHANGED)
    return opened


def _trusted(
    act: Act, made: StudyKeys, row: RecoveryKey, drawn: Drawn, secrets: dict[str, bytes]
) -> StudyPins:
    """Pins that begin with what the recovery key has signed, checked as at every opening.

    Where the founder has other keys by now, the study's keys must be the very ones it has signed.
    """
    anchor = versions.version_of(act, row.key_version)
    if made.recovery_public != row.public or not recovery_key.anchored(row, drawn):
        raise Refusal(CHANGED)
    if anchor is None or recovery_key.digest_of_keys(anchor) != row.keys_digest:
        raise Refusal(CHANGED)
    pins.check_commitments(made, secrets)
    trusted = StudyPins(
        anchor.version,
        anchor.list_commitment.hex(),
        anchor.record_commitment.hex(),
        holders=recovery_trust.people_of(act, row),
    )
    trust.catch_up(act, trusted)
    if made.founder_id in trusted.holders:
        believed = trust.Trust(act, trusted)
        pins.check_signer(believed, made)
        pins.check_list(act, trusted, believed)
    elif made is not anchor:
        raise Refusal(CHANGED)
    return trusted


def _vouch(act: Act, row: RecoveryKey, drawn: Drawn, keys: HolderKeys) -> None:
    """The recovery key's own signature: by it those who are still there can trust this person."""
    private = recovery_key.signing_pair(row.study_id, drawn)[0]
    context = contexts.recovery_grant(row.study_id, row.number, keys.person_id)
    grant = RecoveryGrant(
        study_id=row.study_id,
        person_id=keys.person_id,
        number=row.number,
        signature=sign(private, context, private_record.digest_of(keys)),
    )
    act.uow.session.merge(grant)


def _take_over(act: Act, made: StudyKeys, list_key: bytes, unlocked: Unlocked) -> None:
    """Trust begins with the acting person from now on; they sign the study's keys and its list."""
    private = unlocked.record.signing_private
    made.founder_id = made.signed_by = act.person.id
    made.signature = signature_of(made, private)
    before = b""
    for part in list_parts.parts(act):
        _sign_again(act, part, before, list_key, private)
        before = list_parts.chain(part, before)


def _sign_again(act: Act, part: Part, before: bytes, list_key: bytes, private: bytes) -> None:
    try:
        list_parts.opening_of(list_key, part)
    except CannotOpen:
        raise Refusal(CHANGED) from None
    if pins.slots_digest(act, part.part, part.part) != part.slots_digest:
        raise Refusal(CHANGED)
    part.loaded_by = act.person.id
    part.signature = list_parts.sign_part(part, private, before)
    if part.facts_signature is not None:
        told, keys = told_of(act, part.part), own_keys(act)
        if told is None:
            raise Refusal(CHANGED)
        part.facts_signature = sign_certificate(act, part, keys, told, private)


def _wrap(
    act: Act,
    secrets: dict[str, bytes],
    keys: HolderKeys,
    trusted: StudyPins,
    made: StudyKeys,
    unlocked: Unlocked,
) -> None:
    own = private_record.digest_of(keys)
    recipient = Recipient(act.person.id, keys.exchange_public, own)
    founder = bytes.fromhex(trusted.holders[made.founder_id])
    wrap_keys(act, secrets, recipient, founder, unlocked.record.signing_private)
