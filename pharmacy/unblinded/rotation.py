"""Rotating a study's keys: new ones for everything, proved by opening it, in one transaction.

Killed at any statement, the former version is what there is. Whoever works meanwhile meets a
sentence and a locked room; what was typed before is in the records, sealed anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.aead import seal
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.signing import sign
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission, may
from pharmacy.persistence import people
from pharmacy.persistence.audit import AuditHead
from pharmacy.services import signing
from pharmacy.services.act import Act
from pharmacy.unblinded import (
    break_shares,
    contexts,
    founding,
    granting,
    inbox,
    list_parts,
    pins,
    private_record,
    resealing,
    slot_renewal,
    trail,
    trust,
    versions,
)
from pharmacy.unblinded.drill_envelopes import drill_of, make_drill
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.private_record import PublicKeys, StudyPins, Unlocked
from pharmacy.unblinded.resealing import Keys
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import (
    KEY_SIZE,
    BreakEnrolment,
    BreakShare,
    DrillEnvelope,
    HolderKeys,
    KeyWrap,
    LitAuditHead,
    LitSession,
    StudyKeys,
)
from pharmacy.unblinded.tables_keys import KeyChain, ListSeal
from pharmacy.unblinded.tables_recovery import RecoveryGrant
from pharmacy.unblinded.taken_slots import CHANGED

ROTATED_EVENT = "study_keys_rotated"
MEANING = "I had this study's keys renewed."
# The blinded trail takes a reason from a closed list and nothing in anybody's words.
REASONS = {
    "left": "Somebody who held keys has left",
    "known": "A passphrase may be known to somebody else",
    "lost": "A passphrase was forgotten or lost",
    "yearly": "A regular renewal",
    "audit": "An auditor or monitor asked for it",
}


@dataclass(frozen=True, repr=False)
class Asked:
    """What whoever rotates has typed. `without` are the people who get nothing of the new keys."""

    reason: str
    password: str
    passphrase: str
    without: frozenset[str] = frozenset()


def rotate(act: Act, room: OpenRoom, asked: Asked, secrets: ServerSecrets) -> StudyKeys:
    """Make the next version of the study's keys and put everything under it.

    By a holder of the list key who signs with password and passphrase. Whoever still needs a key
    gets the new ones, the recovery key with them; the former wraps and shares are deleted and every
    open room of the study is locked. Refused: without the list key (403); when anything does not
    open or is not what the holder has pinned (409), and then nothing has changed.
    """
    act.permit(Permission.RENEW_KEYS)
    if room.list_key is None:
        raise Refusal("You do not hold the list key.", status=403)
    if asked.reason not in REASONS:
        raise BadForm({"reason": "Choose why."})
    signing.check_password(act, act.person, asked.password)
    own, unlocked = unlock_own(act, asked.passphrase, secrets.pepper)
    _lock(act, room.version)
    old = _old(act, own, unlocked)
    granters = _recipients(act, unlocked.record.pins[act.in_study.id], asked.without)
    enrolled = _enrolled(act, unlocked.record.pins[act.in_study.id], asked.without)
    try:
        made = _renewed(act, old, own, unlocked, granters, enrolled, secrets)
    except CannotOpen:
        raise Refusal(CHANGED) from None
    private_record.keep(own, unlocked, act.surroundings)
    new_key = _record_key(act, own, unlocked)
    subject, said = f"study:{act.in_study.id}", {"version": made.version}
    trail.record(
        act, new_key, ROTATED_EVENT, subject, reason=asked.reason, meaning=MEANING, **said
    )
    act.record(ROTATED_EVENT, subject, new={**said, "meaning": MEANING}, reason=asked.reason)
    return made


@dataclass(frozen=True)
class _Recipient:
    """One holder of the former version, the names of their keys, and whether they have opened."""

    keys: HolderKeys | None
    recipient: granting.Recipient
    names: tuple[str, ...]
    opened: bool


def _lock(act: Act, version: int) -> None:
    """Wait for the acts at work, in the order in which they lock, then let no further one in."""
    session, study_id = act.uow.session, act.in_study.id
    resealing.lock(act)
    head = sa.select(AuditHead.trail).where(AuditHead.trail == study_id)
    session.scalars(head.with_for_update()).one()
    versions.hold_alone(act, version)


def _old(act: Act, own: HolderKeys, unlocked: Unlocked) -> Keys:
    """The keys in force, after everything was compared with the holder's pins."""
    secrets = granting.unwrap_keys(act, own, unlocked.record.exchange_private)
    if "list" not in secrets or act.in_study.id not in unlocked.record.pins:
        raise Refusal("Open the room once before you renew its keys: it checks them.")
    pins.compare(act, own, unlocked.record, secrets, "")
    version = versions.in_force(act).version
    return Keys(version, secrets["list"], secrets["record"])


