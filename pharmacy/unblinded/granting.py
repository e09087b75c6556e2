"""Giving a holder the study's keys: a human act, after six words were compared in person.

The server cannot grant by itself, an administrator least of all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.deriving import fold_passphrase
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.signing import sign
from pharmacy.crypto.wrapping import unwrap, wrap
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission, Role
from pharmacy.persistence import people
from pharmacy.persistence.people import Person
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, private_record, trail, trust, versions
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.private_record import StudyPins, Unlocked
from pharmacy.unblinded.tables import HolderKeys, KeyWrap
from pharmacy.unblinded.taken_slots import CHANGED

KEYS_FOR: Mapping[Role, tuple[str, ...]] = {
    Role.STATISTICIAN: ("list", "record"),
    Role.PHARMACIST: ("list", "record"),
    Role.CHECKER: ("record",),
    Role.UNBLINDED_MONITOR: ("record",),
}
NOT_YOURS_TO_GIVE = (
    "You do not hold the list key, so you cannot give it. A pharmacist or the statistician enrols "
    "this person."
)
NOT_THOSE_WORDS = (
    "These are not this person's six words. Let them read the words from their own screen. "
    "If they still differ, stop and call the sponsor: the keys may have been swapped."
)


@dataclass(frozen=True)
class Recipient:
    """Whom a key is wrapped to: a person's id or "recovery", the public key, the fingerprint."""

    name: str
    public: bytes
    digest: bytes


@dataclass(frozen=True)
class Holder:
    """A person of the lit room as the holders page shows them."""

    person: Person
    roles: frozenset[Role]
    has_keys: bool
    granted: tuple[str, ...]
    needed: tuple[str, ...]

    @property
    def enrolled(self) -> bool:
        """Whether everything that the roles ask for was granted."""
        return set(self.needed) <= set(self.granted)

    @property
    def status(self) -> str:
        """In words: no keys, waiting, or what is held."""
        if not self.has_keys:
            return "No keys of their own yet"
        if not self.needed:
            return f"No role any more, and still holds the {' and '.join(self.granted)} key"
        if not self.enrolled:
            return "Waiting for the comparison"
        return f"Holds the {' and '.join(self.needed)} key"


def holders(act: Act) -> list[Holder]:
    """Everybody with an unblinded role in the study or keys of it, and what each one holds."""
    found: dict[str, Person] = {}
    for role in KEYS_FOR:
        for person in people.members(act.uow.session, act.in_study.id, role):
            found[person.id] = person
    for recipient in all_wraps(act):
        former = people.person(act.uow.session, recipient)
        if former is not None:
            found.setdefault(former.id, former)
    return [_holder(act, person) for person in found.values()]


def holder(act: Act, person_id: str) -> Holder:
    """One of them; anybody else is refused (404)."""
    for one in holders(act):
        if one.person.id == person_id:
            return one
    raise Refusal("There is no such person in this study's lit room.", status=404)


def grant(
    act: Act, person_id: str, words_heard: str, passphrase: str, pepper: bytes
) -> tuple[str, ...]:
    """Wrap the study's keys for a holder whose six words were heard and typed.

    The granter is any holder of what is granted, for nobody but others. What that is follows from
    the newcomer's roles; for somebody who already holds it nothing changes. Wrong words are
    `BadForm`; the granter's wrong passphrase `WrongPassphrase`; a person without keys is refused
    (409), and so is a key that the granter does not hold (403).
    """
    act.permit(Permission.ENROL_HOLDERS)
    if person_id == act.person.id:
        raise Refusal("Nobody enrols themselves. Ask another holder.")
    keys = keys_of(act, person_id)
    names = names_for(people.roles_of(act.uow.session, person_id, act.in_study.id))
    if keys is None or not keys.confirmed or not names:
        raise Refusal("This person has no keys of their own yet. They make them first.")
    held = granted(act, person_id)
    if set(names) <= set(held):
        return held
    if folded(words_heard) != folded(private_record.six_words(keys)):
        raise BadForm({"words": NOT_THOSE_WORDS})
    own, unlocked = unlock_own(act, passphrase, pepper)
    secrets = unwrap_keys(act, own, unlocked.record.exchange_private)
    if not set(names) <= set(secrets):
        raise Refusal(NOT_YOURS_TO_GIVE, status=403)
    pins, signer = pins_of(act, unlocked), unlocked.record.signing_private
    versions.hold(act, pins.version)
    digest = private_record.digest_of(keys)
    wrap_keys(
        act,
        {name: secrets[name] for name in names if name not in held},
        Recipient(person_id, keys.exchange_public, digest),
        founder_digest(act, pins),
        signer,
    )
    for name in names:
        trust.vouch(act, pins.version, keys, name, signer)
    pins.pin(person_id, digest, with_list="list" in names)
    private_record.keep(own, unlocked, act.surroundings)
    trail.record(act, secrets["record"], "keys_granted", f"person:{person_id}", keys=list(names))
    act.record("holder_enrolled", f"person:{person_id}", new={"keys": list(names)})
    return names


def granted(act: Act, recipient: str) -> tuple[str, ...]:
    """The names of the keys a recipient holds."""
    return tuple(sorted(row.key_name for row in _wraps(act, recipient)))


