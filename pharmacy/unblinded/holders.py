"""A person's keys: made in their own session, under a passphrase nobody else sees."""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.crypto.signing import signing_key_pair
from pharmacy.crypto.words import passphrase
from pharmacy.crypto.wrapping import key_pair
from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.services import shares, throttling
from pharmacy.services.act import Act
from pharmacy.unblinded import private_record
from pharmacy.unblinded.private_record import PrivateRecord, PublicKeys, Unlocked
from pharmacy.unblinded.tables import HolderKeys
from pharmacy.unblinded.tables_keys import FormerKeys

CONFIRMED_EVENT = "keys_confirmed"
NO_KEYS = "You have no keys yet. Make them first, under Your keys."


def keys_of(act: Act, person_id: str) -> HolderKeys | None:
    """A person's keys, confirmed or not."""
    return act.uow.session.get(HolderKeys, person_id)


def known_keys(act: Act, person_id: str) -> list[PublicKeys]:
    """A person's public keys, those in use first, then the former ones."""
    current = keys_of(act, person_id)
    query = sa.select(FormerKeys).where(FormerKeys.person_id == person_id)
    former = act.uow.session.scalars(query.order_by(FormerKeys.id))
    return [*((current,) if current is not None else ()), *former]


def own_keys(act: Act) -> HolderKeys:
    """The acting person's confirmed keys, or a refusal that says what to do."""
    keys = keys_of(act, act.person.id)
    if keys is None or not keys.confirmed:
        raise Refusal(NO_KEYS)
    return keys


def unlock_own(act: Act, passphrase: str, pepper: bytes) -> tuple[HolderKeys, Unlocked]:
    """The acting person's confirmed keys, opened by their passphrase.

    The wrong one is `WrongPassphrase`; who missed too often waits (409).
    """
    keys = own_keys(act)
    return keys, _unlock(act, keys, passphrase, pepper)


def make(
    act: Act, pepper: bytes, permission: Permission = Permission.ENTER_LIT_ROOM
) -> str:
    """Make the acting person's keys and return the passphrase, to be shown once.

    Keys that were not confirmed are replaced, so that sending the form twice leaves the last
    passphrase shown; confirmed ones are refused (409). `permission` says what the keys are for.
    """
    act.permit(permission)
    old = keys_of(act, act.person.id)
    if old is not None and old.confirmed:
        raise Refusal("You already have keys.")
    words = passphrase(act.surroundings.random_bytes("lit passphrase", 32))
    record, keys = _new_keys(act)
    key = private_record.record_key(keys, words, act.surroundings.deriver, pepper)
    under = private_record.pepper_fingerprint(pepper)
    private_record.keep(keys, Unlocked(record, key, under), act.surroundings)
    act.uow.session.merge(keys)
    _record(act, "keys_made", keys)
    return words


def confirm(
    act: Act,
    passphrase_typed: str,
    pepper: bytes,
    permission: Permission = Permission.ENTER_LIT_ROOM,
) -> None:
    """The person types the passphrase back: only then do the keys count."""
    act.permit(permission)
    keys = keys_of(act, act.person.id)
    if keys is None:
        raise Refusal(NO_KEYS)
    _unlock(act, keys, passphrase_typed, pepper)
    if not keys.confirmed:
        keys.confirmed = True
        _record(act, CONFIRMED_EVENT, keys)


def _unlock(act: Act, keys: HolderKeys, passphrase_typed: str, pepper: bytes) -> Unlocked:
    key = throttling.signing_key(act.person.id)
    throttling.check(act.uow, key)
    with shares.SIGNED_IN.taken():
        unlocked = private_record.unlock(keys, passphrase_typed, act.surroundings.deriver, pepper)
    seal_under_pepper_of_now(act, keys, unlocked)
    throttling.forget(act.uow, key)
    return unlocked


def seal_under_pepper_of_now(act: Act, keys: HolderKeys, unlocked: Unlocked) -> None:
    """Seal a record again that was under the pepper of before: at each person's next passphrase."""
    if not unlocked.outdated:
        return
    private_record.keep(keys, unlocked, act.surroundings)
    act.uow.record(
        INSTALLATION,
        "keys_under_new_pepper",
        person_id=act.person.id,
        subject=f"person:{act.person.id}",
    )


def _new_keys(act: Act) -> tuple[PrivateRecord, HolderKeys]:
    draw = act.surroundings.random_bytes
    exchange_private, exchange_public = key_pair(draw("lit exchange key", 32))
    signing_private, signing_public = signing_key_pair(draw("lit signing key", 32))
    keys = HolderKeys(
        person_id=act.person.id,
        exchange_public=exchange_public,
        signing_public=signing_public,
        salt=draw("lit passphrase salt", 16),
        confirmed=False,
    )
    return PrivateRecord(exchange_private, signing_private), keys


def _record(act: Act, event: str, keys: HolderKeys) -> None:
    act.uow.record(
        INSTALLATION,
        event,
        person_id=act.person.id,
        subject=f"person:{act.person.id}",
        new={"fingerprint": private_record.six_words(keys)},
    )