def _recipients(act: Act, pinned: StudyPins, without: frozenset[str]) -> list[_Recipient]:
    """Who gets the new keys: the recovery key, and every holder whose role still asks for it.

    Whoever's present public keys nobody believed has vouched for stops the rotation (409).
    """
    believed, found = trust.Trust(act, pinned), []
    for name, rows in granting.all_wraps(act).items():
        names = tuple(row.key_name for row in rows)
        opened = any(row.opened for row in rows)
        if name == founding.RECOVERY:
            public = versions.in_force(act).recovery_public
            to = granting.Recipient(name, public, public)
            found.append(_Recipient(None, to, names, opened))
            continue
        needed = granting.names_for(people.roles_of(act.uow.session, name, act.in_study.id))
        names = tuple(one for one in names if one in needed)
        if name in without or not names:
            continue
        keys = keys_of(act, name)
        if keys is None or any(keys not in believed.keys(name, one) for one in names):
            raise Refusal(CHANGED)
        digest = private_record.digest_of(keys)
        to = granting.Recipient(name, keys.exchange_public, digest)
        found.append(_Recipient(keys, to, names, opened))
    return found


def _enrolled(
    act: Act, pinned: StudyPins, without: frozenset[str]
) -> list[tuple[BreakEnrolment, HolderKeys]]:
    """Every investigator who keeps their shares, each enrolment checked."""
    found = []
    for row in break_shares.enrolments(act):
        keys = keys_of(act, row.person_id)
        roles = people.roles_of(act.uow.session, row.person_id, act.in_study.id)
        if row.person_id in without or keys is None or not may(roles, Permission.BREAK_CODE):
            continue
        break_shares.check_enrolment(act, row, keys, pinned)
        found.append((row, keys))
    return found


def _renewed(
    act: Act,
    old: Keys,
    own: HolderKeys,
    unlocked: Unlocked,
    recipients: list[_Recipient],
    enrolled: list[tuple[BreakEnrolment, HolderKeys]],
    secrets: ServerSecrets,
) -> StudyKeys:
    """Write the next version, prove it, and only then delete the former."""
    draw = act.surroundings.random_bytes
    new = Keys(old.version + 1, draw("lit list key", 32), draw("lit record key", 32))
    former = versions.in_force(act)
    signer = unlocked.record.signing_private
    made = founding.make_version(
        act,
        new.version,
        {"list": new.list_key, "record": new.record_key},
        former.recovery_public,
        signer,
    )
    act.uow.session.add(made)
    act.uow.session.flush()
    _link(act, old, new, former, made, own, signer)
    slot_renewal.renew(act, old, new)
    resealing.reseal(act, old, new)
    _wrap(act, new, own, recipients, signer)
    _seal_list(act, signer)
    _share(act, new, own, enrolled, unlocked, secrets.break_key)
    unlocked.record.pins[act.in_study.id].move_to(made, own)
    prove(act, own, unlocked, new, secrets.break_key)
    _delete_former(act, old, enrolled)
    _forget_recovered(act, recipients)
    return made


def _link(
    act: Act,
    old: Keys,
    new: Keys,
    former: StudyKeys,
    made: StudyKeys,
    own: HolderKeys,
    signer: bytes,
) -> None:
    """Keep the former record key under the new one, and sign which version followed which."""
    session, study_id = act.uow.session, act.in_study.id
    head = session.get_one(LitAuditHead, study_id, populate_existing=True, with_for_update=True)
    salt = act.surroundings.random_bytes("lit key chain", 32)
    context = contexts.key_chain(study_id, old.version)
    kept = seal(new.record_key, old.record_key, KEY_SIZE, context, salt)
    said = versions.link_bytes(former, made, private_record.digest_of(own))
    session.add(
        KeyChain(
            study_id=study_id,
            version=old.version,
            entries=head.size,
            record_key=kept,
            made_by=act.person.id,
            link=sign(signer, contexts.key_link(study_id, old.version), said),
        )
    )
    session.flush()


def _wrap(
    act: Act, new: Keys, own: HolderKeys, recipients: list[_Recipient], signer: bytes
) -> None:
    secrets = {"list": new.list_key, "record": new.record_key}
    digest = private_record.digest_of(own)
    for one in recipients:
        given = {name: secrets[name] for name in one.names}
        granting.wrap_keys(act, given, one.recipient, digest, signer, opened=one.opened)
        if one.keys is not None and one.keys is not own:
            for name in one.names:
                trust.vouch(act, new.version, one.keys, name, signer)