def wrap_keys(
    act: Act,
    secrets: Mapping[str, bytes],
    recipient: Recipient,
    founder_digest: bytes,
    signing_private: bytes,
    *,
    opened: bool = False,
) -> None:
    """Wrap keys to one recipient and sign each wrap: HPKE's base mode does not say who wrapped.

    The signature vouches for the recipient's and the founder's fingerprints too. `opened`: the
    recipient has opened the room with an earlier version.
    """
    version = versions.in_force(act).version
    for name, secret in secrets.items():
        context = contexts.key_wrap(
            act.in_study.id, version, name, recipient.name, recipient.public
        )
        wrapped = wrap(recipient.public, secret, context)
        said = vouched_bytes(wrapped, recipient.digest, founder_digest)
        act.uow.session.add(
            KeyWrap(
                study_id=act.in_study.id,
                version=version,
                recipient=recipient.name,
                key_name=name,
                wrapped=wrapped,
                granted_by=act.person.id,
                opened=opened or recipient.name == act.person.id,
                signature=sign(signing_private, context, said),
            )
        )
    act.uow.session.flush()


def vouched_bytes(wrapped: bytes, recipient_digest: bytes, founder_digest: bytes) -> bytes:
    """What a granter signs: the wrap, whose it is, and who founded the keys."""
    return wrapped + recipient_digest + founder_digest


def mark_opened(act: Act, keys: HolderKeys) -> None:
    """Note that a holder has opened the room with these wraps; no moment is kept."""
    for row in wraps_of(act, keys):
        row.opened = True


def wraps_of(act: Act, keys: HolderKeys) -> Sequence[KeyWrap]:
    """The wraps made for a holder."""
    return _wraps(act, keys.person_id)


def all_wraps(act: Act) -> dict[str, list[KeyWrap]]:
    """Every wrap of the version in force by its recipient."""
    found: dict[str, list[KeyWrap]] = {}
    query = _in_force(act).order_by(KeyWrap.recipient, KeyWrap.key_name)
    for row in act.uow.session.scalars(query):
        found.setdefault(row.recipient, []).append(row)
    return found


def unwrap_keys(act: Act, keys: HolderKeys, exchange_private: bytes) -> dict[str, bytes]:
    """Open a holder's own wraps; somebody without any is refused (403), altered ones too (409)."""
    try:
        opened = opened_wraps(wraps_of(act, keys), keys, exchange_private)
    except CannotOpen:
        raise Refusal(CHANGED) from None
    if "record" not in opened:
        raise Refusal(
            "You do not hold this study's keys yet. Somebody who holds them compares your six "
            "words with you and enrols you.",
            status=403,
        )
    return opened


def opened_wraps(
    rows: Sequence[KeyWrap], keys: HolderKeys, exchange_private: bytes
) -> dict[str, bytes]:
    """The keys in these wraps by name; `CannotOpen` for an altered one."""
    return {
        row.key_name: unwrap(
            exchange_private,
            row.wrapped,
            contexts.key_wrap(
                row.study_id, row.version, row.key_name, row.recipient, keys.exchange_public
            ),
        )
        for row in rows
    }


def pins_of(act: Act, unlocked: Unlocked) -> StudyPins:
    """What a granter trusts of the study; nobody grants before the room was opened once (409)."""
    pins = unlocked.record.pins.get(act.in_study.id)
    if pins is None:
        raise Refusal("Open the room once before you enrol somebody: it checks your keys.")
    return pins


def founder_digest(act: Act, pins: StudyPins) -> bytes:
    """The fingerprint of who made the version in force, as the granter trusts it.

    Somebody whose pins are not of that version opens the room first (409).
    """
    made = versions.in_force(act)
    if not pins.is_of(made) or made.founder_id not in pins.holders:
        raise Refusal("Open the room again before you enrol somebody.")
    return bytes.fromhex(pins.holders[made.founder_id])


def names_for(roles: frozenset[Role]) -> tuple[str, ...]:
    """The names of the keys that these roles ask for."""
    return tuple(sorted({name for role in roles for name in KEYS_FOR.get(role, ())}))


def _holder(act: Act, person: Person) -> Holder:
    keys = keys_of(act, person.id)
    roles = people.roles_of(act.uow.session, person.id, act.in_study.id)
    has_keys = bool(keys and keys.confirmed)
    return Holder(person, roles, has_keys, granted(act, person.id), names_for(roles))


def _wraps(act: Act, recipient: str) -> Sequence[KeyWrap]:
    query = _in_force(act).where(KeyWrap.recipient == recipient)
    return act.uow.session.scalars(query.order_by(KeyWrap.key_name)).all()


def _in_force(act: Act) -> sa.Select[tuple[KeyWrap]]:
    made = versions.study_keys(act)
    return sa.select(KeyWrap).where(
        KeyWrap.study_id == act.in_study.id, KeyWrap.version == (made.version if made else 0)
    )


def folded(words: str) -> str:
    """Words as they are compared: whatever their capitals, spaces and dashes; none is empty."""
    try:
        return fold_passphrase(words)
    except ValueError:
        return ""
