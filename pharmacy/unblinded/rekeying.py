"""Changing one's passphrase, and making new keys when it was forgotten.

A change keeps the keys: the same private record under new words. Whoever has forgotten the words
makes other keys, and is compared and enrolled again like somebody new.
"""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.words import passphrase as new_passphrase
from pharmacy.domain.errors import BadForm, Refusal, WrongPassphrase
from pharmacy.domain.roles import Permission
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.services import signing, throttling
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, private_record
from pharmacy.unblinded.holders import keys_of, own_keys, unlock_own
from pharmacy.unblinded.private_record import Unlocked
from pharmacy.unblinded.tables import (
    KEY_SIZE,
    BreakEnrolment,
    BreakShare,
    DrillEnvelope,
    HolderKeys,
    KeyWrap,
    LitSession,
)
from pharmacy.unblinded.tables_keys import FormerKeys, PassphraseChange

CHANGED_EVENT = "passphrase_changed"
FORGOTTEN_EVENT = "keys_given_up"
RECOVERY = "recovery"
_WRONG = "That is not the new passphrase. Type the six words as they were shown."


def begin_change(
    act: Act, passphrase: str, pepper: bytes, permission: Permission = Permission.ENTER_LIT_ROOM
) -> str:
    """A new passphrase for the acting person, to be shown once; the old one counts until the new
    one is typed back. Asked for again, the words shown last are the ones that can be confirmed.

    The wrong old one is `WrongPassphrase`.
    """
    act.permit(permission)
    keys, unlocked = unlock_own(act, passphrase, pepper)
    draw = act.surroundings.random_bytes
    words = new_passphrase(draw("lit new passphrase", 32))
    salt = draw("lit new passphrase salt", 16)
    key = private_record.record_key(keys, words, act.surroundings.deriver, pepper, salt)
    kept = seal(key, unlocked.key, KEY_SIZE, _context(keys), draw("lit passphrase change", 32))
    act.uow.session.merge(
        PassphraseChange(person_id=act.person.id, salt=salt, former_key=kept)
    )
    _record(act, "passphrase_change_begun", keys)
    return words


def is_changing(act: Act) -> bool:
    """Whether the acting person was shown a new passphrase and has not typed it back."""
    return act.uow.session.get(PassphraseChange, act.person.id) is not None


def confirm_change(
    act: Act,
    typed: str,
    pepper: bytes,
    session_id: str,
    permission: Permission = Permission.ENTER_LIT_ROOM,
) -> None:
    """The new passphrase typed back: the private record is sealed under it, with a new salt.

    The person's open rooms in other browsers than this one are locked. Typed once more, nothing
    changes; other words are `WrongPassphrase`.
    """
    act.permit(permission)
    keys = own_keys(act)
    row = act.uow.session.get(PassphraseChange, act.person.id)
    if row is None:
        unlock_own(act, typed, pepper)
        return
    slowed = throttling.signing_key(act.person.id)
    throttling.check(act.uow, slowed)
    key, former = _opened(act, keys, row, typed, pepper)
    throttling.forget(act.uow, slowed)
    try:
        record = private_record.open_with(keys, former)
    except CannotOpen:  # sealed anew since, under another pepper
        raise WrongPassphrase(_WRONG, 403) from None
    keys.salt = row.salt
    under = private_record.pepper_fingerprint(pepper)
    private_record.keep(keys, Unlocked(record, key, under), act.surroundings)
    act.uow.session.delete(row)
    elsewhere = sa.delete(LitSession).where(
        LitSession.person_id == act.person.id, LitSession.session_id != session_id
    )
    act.uow.session.execute(elsewhere)
    _record(act, CHANGED_EVENT, keys)


def give_up_keys(
    act: Act,
    password: str,
    understood: bool,
    permission: Permission = Permission.ENTER_LIT_ROOM,
) -> None:
    """Give up keys whose passphrase was forgotten, in every study: then new ones can be made.

    The wraps and shares of the old keys are deleted, and the wraps that they have signed for
    somebody who has not opened the room yet. The public halves stay, for signatures of before.
    Without the tick `BadForm`, with another password `WrongPassword`, without keys 409.
    """
    act.permit(permission)
    keys = keys_of(act, act.person.id)
    if keys is None or not keys.confirmed:
        raise Refusal("You have no keys to give up. Make new ones.")
    if not understood:
        raise BadForm({"understood": "Tick that you have read what happens."})
    signing.check_password(act, act.person, password)
    studies = _delete_what_hangs_on(act)
    act.uow.session.add(
        FormerKeys(
            id=act.new_id("lit former keys"),
            person_id=keys.person_id,
            exchange_public=keys.exchange_public,
            signing_public=keys.signing_public,
        )
    )
    _record(act, FORGOTTEN_EVENT, keys)
    act.uow.session.delete(keys)
    subject = f"person:{act.person.id}"
    for study_id in sorted(studies):
        act.uow.record(study_id, FORGOTTEN_EVENT, person_id=act.person.id, subject=subject)


def _delete_what_hangs_on(act: Act) -> set[str]:
    """Everything that needs the old private keys; the studies it was of."""
    session, person_id = act.uow.session, act.person.id
    unseen = (
        (KeyWrap.granted_by == person_id)
        & KeyWrap.opened.is_(False)
        & (KeyWrap.recipient != RECOVERY)
    )
    conditions = {
        KeyWrap: (KeyWrap.recipient == person_id) | unseen,
        BreakShare: BreakShare.person_id == person_id,
        BreakEnrolment: BreakEnrolment.person_id == person_id,
    }
    studies: set[str] = set()
    for table, condition in conditions.items():
        studies |= set(session.scalars(sa.select(table.study_id).where(condition)))
        session.execute(sa.delete(table).where(condition))
    for own in (PassphraseChange, LitSession, DrillEnvelope):
        session.execute(sa.delete(own).where(own.person_id == person_id))
    return studies


def _opened(
    act: Act, keys: HolderKeys, row: PassphraseChange, typed: str, pepper: bytes
) -> tuple[bytes, bytes]:
    """The key that the new words give, and the old one that it opens."""
    try:
        key = private_record.record_key(keys, typed, act.surroundings.deriver, pepper, row.salt)
        return key, open_sealed(key, row.former_key, KEY_SIZE, _context(keys))
    except (CannotOpen, ValueError):
        raise WrongPassphrase(_WRONG, 403) from None


def _context(keys: HolderKeys) -> bytes:
    return contexts.passphrase_change(
        keys.person_id, keys.exchange_public, keys.signing_public
    )


def _record(act: Act, event: str, keys: HolderKeys) -> None:
    act.uow.record(
        INSTALLATION,
        event,
        person_id=act.person.id,
        subject=f"person:{act.person.id}",
        new={"fingerprint": private_record.six_words(keys)},
    )
