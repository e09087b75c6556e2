"""Deviations about a participant's place: what happened, what was done, and two signatures.

A place that was given in error is never taken back and an arm never exchanged. Whoever was treated
keeps the place and is analysed in it; who was not leaves, and the place stays used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Permission, Role
from pharmacy.domain.site_time import format_day
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import departures as left
from pharmacy.persistence import deviations, people, signatures
from pharmacy.persistence.deviations import KEEPS, NOT_TREATED, Deviation, DeviationConfirmation
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.signatures import Signature
from pharmacy.services import departures, stages
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.signing import sign
from pharmacy.services.site_words import Signed, signature_words
from pharmacy.services.study_time import study_zone

REPORT_MEANING = "I report this deviation as written."
CONFIRM_MEANING = "I confirm this deviation as written."
KINDS = {
    "wrong_person": "The place was given to the wrong person",
    "wrong_stratum": "Site or baseline factors were wrong when the place was given",
    "not_eligible": "Found not to be eligible after the place was given",
    "served_twice": "A second place was given for one person, on paper or here",
    "other": "Another error when the place was given",
}
OUTCOMES = {
    KEEPS: "The participant keeps the place and stays in the study",
    NOT_TREATED: "Given in error, not treated: the participant leaves and the place stays used",
}
LONGEST_WORDS = 1000
_SHORTEST_WORDS = 10


@dataclass(frozen=True)
class Report:
    """What the first person writes. `kind` and `outcome` are keys of the lists above."""

    kind: str
    happened_on: date
    account: str
    corrective: str
    outcome: str


@dataclass(frozen=True)
class DeviationSheet:
    """One deviation as the pages show it; `confirmed` is None until the second signature."""

    deviation_id: str
    participant_id: str
    code: str
    kind: str
    happened_on: str
    account: str
    corrective: str
    outcome: str
    reported: Signed
    confirmed: Signed | None
    why_not: str


def report(act: Act, participant_id: str, said: Report, password: str) -> Deviation:
    """Sign a deviation about a participant's place; it counts and stands from now on.

    Refused (409) for somebody without a place. `not_treated` is `BadForm` once a bag was started.
    """
    act.permit(Permission.REPORT_DEVIATIONS)
    stages.admit(act, StudyAct.KEEP)
    participant = participant_verbs.find(act, participant_id)
    if not left.had_place(act.uow.session, participant.id):
        raise Refusal("This participant never had a place, so none was given in error.")
    _check(act, participant, said)
    deviation_id = act.new_id("deviation")
    facts: dict[str, object] = {
        "participant": participant.code,
        "kind": said.kind,
        "happened_on": said.happened_on.isoformat(),
        "account": said.account.strip(),
        "corrective": said.corrective.strip(),
        "outcome": said.outcome,
    }
    signature = sign(act, password, REPORT_MEANING, "deviation", deviation_id, facts)
    row = Deviation(
        id=deviation_id,
        study_id=act.in_study.id,
        participant_id=participant.id,
        kind=said.kind,
        happened_on=said.happened_on,
        account=said.account.strip(),
        corrective=said.corrective.strip(),
        outcome=said.outcome,
        signature_id=signature.id,
        signed_at=act.now,
    )
    act.uow.session.add(row)
    told = {**facts, "meaning": REPORT_MEANING, "signature": signature.id}
    act.record("deviation_reported", f"participant:{participant.code}", new=told)
    _leave_if_untreated(act, row, signature)
    return row


def confirm(act: Act, deviation_id: str, password: str) -> None:
    """The second signature, by another person; one of the two is an investigator.

    Refused (403, 409): whoever reported it, a pair without an investigator, a second time.
    """
    act.permit(Permission.REPORT_DEVIATIONS)
    stages.admit(act, StudyAct.KEEP)
    row = find(act, deviation_id)
    if why := _why_not(act, row):
        raise Refusal(why, status=403)
    participant = participant_verbs.find(act, row.participant_id)
    facts: dict[str, object] = {"participant": participant.code, "reported": row.signature_id}
    signature = sign(act, password, CONFIRM_MEANING, "deviation", row.id, facts)
    act.uow.session.add(
        DeviationConfirmation(deviation_id=row.id, signature_id=signature.id, signed_at=act.now)
    )
    told = {"kind": row.kind, "meaning": CONFIRM_MEANING, "signature": signature.id}
    act.record("deviation_confirmed", f"participant:{participant.code}", new=told)
    _leave_if_untreated(act, row, signature)


def find(act: Act, deviation_id: str) -> Deviation:
    """A deviation of the act's study, or a refusal (404)."""
    row = act.uow.session.get(Deviation, deviation_id)
    if row is None or row.study_id != act.in_study.id:
        raise Refusal("There is no such deviation in this study.", status=404)
    return row


