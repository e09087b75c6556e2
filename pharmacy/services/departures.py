"""Leaving the treatment, and being replaced: both signed by the investigator.

A place stays used when its participant leaves. Whoever replaces them gets the next one, like
anybody else, so that nothing shows or depends on an arm. Leaving the treatment stops the bags and
nothing else: weights, pages, running infusions and the code break stay open.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_day
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import departures, participants
from pharmacy.persistence.departures import Replacement, Withdrawal
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.signatures import Signature
from pharmacy.services import participants as participant_verbs
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.signing import sign
from pharmacy.services.studies import protocol_of

LEFT_MEANING = "I confirm that this participant has left the treatment."
REPLACES_MEANING = "I confirm that this participant replaces the one who left."
ERROR = "error"
REASONS = {
    "consent": "The participant withdrew consent to the treatment",
    "adverse_event": "An adverse event",
    "investigator": "The investigator stopped the treatment",
    "lost": "Lost to follow-up",
    "not_eligible": "Found not to be eligible",
    "died": "The participant died",
}
_NOT_ALLOWED = "The protocol of this study lets nobody be replaced."


@dataclass(frozen=True)
class Candidate:
    """Somebody who left and may be replaced."""

    participant_id: str
    words: str


def withdraw(
    act: Act, participant_id: str, left_on: date, reason: str, password: str
) -> Withdrawal:
    """Sign that a participant left the treatment on a day; at once no bag of theirs is a Go.

    `reason` is a key of `REASONS`. Refused (409) for somebody who has left already. Somebody who
    waits for a place gets none any more; a place that was given stays used.
    """
    act.permit(Permission.SIGN_ORDERS)
    stages.admit(act, StudyAct.KEEP)
    participant = held(act, participant_id)
    errors = {}
    if reason not in REASONS:
        errors["reason"] = "Choose why."
    if left_on > _today(act, participant):
        errors["left_on"] = "Nobody can have left in the future."
    elif left_on < participant.consented_on:
        errors["left_on"] = "That is before the consent."
    if errors:
        raise BadForm(errors)
    facts: dict[str, object] = {
        "participant": participant.code,
        "left_on": left_on.isoformat(),
        "reason": reason,
    }
    signature = sign(act, password, LEFT_MEANING, "withdrawal", participant.id, facts)
    return leave(act, participant, left_on, reason, signature)


def leave(
    act: Act, participant: Participant, left_on: date, reason: str, signature: Signature
) -> Withdrawal:
    """Keep that a held participant has left, under a signature that was just given."""
    old, participant.state = participant.state, "withdrawn"
    row = Withdrawal(
        participant_id=participant.id,
        left_on=left_on,
        reason=reason,
        signature_id=signature.id,
        signed_at=act.now,
    )
    act.uow.session.add(row)
    act.record(
        "participant_left_treatment",
        f"participant:{participant.code}",
        old=old,
        new={
            "state": "withdrawn",
            "left_on": left_on.isoformat(),
            "meaning": signature.meaning,
            "signature": signature.id,
        },
        reason=reason,
    )
    return row


def held(act: Act, participant_id: str) -> Participant:
    """The participant, locked until the commit; refused (409) for one who has left."""
    participant = participant_verbs.find(act, participant_id)
    participants.hold(act.uow.session, participant.id)
    act.uow.session.refresh(participant)
    if participant.state == "withdrawn":
        raise Refusal("This participant has left the treatment already.")
    return participant


def candidates(act: Act) -> tuple[Candidate, ...]:
    """Everybody who left and may be replaced by the protocol, and is not yet, by code."""
    act.permit(Permission.SIGN_ORDERS)
    found = participants.of_study(act.uow.session, act.in_study.id)
    return tuple(_candidate(act, row) for row in found if not why_not_replaced(act, row))


def why_not_replaced(act: Act, participant: Participant) -> str:
    """Why nobody may replace this participant; empty when somebody may."""
    session, rule = act.uow.session, protocol_of(act)[1].replacement
    if rule is None or not rule.allowed:
        return _NOT_ALLOWED
    if participant.state != "withdrawn" or not departures.had_place(session, participant.id):
        return "Only somebody who had a place and left the treatment is replaced."
    visits = [visit.code for visit in protocol_of(act)[1].infusion_visits()]
    too_late = set(visits[visits.index(rule.until_visit) :])
    if too_late & departures.visits_begun(session, participant.id):
        return "This participant left too late to be replaced by the protocol."
    if any(_counts(act, one) for one in departures.replaced_by(session, participant.id)):
        return "This participant is replaced already."
    return ""


def replace(act: Act, participant_id: str, replaces_id: str, password: str) -> Replacement:
    """Sign that a participant without a place yet comes for one who left.

    They take the next free place of their own stratum, never the other's. Refused (409): somebody
    who has a place, or replaces somebody already, and one whom nobody may replace.
    """
    act.permit(Permission.SIGN_ORDERS)
    stages.admit(act, StudyAct.ENROL)
    if replaces_id not in {one.participant_id for one in candidates(act)}:
        raise BadForm({"replaces": "Choose who is replaced."})
    participant = held(act, participant_id)
    if why := why_not_replacing(act, participant):
        raise Refusal(why)
    left = participant_verbs.find(act, replaces_id)
    participants.hold(act.uow.session, left.id)
    if why := why_not_replaced(act, left):
        raise Refusal(why)
    facts: dict[str, object] = {"participant": participant.code, "replaces": left.code}
    signature = sign(act, password, REPLACES_MEANING, "replacement", participant.id, facts)
    row = Replacement(
        participant_id=participant.id,
        replaces_id=left.id,
        signature_id=signature.id,
        signed_at=act.now,
    )
    act.uow.session.add(row)
    told = {**facts, "meaning": REPLACES_MEANING, "signature": signature.id}
    act.record("replacement_stated", f"participant:{participant.code}", new=told)
    return row


def why_not_replacing(act: Act, participant: Participant) -> str:
    """Why this participant may not be named to replace somebody; empty when they may."""
    if participant.state not in ("registered", "eligible"):
        return "Somebody who has a place in the study replaces nobody."
    if departures.replacement(act.uow.session, participant.id) is not None:
        return "This participant replaces somebody already."
    return ""


def facts(act: Act, participant: Participant) -> tuple[tuple[str, str], ...]:
    """What a participant's page says of leaving and replacing."""
    session = act.uow.session
    rows: list[tuple[str, str]] = []
    left = departures.withdrawal(session, participant.id)
    if left is not None:
        why = reason_words(left.reason)
        rows.append(("Left the treatment", f"{format_day(left.left_on)}. {why}"))
    stated = departures.replacement(session, participant.id)
    if stated is not None:
        rows.append(("Replaces", participant_verbs.find(act, stated.replaces_id).code))
    by = [one.code for one in departures.replaced_by(session, participant.id) if _counts(act, one)]
    if by:
        rows.append(("Replaced by", ", ".join(by)))
    return tuple(rows)


def reason_words(reason: str) -> str:
    """Why somebody left, in words."""
    return REASONS.get(reason, "The place was given in error")


def _counts(act: Act, replacing: Participant) -> bool:
    """Somebody who left before a place was given has replaced nobody."""
    return replacing.state != "withdrawn" or departures.had_place(act.uow.session, replacing.id)


def _candidate(act: Act, participant: Participant) -> Candidate:
    left = departures.withdrawal(act.uow.session, participant.id)
    when = format_day(left.left_on) if left else ""
    return Candidate(participant.id, f"{participant.code}, left {when}")


def _today(act: Act, participant: Participant) -> date:
    return participant_verbs.today_of(act, participant)


