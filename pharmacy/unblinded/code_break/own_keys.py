"""An investigator's keys for breaking a code: whether they are ready, and a try without a break.

The try compares the granter's six words and pins what it finds, at a calm hour: a break asks for
nothing of it, compares what was pinned, and says when nothing was.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence import people, studies
from pharmacy.persistence.audit import AuditEntry
from pharmacy.services.act import Act
from pharmacy.unblinded import break_shares, list_parts, pins, private_record, versions
from pharmacy.unblinded.code_break.passphrase import unlock
from pharmacy.unblinded.granting import folded
from pharmacy.unblinded.holders import keys_of, own_keys
from pharmacy.unblinded.private_record import PrivateRecord, StudyPins
from pharmacy.unblinded.tables import (
    BreakEnrolment,
    BreakShare,
    DrillEnvelope,
    HolderKeys,
    SealedList,
    StudyKeys,
)

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


def pharmacy_phone(act: Act) -> str:
    """The number under which a pharmacist answers at any hour."""
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
        break_shares.check_enrolment(act, row, keys, trusted)
        _pin_the_list(act, trusted)
        _open_every_half(act, keys, unlocked.record, trusted, break_key)
    except (CannotOpen, Refusal):
        raise Refusal(_NO_FIT.format(phone=pharmacy_phone(act))) from None
    row.tried = True
    private_record.keep(keys, unlocked, act.surroundings)
    act.record(TRIED, f"person:{act.person.id}", new=_parts_seen(act))


def compare(act: Act, record: PrivateRecord, share: BreakShare | DrillEnvelope) -> bool:
    """Compare what was pinned at the last try; False when there is nothing to compare with.

    A difference is refused (409): somebody exchanged keys or list.
    """
    trusted = record.pins.get(act.in_study.id)
    granter = keys_of(act, share.granted_by)
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    if granter is None or loaded is None:
        raise Refusal(_CHANGED.format(phone=pharmacy_phone(act)))
    if trusted is None or share.granted_by not in trusted.holders:
        return False
    same = trusted.holders[share.granted_by] == private_record.digest_of(granter).hex()
    if trusted.loaded:
        same = same and trusted.loaded == loaded.commitment.hex()
        same = same and _list_goes_on(act, trusted)
    if not same:
        raise Refusal(_CHANGED.format(phone=pharmacy_phone(act)))
    return bool(trusted.loaded)


def _list_goes_on(act: Act, trusted: StudyPins) -> bool:
    """Whether the list is the pinned one, and what it grew by since is signed by a trusted holder.

    The pins stay as they are: they move on at the next try, where the investigator is told.
    """
    founded = act.uow.session.get_one(StudyKeys, (act.in_study.id, trusted.version))
    try:
        pins.check_list(act, deepcopy(trusted), founded)
    except Refusal:
        return False
    return trusted.slots == pins.slots_digest(act, 1, _parts_pinned(act, trusted)).hex()


def _parts_pinned(act: Act, trusted: StudyPins) -> int:
    """How many parts the list had when it was pinned."""
    before = b""
    for part in list_parts.parts(act):
        before = list_parts.chain(part, before)
        if before.hex() == trusted.grown:
            return part.part
    return list_parts.FIRST


def no_share(act: Act) -> Refusal:
    """What somebody is told who has no share of a participant's code."""
    return Refusal(_NOT_ENROLLED.format(phone=pharmacy_phone(act)))


def no_fit(act: Act) -> Refusal:
    """What somebody is told whose halves do not open, whatever is wrong with them."""
    return Refusal(_NO_FIT.format(phone=pharmacy_phone(act)))


def _first_pins(act: Act, row: BreakEnrolment, granter_words: str) -> StudyPins:
    granter = keys_of(act, row.granted_by)
    made = versions.in_force(act)
    founder = keys_of(act, made.founder_id)
    if granter is None or founder is None:
        raise CannotOpen
    if folded(granter_words) != private_record.six_words(granter):
        raise BadForm({"granter_words": _WORDS_DIFFER})
    # The founder's fingerprint stands in what the granter has signed, which is checked next.
    holders = {one.person_id: private_record.digest_of(one).hex() for one in (founder, granter)}
    return StudyPins(
        made.version, made.list_commitment.hex(), made.record_commitment.hex(), holders=holders
    )


def _pin_the_list(act: Act, trusted: StudyPins) -> None:
    made = act.uow.session.get_one(StudyKeys, (act.in_study.id, trusted.version))
    pinned = pins.slots_digest(act, 1, _parts_pinned(act, trusted)).hex()
    if trusted.slots and trusted.slots != pinned:
        raise CannotOpen
    pins.check_list(act, trusted, made)
    if trusted.loaded:
        trusted.slots = pins.slots_digest(act).hex()


def _parts_seen(act: Act) -> dict[str, object] | None:
    """What the trail says of a list that has grown: how many parts were compared."""
    parts = len(list_parts.parts(act))
    return {"list_parts": parts} if parts > list_parts.FIRST else None


def _open_every_half(
    act: Act, keys: HolderKeys, record: PrivateRecord, trusted: StudyPins, break_key: bytes
) -> None:
    """Each half by itself; they are not put together here."""
    made = act.uow.session.get_one(StudyKeys, (act.in_study.id, trusted.version))
    for share in break_shares.shares(act, act.person.id):
        granter = pins.trusted(act, trusted, made.founder_id, share.granted_by)
        break_shares.open_halves(share, keys, record.exchange_private, granter, break_key)
