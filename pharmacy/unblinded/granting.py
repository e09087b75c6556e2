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
from pharmacy.unblinded import contexts, private_record, trail, versions
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.private_record import StudyPins, Unlocked
from pharmacy.unblinded.tables import HolderKeys, KeyWrap, StudyKeys
from pharmacy.unblinded.taken_slots import CHANGED

KEYS_FOR: Mapping[Role, tuple[str, ...]] = {
    Role.STATISTICIAN: ("list", "record"),
    Role.PHARMACIST: ("list", "record"),
    Role.CHECKER: ("record",),
    Role.UNBLINDED_MONITOR: ("record",),
}
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
        if not self.enrolled:
            return "Waiting for the comparison"
        return f"Holds the {' and '.join(self.needed)} key"


def holders(act: Act) -> list[Holder]:
    """Everybody with an unblinded role in the study, and the keys each one holds."""
    found: dict[str, Person] = {}
    for role in KEYS_FOR:
        for person in people.members(act.uow.session, act.in_study.id, role):
            found[person.id] = person
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

    What is granted follows from the holder's roles; for somebody who already holds it nothing
    changes. Wrong words are `BadForm`; the granter's wrong passphrase `WrongPassphrase`; a person
    without keys is refused (409).
    """
    act.permit(Permission.LOAD_LIST)
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
    pins = pins_of(act, unlocked)
    digest = private_record.digest_of(keys)
    wrap_keys(
        act,
        {name: secrets[name] for name in names if name not in held},
        Recipient(person_id, keys.exchange_public, digest),
        founder_digest(act, pins),
        unlocked.record.signing_private,
    )
    pins.holders[person_id] = digest.hex()
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
) -> None:
    """Wrap keys to one recipient and sign each wrap: HPKE's base mode does not say who wrapped.

    The signature vouches for the recipient's and the founder's fingerprints too.
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
                opened=recipient.name == act.person.id,
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


def unwrap_keys(act: Act, keys: HolderKeys, exchange_private: bytes) -> dict[str, bytes]:
    """Open a holder's own wraps; somebody without any is refused (403), altered ones too (409)."""
    opened = {}
    for row in wraps_of(act, keys):
        context = contexts.key_wrap(
            row.study_id, row.version, row.key_name, row.recipient, keys.exchange_public
        )
        try:
            opened[row.key_name] = unwrap(exchange_private, row.wrapped, context)
        except CannotOpen:
            raise Refusal(CHANGED) from None
    if "record" not in opened:
        raise Refusal(
            "You do not hold this study's keys yet. The statistician compares your six words "
            "with you and enrols you.",
            status=403,
        )
    return opened


def pins_of(act: Act, unlocked: Unlocked) -> StudyPins:
    """What a granter trusts of the study; nobody grants before the room was opened once (409)."""
    pins = unlocked.record.pins.get(act.in_study.id)
    if pins is None:
        raise Refusal("Open the room once before you enrol somebody: it checks your keys.")
    return pins


def founder_digest(act: Act, pins: StudyPins) -> bytes:
    """The founder's fingerprint as the granter trusts it, not as the database says."""
    founder_id = act.uow.session.get_one(StudyKeys, (act.in_study.id, pins.version)).founder_id
    if founder_id not in pins.holders:
        raise Refusal("Open the room again before you enrol somebody.")
    return bytes.fromhex(pins.holders[founder_id])


def names_for(roles: frozenset[Role]) -> tuple[str, ...]:
    """The keys that these roles ask for."""
    return tuple(sorted({name for role in roles for name in KEYS_FOR.get(role, ())}))


def _holder(act: Act, person: Person) -> Holder:
    keys = keys_of(act, person.id)
    roles = people.roles_of(act.uow.session, person.id, act.in_study.id)
    has_keys = bool(keys and keys.confirmed)
    return Holder(person, roles, has_keys, granted(act, person.id), names_for(roles))


def _wraps(act: Act, recipient: str) -> Sequence[KeyWrap]:
    query = sa.select(KeyWrap).where(
        KeyWrap.study_id == act.in_study.id, KeyWrap.recipient == recipient
    )
    return act.uow.session.scalars(query.order_by(KeyWrap.key_name)).all()


def folded(words: str) -> str:
    """Words as they are compared: whatever their capitals, spaces and dashes; none is empty."""
    try:
        return fold_passphrase(words)
    except ValueError:
        return ""
