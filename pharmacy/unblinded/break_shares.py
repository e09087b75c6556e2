"""Two halves of a slot's key for each investigator: one for their own key, one for the server's.

Neither says anything alone. They are made by somebody who holds the list key and has compared the
investigator's six words in person; the server cannot make them by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed, seal
from pharmacy.crypto.commitments import halves
from pharmacy.crypto.deriving import fingerprint_of_secret
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.server_secret import each_of
from pharmacy.crypto.signing import sign, verify
from pharmacy.crypto.wrapping import unwrap, wrap
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import PERMISSIONS, Permission, may
from pharmacy.persistence import people
from pharmacy.persistence.people import Person
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, private_record, trail, trust, versions
from pharmacy.unblinded.drill_envelopes import drill_of, make_drill
from pharmacy.unblinded.granting import NOT_THOSE_WORDS, folded, founder_digest, pins_of
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.private_record import PublicKeys, StudyPins, Unlocked
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import (
    KEY_SIZE,
    BreakEnrolment,
    BreakShare,
    DrillEnvelope,
    HolderKeys,
    Slot,
)
from pharmacy.unblinded.taken_slots import CHANGED

Place = tuple[str, int, str, int]
_NO_LIST_KEY = "You do not hold the list key."


@dataclass(frozen=True, repr=False)
class Halves:
    """Both halves of one slot's key, opened by their two owners; the act alone joins them."""

    place: Place
    own: bytes
    kept: bytes


@dataclass(frozen=True)
class Investigator:
    """Somebody who may break a code, as the page of the lit room shows them.

    `needed`: they have the role. Who lost it holds halves until somebody takes them back.
    """

    person: Person
    has_keys: bool
    enrolled: bool
    has_drill: bool
    needed: bool

    @property
    def status(self) -> str:
        """In words: no keys, waiting, able to break a code, or holding halves for nothing."""
        if not self.needed:
            return "No role any more, and still holds halves"
        if not self.has_keys:
            return "No keys of their own yet"
        return "Can break a code" if self.enrolled else "Waiting for the comparison"


def investigators(act: Act) -> list[Investigator]:
    """Everybody in the study who may break a code, or still holds halves."""
    found = {
        person.id: person
        for role in sorted(PERMISSIONS[Permission.BREAK_CODE])
        for person in people.members(act.uow.session, act.in_study.id, role)
    }
    may_break = frozenset(found)
    for row in enrolments(act):
        former = people.person(act.uow.session, row.person_id)
        if former is not None:
            found.setdefault(former.id, former)
    return [_investigator(act, one, needed=one.id in may_break) for one in found.values()]


def investigator(act: Act, person_id: str) -> Investigator:
    """One of them; anybody else is refused (404)."""
    for one in investigators(act):
        if one.person.id == person_id and one.needed:
            return one
    raise Refusal("There is no such investigator in this study.", status=404)


def enrol(
    act: Act,
    room: OpenRoom,
    person_id: str,
    words_heard: str,
    passphrase: str,
    pepper: bytes,
    break_key: bytes,
) -> None:
    """Make an investigator's shares of every slot, after their six words were heard and typed.

    For somebody enrolled before nothing changes, unless whoever enrolled them has made new keys
    before these were tried. Wrong words are `BadForm`, the granter's wrong
    passphrase `WrongPassphrase`; without the list key 403, without the investigator's keys 409.
    """
    act.permit(Permission.ENROL_INVESTIGATORS)
    if room.list_key is None:
        raise Refusal(_NO_LIST_KEY, status=403)
    one, keys = investigator(act, person_id), keys_of(act, person_id)
    if keys is None or not one.has_keys:
        raise Refusal("This person has no keys of their own yet. They make them first.")
    if one.enrolled:
        return
    versions.hold(act, room.version)
    _forget_shares(act, person_id)
    if folded(words_heard) != folded(private_record.six_words(keys)):
        raise BadForm({"words": NOT_THOSE_WORDS})
    _own, unlocked = unlock_own(act, passphrase, pepper)
    said = enrolled_bytes(keys, founder_digest(act, pins_of(act, unlocked)))
    context = contexts.break_enrolment(act.in_study.id, person_id)
    act.uow.session.merge(
        BreakEnrolment(
            study_id=act.in_study.id,
            person_id=person_id,
            granted_by=act.person.id,
            signature=sign(unlocked.record.signing_private, context, said),
            tried=False,
        )
    )
    act.uow.session.flush()
    split(act, room.list_key, keys, unlocked.record.signing_private, break_key)
    make_drill(act, keys, unlocked, room.version, break_key)
    trail.record(act, room.record_key, "investigator_enrolled", f"person:{person_id}")
    act.record("investigator_enrolled", f"person:{person_id}")