def _seal_list(act: Act, signer: bytes) -> None:
    """Sign the renewed ciphertexts beside the commitments that the parts' loaders signed."""
    chain = b""
    for part in list_parts.parts(act):
        chain = list_parts.chain(part, chain)
    if not chain:
        return
    study_id, version = act.in_study.id, versions.in_force(act).version
    digest = pins.slots_digest(act)
    context = contexts.list_seal(study_id, version)
    act.uow.session.merge(
        ListSeal(
            study_id=study_id,
            key_version=version,
            sealed_by=act.person.id,
            slots_digest=digest,
            signature=sign(signer, context, chain + digest),
        )
    )
    act.uow.session.flush()


def _share(
    act: Act,
    new: Keys,
    own: HolderKeys,
    enrolled: list[tuple[BreakEnrolment, HolderKeys]],
    unlocked: Unlocked,
    break_key: bytes,
) -> None:
    """New halves and drills for every investigator, in place of those of the former keys."""
    signer = unlocked.record.signing_private
    drilled = [keys for _, keys in enrolled if drill_of(act, keys.person_id) is not None]
    act.uow.session.execute(
        sa.delete(DrillEnvelope).where(DrillEnvelope.study_id == act.in_study.id)
    )
    act.uow.session.execute(
        sa.delete(BreakShare).where(BreakShare.study_id == act.in_study.id)
    )
    digest = private_record.digest_of(own)
    for row, keys in enrolled:
        context = contexts.break_enrolment(row.study_id, row.person_id)
        row.granted_by = act.person.id
        row.signature = sign(signer, context, break_shares.enrolled_bytes(keys, digest))
        break_shares.split(act, new.list_key, keys, signer, break_key)
    for keys in drilled:
        make_drill(act, keys, unlocked, new.version, break_key)
    act.uow.session.flush()


def prove(act: Act, own: HolderKeys, unlocked: Unlocked, new: Keys, break_key: bytes) -> None:
    """Open what a holder can open, from what the database says now; `CHANGED` if anything fails.

    The slots, the list's opening and the bags' records were read back when they were sealed.
    """
    act.uow.session.expire_all()
    wraps = granting.wraps_of(act, own)
    secrets = granting.opened_wraps(wraps, own, unlocked.record.exchange_private)
    if secrets.get("list") != new.list_key or secrets["record"] != new.record_key:
        raise CannotOpen
    trail.entries(act, new.record_key)
    inbox.open_all(act, new.record_key)
    _prove_shares(act, own, break_key)
    pins.compare_renewed(act, unlocked.record.pins[act.in_study.id], own)


def _prove_shares(act: Act, own: PublicKeys, break_key: bytes) -> None:
    """The server's half of every share opens, and its signature is the rotating holder's."""
    for row in break_shares.enrolments(act):
        keys = keys_of(act, row.person_id)
        for share in break_shares.shares(act, row.person_id):
            if keys is None:
                raise CannotOpen
            break_shares.check_kept_half(share, keys, own, break_key)


def _delete_former(
    act: Act, old: Keys, enrolled: list[tuple[BreakEnrolment, HolderKeys]]
) -> None:
    """The former wraps, the enrolments of people left out, and every open room of the study."""
    session, study_id = act.uow.session, act.in_study.id
    former = sa.delete(KeyWrap).where(
        KeyWrap.study_id == study_id, KeyWrap.version <= old.version
    )
    session.execute(former)
    remaining = [row.person_id for row, _ in enrolled]
    gone = sa.delete(BreakEnrolment).where(
        BreakEnrolment.study_id == study_id, BreakEnrolment.person_id.not_in(remaining)
    )
    session.execute(gone)
    session.execute(sa.delete(LitSession).where(LitSession.study_id == study_id))


def record_key_of(act: Act, passphrase: str, secrets: ServerSecrets) -> bytes:
    """The acting person's record key, after a rotation in the same act."""
    return _record_key(act, *unlock_own(act, passphrase, secrets.pepper))


def _forget_recovered(act: Act, recipients: list[_Recipient]) -> None:
    """A recovery key's word for somebody ends with their keys."""
    remaining = [one.recipient.name for one in recipients]
    gone = sa.delete(RecoveryGrant).where(
        RecoveryGrant.study_id == act.in_study.id, RecoveryGrant.person_id.not_in(remaining)
    )
    act.uow.session.execute(gone)


def _record_key(act: Act, own: HolderKeys, unlocked: Unlocked) -> bytes:
    return granting.unwrap_keys(act, own, unlocked.record.exchange_private)["record"]
