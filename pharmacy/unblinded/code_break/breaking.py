"""Breaking one code: written down and committed first, then opened, then shown and marked.

Three steps and two commits. What was opened without the last is an entry without an answer; an
answer without the first cannot be.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import marks, participants
from pharmacy.persistence.audit import AuditEntry
from pharmacy.persistence.departures import had_place
from pharmacy.persistence.participants import Participant
from pharmacy.services import notices
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.unblinded import break_shares, inbox
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.arm_words import arm_words
from pharmacy.unblinded.code_break import own_keys
from pharmacy.unblinded.code_break.passphrase import unlock
from pharmacy.unblinded.envelope import DoesNotOpen, open_envelope
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.private_record import PublicKeys
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import BreakShare, HolderKeys, Slot, StudyKeys
from pharmacy.unblinded.warrants import (
    BreakWarrant,
    commit_break_warrant,
    find_break_warrant,
)

REASONS: dict[str, str] = {
    "treatment": "Treatment of an emergency depends on it",
    "overdose": "Overdose or wrong bag",
    "pregnancy": "Pregnancy exposure",
    "regulatory": "Regulatory reporting",
    "other": "Other, told to the sponsor",
}
KIND = "code_break"
SHOWN = "code_break_shown"


@dataclass(frozen=True)
class Asked:
    """What an investigator asks for. `form` is the number of the form, `device` the sign-in."""

    participant_id: str
    reason: str
    said: str
    passphrase: str = field(repr=False)
    form: str
    device: str


@dataclass(frozen=True, repr=False)
class Answer:
    """What one person is shown once; `compared` says whether their keys were tried before."""

    participant: str
    words: str
    clock: str
    moment: str
    compared: bool
    sponsor_phone: str
    pharmacy_phone: str


@dataclass(frozen=True)
class Choice:
    """A participant whose code can be broken; `broken` when the acting person did so before."""

    id: str
    code: str
    broken: bool


def choices(act: Act) -> list[Choice]:
    """Everybody in the study who has a place, by code, those who have left included."""
    act.permit(Permission.BREAK_CODE)
    broken = {entry.subject for entry in _own_entries(act, SHOWN)}
    return [
        Choice(one.id, one.code, _subject(one) in broken)
        for one in participants.of_study(act.uow.session, act.in_study.id)
        if one.state in ("allocated", "withdrawn") and had_place(act.uow.session, one.id)
    ]


def choice(act: Act, participant_id: str) -> Choice:
    """One of them; anybody else is refused (404)."""
    for one in choices(act):
        if one.id == participant_id:
            return one
    raise Refusal("This participant has no place in the study yet: there is no code.", status=404)


def break_code(act: Act, asked: Asked, secrets: ServerSecrets) -> Answer:
    """Open the envelope of one participant for the acting investigator alone.

    Commits twice: the entry and what the pharmacy is told before the slot's key is put together;
    the showing, the mark and the notice after it. The same form once more writes neither entry,
    nor record, nor notice again, and what is shown is a showing of its own. Refused: a participant
    without a place (404), who has no share, halves that do not fit, a wrong passphrase (403).
    """
    act.permit(Permission.BREAK_CODE)
    if asked.reason not in REASONS:
        raise BadForm({"reason": "Choose why."})
    said = inbox.check_said(asked.said)
    participant = _participant(act, choice(act, asked.participant_id).id)
    words = _arm_words(act, participant)
    slot, share, keys = _place(act, participant)
    unlocked = unlock(act, keys, asked.passphrase, secrets.pepper, asked.device)
    compared = own_keys.compare(act, unlocked.record, share, participant)
    again = choice(act, participant.id).broken
    warrant = _written(act, participant, slot, asked, said, compared.pinned)
    own = unlocked.record.exchange_private
    granters = compared.granters
    arm = _opened(act, warrant, participant, share, keys, own, granters, secrets.break_key)
    told = next(text for one, text in words if one == arm)
    _shown(act, participant, asked, again)
    return _answer(act, participant, told, compared.pinned)


def _written(
    act: Act, participant: Participant, slot: Slot, asked: Asked, said: str, compared: bool
) -> BreakWarrant:
    """The committed entry of this form, with what the pharmacy reads; made if it is not there."""
    subject = _subject(participant)
    found = find_break_warrant(act, subject, asked.reason, asked.form)
    if found is not None:
        return found
    keys = act.uow.session.get_one(StudyKeys, (slot.study_id, slot.key_version))
    record = {
        "kind": KIND,
        "at": act.now.isoformat(),
        "person": act.person.id,
        "name": act.person.full_name,
        "participant": participant.code,
        "stratum": slot.stratum,
        "number": slot.number,
        "reason": asked.reason,
        "said": said,
        "compared": compared,
    }
    try:
        inbox.put(act, keys, _record_id(act, asked.form), record)
        return commit_break_warrant(act, subject, asked.reason, asked.form, keys_compared=compared)
    except Conflict:  # a twin of this form was faster: its entry is this form's
        act.uow.rollback()
        twin = find_break_warrant(act, subject, asked.reason, asked.form)
        if twin is None:
            raise
        return twin


def _opened(
    act: Act,
    warrant: BreakWarrant,
    participant: Participant,
    share: BreakShare,
    keys: HolderKeys,
    exchange_private: bytes,
    granters: Sequence[PublicKeys],
    break_key: bytes,
) -> Arm:
    try:
        halves = break_shares.open_halves(share, keys, exchange_private, granters, break_key)
        return open_envelope(act, halves, warrant, participant.id)
    except (CannotOpen, DoesNotOpen):
        raise own_keys.no_fit(act, participant) from None


def _shown(act: Act, participant: Participant, asked: Asked, again: bool) -> None:
    """The showing, the mark and the notice, committed before anybody sees the answer.

    A twin may set the same mark or notice at the same moment; then it is there the second time.
    """
    try:
        _show(act, participant, asked, again)
    except Conflict:
        act.uow.rollback()
        _show(act, participant, asked, again)


def _show(act: Act, participant: Participant, asked: Asked, again: bool) -> None:
    act.record(SHOWN, _subject(participant), new={"form": asked.form}, reason=asked.reason)
    marks.set_mark(act.uow.session, act.in_study.id, act.person.id, act.now)
    notices.code_broken(act, asked.form, again=again)
    act.uow.commit()


def _answer(act: Act, participant: Participant, told: str, compared: bool) -> Answer:
    site = participant_verbs.site_of(act, participant)
    zone = ZoneInfo(site.zone)
    return Answer(
        participant=participant.code,
        words=told,
        clock=_clock(act.now, zone),
        moment=format_moment(act.now, zone),
        compared=compared,
        sponsor_phone=site.sponsor_phone or site.unblinding_phone,
        pharmacy_phone=site.pharmacy_phone,
    )


def _clock(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def _arm_words(act: Act, participant: Participant) -> list[tuple[Arm, str]]:
    """What the protocol calls each arm; asked of all before one is known (409 if it fails)."""
    try:
        return arm_words(act)
    except Refusal:
        raise own_keys.no_fit(act, participant) from None


def _place(act: Act, participant: Participant) -> tuple[Slot, BreakShare, HolderKeys]:
    """The participant's slot and the acting person's share of it; without one, whom to call."""
    query = sa.select(Slot).where(
        Slot.study_id == act.in_study.id, Slot.participant_id == participant.id
    )
    slot = act.uow.session.scalars(query).one_or_none()
    share = break_shares.share(act, slot.stratum, slot.number) if slot else None
    if slot is not None and share is not None and slot.key_version != share.key_version:
        # The keys were renewed between the two: both are read again.
        for row in (slot, share):
            act.uow.session.refresh(row)
    keys = keys_of(act, act.person.id)
    if slot is None or share is None or keys is None or not keys.confirmed:
        raise own_keys.no_share(act, participant)
    return slot, share, keys


def _participant(act: Act, participant_id: str) -> Participant:
    found = participants.participant(act.uow.session, participant_id)
    if found is None:
        raise Refusal("There is no such participant in this study.", status=404)
    return found


def _subject(participant: Participant) -> str:
    return f"participant:{participant.code}"


def _record_id(act: Act, form: str) -> str:
    return hashlib.sha256(f"code break|{act.person.id}|{form}".encode()).hexdigest()[:32]


def _own_entries(act: Act, event: str) -> list[AuditEntry]:
    """What the acting person did here before."""
    query = sa.select(AuditEntry).where(
        AuditEntry.trail == act.in_study.id,
        AuditEntry.event == event,
        AuditEntry.person_id == act.person.id,
    )
    return list(act.uow.session.scalars(query))