def give_drill(
    act: Act, room: OpenRoom, person_id: str, passphrase: str, pepper: bytes, break_key: bytes
) -> None:
    """A drill for an investigator who was enrolled without one; who has one keeps it.

    Refused (409) before they are enrolled; the granter's wrong passphrase is `WrongPassphrase`.
    """
    act.permit(Permission.ENROL_INVESTIGATORS)
    one, keys = investigator(act, person_id), keys_of(act, person_id)
    row = enrolment(act, person_id)
    if keys is None or row is None:
        raise Refusal("This person is not enrolled yet. Compare the six words first.")
    if one.has_drill:
        return
    _own, unlocked = unlock_own(act, passphrase, pepper)
    check_enrolment(act, row, keys, pins_of(act, unlocked))
    make_drill(act, keys, unlocked, versions.in_force(act).version, break_key)
    trail.record(act, room.record_key, "drill_given", f"person:{person_id}")
    act.record("drill_given", f"person:{person_id}")


def make_for_enrolled(
    act: Act, list_key: bytes, unlocked: Unlocked, break_key: bytes, part: int = 1
) -> None:
    """Shares of a part that was just sealed, for every investigator enrolled before it.

    Each enrolment is believed by its granter's signature and the loader's pins; one that does not
    hold stops the loading (409). Whoever has lost the role gets none.
    """
    enrolled = enrolments(act)
    if enrolled and not break_key:
        raise ValueError("shares are made under the installation's break key")
    for row in enrolled:
        keys = keys_of(act, row.person_id)
        roles = people.roles_of(act.uow.session, row.person_id, act.in_study.id)
        if keys is None or not may(roles, Permission.BREAK_CODE):
            continue
        check_enrolment(act, row, keys, pins_of(act, unlocked))
        split(act, list_key, keys, unlocked.record.signing_private, break_key, part)


def enrolments(act: Act) -> Sequence[BreakEnrolment]:
    """Who was enrolled in the act's study."""
    query = sa.select(BreakEnrolment).where(BreakEnrolment.study_id == act.in_study.id)
    return act.uow.session.scalars(query.order_by(BreakEnrolment.person_id)).all()


def enrolment(act: Act, person_id: str) -> BreakEnrolment | None:
    """A person's enrolment in the act's study."""
    return act.uow.session.get(BreakEnrolment, (act.in_study.id, person_id))


def enrolled_bytes(keys: HolderKeys, founder: bytes) -> bytes:
    """What a granter signs: whom they have compared, and who founded the study's keys."""
    return private_record.digest_of(keys) + founder


def check_enrolment(
    act: Act, row: BreakEnrolment, keys: HolderKeys, trusted_pins: StudyPins
) -> bytes:
    """Refuse (409) an enrolment that no trusted holder has signed for these very keys.

    Returns the fingerprint that it names as the founder's.
    """
    believed = trust.Trust(act, trusted_pins)
    context = contexts.break_enrolment(row.study_id, row.person_id)
    for digest in trust.founder_digests(act, versions.in_force(act)):
        said = enrolled_bytes(keys, digest)
        if believed.signed(row.granted_by, context, said, row.signature, "list"):
            return digest
    raise Refusal(CHANGED)


def shares(act: Act, person_id: str) -> Sequence[BreakShare]:
    """A person's shares in the act's study."""
    query = sa.select(BreakShare).where(
        BreakShare.study_id == act.in_study.id, BreakShare.person_id == person_id
    )
    return act.uow.session.scalars(query.order_by(BreakShare.stratum, BreakShare.number)).all()


def share(act: Act, stratum: str, number: int) -> BreakShare | None:
    """The acting person's share of one slot."""
    key = (act.in_study.id, stratum, number, act.person.id)
    return act.uow.session.get(BreakShare, key)


