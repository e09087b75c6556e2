"""What people write of a suspected unblinding, sealed to the inbox; and how it is assessed.

The text may hold a guess, so it is opened only here. The assessment judges what reached the
person, never whether they guessed right: else the mark that may follow would itself say the arm.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import marks, participants, people, reports
from pharmacy.persistence.break_cards import BROKEN, MISSING, BreakCard
from pharmacy.persistence.reports import UnblindingReport
from pharmacy.services import break_cards, seal_reports, signing, stages
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_zone
from pharmacy.unblinded import inbox, trail, versions
from pharmacy.unblinded.room import OpenRoom

KIND = "unblinding_report"
ASSESSED = "unblinding_assessed"
MEANING = "I assessed this report of a suspected unblinding."
OUTCOMES: dict[str, str] = {
    "yes": "Yes: something that tells the arm reached this person",
    "no": "No: nothing that tells an arm reached this person",
    "unclear": "It cannot be told",
}
SEAL_OUTCOMES: dict[str, str] = {
    "yes": "Yes: somebody read the card",
    "no": "No: nobody read the card",
    "unclear": "It cannot be told",
}
_MOST_REASON = 600
_NO_KEYS = "The study's keys are not made yet, so nothing can be sealed. Call the pharmacy."


@dataclass(frozen=True)
class SealedReport:
    """One report as the unblinded team reads it; `outcome` is empty until it is assessed.

    `seal` says which card's seal was found how, in a report that a count has opened; `name` is then
    whoever counted. `read_by` is who was found to have read it.
    """

    report_id: str
    name: str
    when: str
    participant: str
    said: str
    seal: str
    outcome: str
    read_by: str
    reason: str
    assessed: str


def keep_words(act: Act, report_id: str, said: str) -> None:
    """Seal what was written of a report; `BadForm` when too long, refused (409) without keys."""
    keys = versions.study_keys(act)
    if keys is None:
        raise Refusal(_NO_KEYS)
    versions.hold(act, keys.version)
    record = {
        "kind": KIND,
        "at": act.now.isoformat(),
        "report": report_id,
        "said": inbox.check_said(said),
    }
    record_id = hashlib.sha256(f"unblinding report|{report_id}".encode()).hexdigest()[:32]
    inbox.put(act, keys, record_id, record)


def listed(act: Act, room: OpenRoom) -> list[SealedReport]:
    """Every report of the study, newest first, opened."""
    act.permit(Permission.ASSESS_UNBLINDING)
    said = {one["report"]: str(one["said"]) for one in inbox.opened(act, room, KIND)}
    judged = {
        entry["report"]: entry
        for entry in trail.entries(act, room.record_key)
        if entry["event"] == ASSESSED
    }
    found = reports.of_study(act.uow.session, act.in_study.id)
    seals = seal_reports.cards_by_report(act)
    return [
        _line(act, row, said.get(row.id, ""), seals.get(row.id), judged.get(row.id, {}))
        for row in found
    ]


def assess(
    act: Act,
    room: OpenRoom,
    report_id: str,
    outcome: str,
    reason: str,
    password: str,
    read_by: str = "",
) -> None:
    """Sign what the acting person makes of a report, once; "yes" marks whoever reported.

    In the report of a card's seal it marks `read_by`, a person of the study who was found to have
    read the card; left empty, nobody. Outcome and reason stand in the unblinded trail alone; the
    blinded one tells that it was assessed. The mark bars outcome assessment and blinded reports and
    no care. Refused: another study's report (404), one that was assessed (409); `BadForm` for a
    form that cannot be read.
    """
    act.permit(Permission.ASSESS_UNBLINDING)
    stages.admit(act, StudyAct.ASSESS)
    row = reports.report(act.uow.session, report_id)
    if row is None or row.study_id != act.in_study.id:
        raise Refusal("There is no such report in this study.", status=404)
    _check(outcome, reason)
    learned = _who_learned(act, row, outcome, read_by)
    said = {"report": row.id, "outcome": outcome, "reason": reason.strip(), "learned": learned}
    if row.assessed_at is not None:
        _same_again(act, room, said)
        return
    # Not the outcome: a signature in the open over one of three words would be that word.
    facts: dict[str, object] = {"assessed": True}
    signature = signing.sign(act, password, MEANING, KIND, row.id, facts)
    if not reports.assess(act.uow.session, row.id, act.person.id, signature.id, act.now):
        raise Conflict
    if learned:
        marks.set_mark(act.uow.session, act.in_study.id, learned, act.now)
    subject = f"report:{row.id}"
    trail.record(act, room.record_key, ASSESSED, subject, **said, signature=signature.id)
    act.record("unblinding_report_assessed", subject, new={"meaning": MEANING})


def _same_again(act: Act, room: OpenRoom, said: dict[str, str]) -> None:
    """Nothing for the very assessment that is there already; any other one is refused."""
    wanted = {**said, "person": act.person.id}
    for entry in trail.entries(act, room.record_key):
        if entry["event"] == ASSESSED and all(entry.get(one) == wanted[one] for one in wanted):
            return
    raise Refusal("This report was assessed. What is new is a new report.")


def _who_learned(act: Act, row: UnblindingReport, outcome: str, read_by: str) -> str:
    """Whom a yes marks; empty where nobody is known."""
    if row.id not in seal_reports.cards_by_report(act):
        return row.person_id if outcome == "yes" else ""
    if not read_by:
        return ""
    if outcome != "yes":
        raise BadForm({"read_by": "Choose nobody, or say that the card was read."})
    if read_by not in {person.id for person in break_cards.openers(act)}:
        raise BadForm({"read_by": "Choose a person of this study."})
    return read_by


def _check(outcome: str, reason: str) -> None:
    errors = {}
    if outcome not in OUTCOMES:
        errors["outcome"] = "Choose what you found."
    if not 3 <= len(reason.strip().encode()) <= _MOST_REASON:
        errors["reason"] = f"Write why, in 3 to {_MOST_REASON} letters."
    if errors:
        raise BadForm(errors)


def _line(
    act: Act, row: UnblindingReport, said: str, card: BreakCard | None, judged: dict[str, Any]
) -> SealedReport:
    zone = study_zone(act)
    about = participants.participant(act.uow.session, row.participant_id or "")
    assessed = format_moment(row.assessed_at, zone) if row.assessed_at else ""
    return SealedReport(
        report_id=row.id,
        name=_name(act, row.person_id),
        when=format_moment(row.made_at, zone),
        participant=about.code if about else "",
        said=said,
        seal=_seal(card) if card else "",
        outcome=(SEAL_OUTCOMES if card else OUTCOMES).get(str(judged.get("outcome")), ""),
        read_by=_name(act, str(judged.get("learned", ""))) if card else "",
        reason=str(judged.get("reason", "")),
        assessed=f"{judged['name']}, {assessed}" if judged else "",
    )


def _seal(card: BreakCard) -> str:
    """Which card, and how its seal was found; a card that was replaced since says so."""
    where = f"{break_cards.SETS[card.card_set]} set, seal {card.seal_number}, card {card.number}"
    now = break_cards.STATES[card.state].lower()
    as_found = card.state in (BROKEN, MISSING)
    return f"{where}: {now if as_found else 'broken or missing at the count; now ' + now}"


def _name(act: Act, person_id: str) -> str:
    person = people.person(act.uow.session, person_id)
    return person.full_name if person else ""
