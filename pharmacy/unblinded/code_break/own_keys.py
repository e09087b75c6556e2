"""An investigator's keys for breaking a code: whether they are ready, and a try without a break.

The try compares the granter's six words and pins what it finds, at a calm hour: a break asks for
nothing of it, compares what was pinned, and says when nothing was.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence import people, studies
from pharmacy.persistence.audit import AuditEntry
from pharmacy.persistence.participants import Participant
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.unblinded import break_shares, list_parts, pins, private_record, versions
from pharmacy.unblinded.code_break.passphrase import unlock
from pharmacy.unblinded.granting import folded
from pharmacy.unblinded.holders import keys_of, known_keys, own_keys
from pharmacy.unblinded.private_record import PrivateRecord, PublicKeys, StudyPins
from pharmacy.unblinded.tables import (
    BreakEnrolment,
    BreakShare,
    DrillEnvelope,
    HolderKeys,
    SealedList,
)
from pharmacy.unblinded.trust import Trust, catch_up

TRIED = "break_keys_tried"
_WORDS_DIFFER = (
    "These are not the six words of the person who enrolled you. Ask them to read the words from "
    "their own screen. If they still differ, stop and call the sponsor."
)
_NO_FIT = (
    "Your keys do not open this study's codes, or somebody changed them. To learn what a "
    "participant receives, call the on-call pharmacist now, {phone}."
)
_CHANGED = (
    "This study's keys or list are not the ones that you compared before. To learn what a "
    "participant receives, call the on-call pharmacist now, {phone}, and then the sponsor."
)
_NOT_ENROLLED = (
    "You cannot break a code of this study: nobody has enrolled you yet. To learn what a "
    "participant receives, call the on-call pharmacist, {phone}."
)


@dataclass(frozen=True)
class BreakKeys:
    """Where an investigator stands; `granter` is whose words are still to be compared, if any.

    `grown`: the list has grown since the keys were tried, so that they are to be tried once more.
    """

    made: bool
    confirmed: bool
    enrolled: bool
    tried: bool
    six_words: str
    granter: str
    phone: str
    grown: bool = False


def standing(act: Act) -> BreakKeys:
    """The acting person's standing in the act's study. Whether they pinned is asked of the trail:
    it decides what the page asks for, and nothing else.
    """
    keys = keys_of(act, act.person.id)
    row = break_shares.enrolment(act, act.person.id)
    confirmed = bool(keys and keys.confirmed)
    words = private_record.six_words(keys) if keys and confirmed else ""
    granter = people.person(act.uow.session, row.granted_by) if row else None
    return BreakKeys(
        made=keys is not None,
        confirmed=confirmed,
        enrolled=row is not None,
        tried=bool(row and row.tried),
        six_words=words,
        granter=granter.full_name if granter else "",
        phone=pharmacy_phone(act),
        grown=bool(row and not row.tried and _tried_before(act)),
    )


def _tried_before(act: Act) -> bool:
    query = sa.select(AuditEntry.seq).where(
        AuditEntry.trail == act.in_study.id,
        AuditEntry.event == TRIED,
        AuditEntry.person_id == act.person.id,
    )
    return act.uow.session.scalars(query.limit(1)).first() is not None


def pharmacy_phone(act: Act, participant: Participant | None = None) -> str:
    """The number under which a pharmacist of the participant's site answers at any hour; of the
    study's first site while it is about nobody.
    """
    if participant is not None:
        return str(participant_verbs.site_of(act, participant).pharmacy_phone)
    return str(studies.sites(act.uow.session, act.in_study.id)[0].pharmacy_phone)


def try_keys(
    act: Act, passphrase: str, granter_words: str, pepper: bytes, break_key: bytes, device: str
) -> None:
    """Prove that passphrase and shares work without joining any two halves, and pin what was seen.

    The first time the granter's six words are compared (`BadForm` when they differ). Keys or a
    list that changed since, and halves that do not open, are refused (409).
    """
    act.permit(Permission.BREAK_CODE)
    keys = own_keys(act)
    row = break_shares.enrolment(act, act.person.id)
    if row is None:
        raise Refusal(_NOT_ENROLLED.format(phone=pharmacy_phone(act)))
    unlocked = unlock(act, keys, passphrase, pepper, device)
    trusted = unlocked.record.pins.get(act.in_study.id)
    try:
        if trusted is None:
            trusted = _first_pins(act, row, granter_words)
            unlocked.record.pins[act.in_study.id] = trusted
        catch_up(act, trusted)
        _pin_the_founder(act, trusted, break_shares.check_enrolment(act, row, keys, trusted))
        believed = Trust(act, trusted)
        _pin_the_list(act, trusted, believed)
        _open_every_half(act, keys, unlocked.record, believed, break_key)
        believed.pin()
    except (CannotOpen, Refusal):
        raise Refusal(_NO_FIT.format(phone=pharmacy_phone(act))) from None
    row.tried = True
    private_record.keep(keys, unlocked, act.surroundings)
    act.record(TRIED, f"person:{act.person.id}", new=_parts_seen(act))


@dataclass(frozen=True)
class Compared:
    """Whether there was something to compare with, and whose signature a share may bear."""

    pinned: bool
    granters: Sequence[PublicKeys]


def compare(
    act: Act,
    record: PrivateRecord,
    share: BreakShare | DrillEnvelope,
    participant: Participant | None = None,
) -> Compared:
    """Compare with what was pinned at the last try, moved on along later versions' signatures.

    A difference is refused (409): somebody exchanged keys or list. Nothing is kept here.
    """
    changed = _CHANGED.format(phone=pharmacy_phone(act, participant))
    trusted = deepcopy(record.pins.get(act.in_study.id))
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    if loaded is None:
        raise Refusal(changed)
    if trusted is None or not trusted.loaded:
        return Compared(pinned=False, granters=known_keys(act, share.granted_by))
    try:
        believed = _goes_on(act, trusted)
    except (CannotOpen, Refusal):
        raise Refusal(changed) from None
    granters = believed.keys(share.granted_by, "list")
    if not granters:
        return Compared(pinned=False, granters=known_keys(act, share.granted_by))
    return Compared(pinned=True, granters=granters)


def _goes_on(act: Act, trusted: StudyPins) -> Trust:
    """Whom these pins believe, when keys and list are the pinned ones or follow from them;
    `CannotOpen` or a refusal otherwise.

    What the list grew by since, and a later version of the keys, is signed by a trusted holder.
    The pins that are kept stay as they are: they move on at the next try.
    """
    version, parts, slots = trusted.version, _parts_pinned(act, trusted), trusted.slots
    catch_up(act, trusted)
    believed = Trust(act, trusted)
    pins.check_list(act, trusted, believed)
    same = slots == pins.slots_digest(act, 1, parts).hex()
    if trusted.version == version and not same:
        raise CannotOpen
    return believed


def _parts_pinned(act: Act, trusted: StudyPins) -> int:
    """How many parts the list had when it was pinned."""
    before = b""
    for part in list_parts.parts(act):
        before = list_parts.chain(part, before)
        if before.hex() == trusted.grown:
            return part.part
    return list_parts.FIRST


def no_share(act: Act, participant: Participant | None = None) -> Refusal:
    """What somebody is told who has no share of a participant's code."""
    return Refusal(_NOT_ENROLLED.format(phone=pharmacy_phone(act, participant)))