def open_halves(
    row: BreakShare | DrillEnvelope,
    keys: HolderKeys,
    exchange_private: bytes,
    granters: Sequence[PublicKeys],
    break_key: bytes,
) -> Halves:
    """Both halves of one share, after its granter's signature; `CannotOpen` whatever is wrong.

    `granters` are the public keys that its signature may be of.
    """
    place: Place = (row.study_id, row.key_version, row.stratum, row.number)
    context = contexts.break_share(*place, row.person_id)
    said = _signed_bytes(row, keys)
    if not any(verify(one.signing_public, context, said, row.signature) for one in granters):
        raise CannotOpen
    own = contexts.break_half("own", *place, row.person_id)
    opened = unwrap(exchange_private, row.wrapped_half, own)
    return Halves(place, opened, _kept_half(row, break_key))


def _kept_half(row: BreakShare, break_key: bytes) -> bytes:
    """The server's half: while its key is being changed, under the one of now or of before."""
    place: Place = (row.study_id, row.key_version, row.stratum, row.number)
    context = contexts.break_half("kept", *place, row.person_id)
    for key in each_of(break_key):
        try:
            return open_sealed(key, row.kept_half, KEY_SIZE, context)
        except CannotOpen:
            continue
    raise CannotOpen


def check_kept_half(
    row: BreakShare, keys: HolderKeys, granter: PublicKeys, break_key: bytes
) -> None:
    """Check the granter's signature and open the server's half; `CannotOpen` when one fails."""
    place: Place = (row.study_id, row.key_version, row.stratum, row.number)
    context = contexts.break_share(*place, row.person_id)
    if not verify(granter.signing_public, context, _signed_bytes(row, keys), row.signature):
        raise CannotOpen
    _kept_half(row, break_key)


def split(
    act: Act,
    list_key: bytes,
    keys: HolderKeys,
    signing_private: bytes,
    break_key: bytes,
    first_part: int = 1,
) -> None:
    """Halve the keys of slots for one investigator. Keys alone: no envelope is opened here."""
    draw, person_id = act.surroundings.random_bytes, keys.person_id
    query = sa.select(Slot).where(Slot.study_id == act.in_study.id, Slot.part >= first_part)
    for slot in act.uow.session.scalars(query.order_by(Slot.stratum, Slot.number)):
        place = (slot.study_id, slot.key_version, slot.stratum, slot.number)
        try:
            whole = open_sealed(list_key, slot.slot_key, KEY_SIZE, contexts.slot_key(*place))
        except CannotOpen:
            raise Refusal(CHANGED) from None
        own, kept = halves(whole, draw("break half", 32))
        kept_context = contexts.break_half("kept", *place, person_id)
        row = BreakShare(
            study_id=slot.study_id,
            stratum=slot.stratum,
            number=slot.number,
            person_id=person_id,
            key_version=slot.key_version,
            wrapped_half=wrap(
                keys.exchange_public, own, contexts.break_half("own", *place, person_id)
            ),
            kept_half=seal(break_key, kept, KEY_SIZE, kept_context, draw("break half salt", 32)),
            under_break_key=fingerprint_of_secret(bytes(break_key), "break-key"),
            granted_by=act.person.id,
        )
        context = contexts.break_share(*place, person_id)
        row.signature = sign(signing_private, context, _signed_bytes(row, keys))
        act.uow.session.add(row)
    act.uow.session.flush()


def _signed_bytes(row: BreakShare | DrillEnvelope, keys: HolderKeys) -> bytes:
    return row.wrapped_half + row.kept_half + private_record.digest_of(keys)


def _forget_shares(act: Act, person_id: str) -> None:
    found = sa.delete(BreakShare).where(
        BreakShare.study_id == act.in_study.id, BreakShare.person_id == person_id
    )
    act.uow.session.execute(found)


def _investigator(act: Act, person: Person, *, needed: bool) -> Investigator:
    keys, row = keys_of(act, person.id), enrolment(act, person.id)
    has_keys = keys is not None and keys.confirmed
    enrolled = row is not None and _stands(act, row, keys)
    has_drill = drill_of(act, person.id) is not None
    return Investigator(person, has_keys, enrolled, has_drill, needed)


def _stands(act: Act, row: BreakEnrolment, keys: HolderKeys | None) -> bool:
    """Whether an enrolment can still be tried: its granter may have made new keys before it was."""
    granter = keys_of(act, row.granted_by)
    if row.tried or keys is None or granter is None:
        return row.tried
    context = contexts.break_enrolment(row.study_id, row.person_id)
    return any(
        verify(granter.signing_public, context, enrolled_bytes(keys, digest), row.signature)
        for digest in trust.founder_digests(act, versions.in_force(act))
    )
