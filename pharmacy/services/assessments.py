"""The signature that a visit's assessments are complete, which opens that visit's release.

Only visits of which the protocol says `assessments_first`. Whoever has learned an arm signs none
(services/marks.py). A mistaken signature is taken back by another one; nothing is removed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.protocol import Visit
from pharmacy.domain.roles import Permission
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import assessments, participants
from pharmacy.persistence.assessments import COMPLETE, TAKEN_BACK, AssessmentSignature
from pharmacy.persistence.participants import Participant
from pharmacy.services import participants as participant_verbs
from pharmacy.services import stages, visit_schedule
from pharmacy.services.act import Act
from pharmacy.services.signing import sign
from pharmacy.services.studies import protocol_of

COMPLETE_MEANING = "I confirm that all assessments of this visit are complete and recorded."
BACK_MEANING = "I take this signature back: it does not hold for this participant's visit."
REASONS = {
    "not_complete": "The assessments are not complete",
    "other_participant": "It was meant for another participant",
    "other_visit": "It was meant for another visit",
}
NOT_SIGNED = (
    "This visit's assessments come first and are not signed complete. The outcome assessor or the "
    "investigator signs them; then the bag can be released."
)
_RECORD = "assessments"


@dataclass(frozen=True)
class Wanted:
    """A participant and one visit whose assessments are signed."""

    participant: Participant
    visit: Visit
    placed_on: date
    zone: ZoneInfo


def sign_complete(
    act: Act, participant_id: str, visit: str, assessed_on: date, password: str
) -> AssessmentSignature:
    """Sign that the assessments of a visit are complete; `assessed_on` is the day of the last.

    A day before today is a late entry and recorded as what it is. `BadForm` for a day outside
    place and today; refused (409) when they are signed already.
    """
    act.permit(Permission.ASSESS)
    stages.admit(act, StudyAct.ASSESS_VISIT)
    wanted = find(act, participant_id, visit)
    _hold(act, wanted)
    today = act.now.astimezone(wanted.zone).date()
    if not wanted.placed_on <= assessed_on <= today:
        raise BadForm({"assessed_on": "Choose a day from the place in the study up to today."})
    if assessments.complete(act.uow.session, participant_id, visit):
        raise Refusal("The assessments of this visit are signed already.")
    return _add(act, wanted, COMPLETE, assessed_on, "", password)


def take_back(
    act: Act, participant_id: str, visit: str, reason: str, password: str
) -> AssessmentSignature:
    """Take a mistaken signature back with a reason of `REASONS`; both stay on record.

    From then on no bag of the visit is released or started. A bag that runs goes on.
    """
    act.permit(Permission.ASSESS)
    stages.admit(act, StudyAct.KEEP)
    wanted = find(act, participant_id, visit)
    _hold(act, wanted)
    if reason not in REASONS:
        raise BadForm({"reason": "Choose why it is taken back."})
    counts = assessments.complete(act.uow.session, participant_id, visit)
    if counts is None:
        raise Refusal("No signature stands for the assessments of this visit.")
    return _add(act, wanted, TAKEN_BACK, counts.assessed_on, reason, password)


def find(act: Act, participant_id: str, visit: str) -> Wanted:
    """The participant and the visit; refused (404) where the protocol asks for no signature.

    Refused (409) before the participant has a place.
    """
    participant = participant_verbs.find(act, participant_id)
    _, protocol = protocol_of(act)
    found = protocol.find_visit(visit)
    if found is None or not found.assessments_first:
        raise Refusal("No assessments are signed for this visit.", status=404)
    zone = ZoneInfo(participant_verbs.site_of(act, participant).zone)
    placed_on = visit_schedule.allocated_on(act, participant, zone)
    if placed_on is None:
        raise Refusal("This participant has no place in the study yet.")
    return Wanted(participant, found, placed_on, zone)


def open_for(act: Act, participant_id: str, visit: Visit) -> bool:
    """Whether a visit's assessments come first and are not signed complete."""
    return visit.assessments_first and not assessments.complete(
        act.uow.session, participant_id, visit.code
    )


def need_complete(act: Act, participant_id: str, visit: Visit) -> None:
    """Refuse (409) the release of a visit whose assessments are open.

    A signature that is being taken back at the same moment is waited for.
    """
    if not visit.assessments_first:
        return
    participants.hold(act.uow.session, participant_id)
    if open_for(act, participant_id, visit):
        raise Refusal(NOT_SIGNED)


def _hold(act: Act, wanted: Wanted) -> None:
    participants.hold(act.uow.session, wanted.participant.id)


def _add(
    act: Act, wanted: Wanted, standing: str, assessed_on: date, reason: str, password: str
) -> AssessmentSignature:
    session, code = act.uow.session, wanted.participant.code
    rows = assessments.of_visit(session, wanted.participant.id, wanted.visit.code)
    meaning = COMPLETE_MEANING if standing == COMPLETE else BACK_MEANING
    record_id, facts = act.new_id("assessments"), _facts(wanted, standing, assessed_on, reason)
    signature = sign(act, password, meaning, _RECORD, record_id, facts)
    row = AssessmentSignature(
        id=record_id,
        study_id=act.in_study.id,
        participant_id=wanted.participant.id,
        visit=wanted.visit.code,
        number=rows[0].number + 1 if rows else 1,
        standing=standing,
        assessed_on=assessed_on,
        reason=reason,
        signature_id=signature.id,
        signed_at=act.now,
    )
    session.add(row)
    session.flush()
    act.record(
        "assessments_signed" if standing == COMPLETE else "assessments_taken_back",
        f"participant:{code}",
        old=rows[0].standing if rows else None,
        new={**facts, "meaning": meaning, "signature": signature.id},
        reason=REASONS.get(reason, ""),
    )
    return row


def _facts(wanted: Wanted, standing: str, assessed_on: date, reason: str) -> dict[str, object]:
    return {
        "participant": wanted.participant.code,
        "visit": wanted.visit.code,
        "standing": standing,
        "assessed_on": assessed_on.isoformat(),
        "reason": reason,
    }