def no_fit(act: Act, participant: Participant | None = None) -> Refusal:
    """What somebody is told whose halves do not open, whatever is wrong with them."""
    return Refusal(_NO_FIT.format(phone=pharmacy_phone(act, participant)))


def _first_pins(act: Act, row: BreakEnrolment, granter_words: str) -> StudyPins:
    granter, made = keys_of(act, row.granted_by), versions.in_force(act)
    if granter is None:
        raise CannotOpen
    if folded(granter_words) != private_record.six_words(granter):
        raise BadForm({"granter_words": _WORDS_DIFFER})
    found = StudyPins(made.version, made.list_commitment.hex(), made.record_commitment.hex())
    found.pin(granter.person_id, private_record.digest_of(granter), with_list=True)
    return found


def _pin_the_founder(act: Act, trusted: StudyPins, digest: bytes) -> None:
    """The founder's fingerprint stands in what the granter has signed."""
    founder_id = versions.in_force(act).founder_id
    if (founder_id, digest) not in set(trusted.pinned()):
        trusted.pin(founder_id, digest, with_list=True)


def _pin_the_list(act: Act, trusted: StudyPins, believed: Trust) -> None:
    if not trusted.is_of(versions.in_force(act)):
        raise CannotOpen
    pinned = pins.slots_digest(act, 1, _parts_pinned(act, trusted)).hex()
    if trusted.slots and trusted.slots != pinned:
        raise CannotOpen
    pins.check_list(act, trusted, believed)
    if trusted.loaded:
        trusted.slots = pins.slots_digest(act).hex()


def _parts_seen(act: Act) -> dict[str, object] | None:
    """What the trail says of a list that has grown: how many parts were compared."""
    parts = len(list_parts.parts(act))
    return {"list_parts": parts} if parts > list_parts.FIRST else None


def _open_every_half(
    act: Act, keys: HolderKeys, record: PrivateRecord, believed: Trust, break_key: bytes
) -> None:
    """Each half by itself; they are not put together here."""
    for share in break_shares.shares(act, act.person.id):
        granters = believed.keys(share.granted_by, "list")
        break_shares.open_halves(share, keys, record.exchange_private, granters, break_key)