def listed(act: Act) -> tuple[DeviationSheet, ...]:
    """The deviations of the study, the newest first."""
    act.permit(Permission.SEE_PARTICIPANTS)
    rows = deviations.of_study(act.uow.session, act.in_study.id)
    return tuple(_sheet(act, row) for row in rows)


def sheet(act: Act, deviation_id: str) -> DeviationSheet:
    """One deviation for the person who is to confirm it."""
    act.permit(Permission.SEE_PARTICIPANTS)
    return _sheet(act, find(act, deviation_id))


def of_participant(act: Act, participant: Participant) -> tuple[DeviationSheet, ...]:
    """Those about one participant."""
    rows = deviations.of_participant(act.uow.session, participant.id)
    return tuple(_sheet(act, row) for row in rows)


def _check(act: Act, participant: Participant, said: Report) -> None:
    errors = {}
    if said.kind not in KINDS:
        errors["kind"] = "Choose what happened."
    if said.outcome not in OUTCOMES:
        errors["outcome"] = "Choose what becomes of the place."
    if said.happened_on > participant_verbs.today_of(act, participant):
        errors["happened_on"] = "It cannot have happened in the future."
    for field in ("account", "corrective"):
        words = getattr(said, field).strip()
        if not _SHORTEST_WORDS <= len(words) <= LONGEST_WORDS:
            errors[field] = f"Write {_SHORTEST_WORDS} to {LONGEST_WORDS} characters."
    if said.outcome == NOT_TREATED and left.visits_begun(act.uow.session, participant.id):
        errors["outcome"] = "A bag was started: the participant was treated and keeps the place."
    if errors:
        raise BadForm(errors)


def _leave_if_untreated(act: Act, row: Deviation, signature: Signature) -> None:
    """Somebody not treated leaves with the first signature of an investigator."""
    participant = participant_verbs.find(act, row.participant_id)
    if row.outcome != NOT_TREATED or participant.state == "withdrawn":
        return
    if Role.INVESTIGATOR not in act.roles:
        return
    held = departures.held(act, participant.id)
    if left.visits_begun(act.uow.session, held.id):
        return
    today = participant_verbs.today_of(act, held)
    departures.leave(act, held, today, departures.ERROR, signature)


def _why_not(act: Act, row: Deviation) -> str:
    if deviations.confirmation(act.uow.session, row.id) is not None:
        return "This deviation is confirmed already."
    reported = signatures.signature(act.uow.session, row.signature_id)
    reporter = reported.person_id if reported else ""
    if reporter == act.person.id:
        return "Another person confirms what you reported."
    roles = act.roles | people.roles_of(act.uow.session, reporter, act.in_study.id)
    if Role.INVESTIGATOR not in roles:
        return "An investigator confirms what a coordinator reported."
    return ""


def _sheet(act: Act, row: Deviation) -> DeviationSheet:
    zone = study_zone(act)
    second = deviations.confirmation(act.uow.session, row.id)
    return DeviationSheet(
        deviation_id=row.id,
        participant_id=row.participant_id,
        code=participant_verbs.find(act, row.participant_id).code,
        kind=KINDS[row.kind],
        happened_on=format_day(row.happened_on),
        account=row.account,
        corrective=row.corrective,
        outcome=OUTCOMES[row.outcome],
        reported=signature_words(act, row.signature_id, zone),
        confirmed=signature_words(act, second.signature_id, zone) if second else None,
        why_not=_why_not(act, row),
    )
