"""The visits whose assessments are signed, participant by participant, in finished words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from pharmacy.domain.protocol import Visit
from pharmacy.domain.roles import Permission, may
from pharmacy.domain.schedule import visit_window
from pharmacy.domain.site_time import format_day
from pharmacy.persistence import assessments, participants
from pharmacy.persistence.assessments import COMPLETE, AssessmentSignature
from pharmacy.persistence.participants import Participant
from pharmacy.services import assessments as verbs
from pharmacy.services import marks, visit_schedule
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.assessments import REASONS, Wanted
from pharmacy.services.site_words import Signed, signature_words
from pharmacy.services.studies import protocol_of

# Those that somebody must sign now stand first.
_ORDER = ("late", "due", "planned", "complete")
_TONES = {"late": "stop", "due": "wait", "planned": "neutral", "complete": "go"}
_WORDS = {
    "late": "Past the window",
    "due": "To be signed",
    "planned": "Later",
    "complete": "Signed complete",
}


@dataclass(frozen=True)
class AssessmentLine:
    """One participant's visit on the list."""

    participant_id: str
    code: str
    visit_code: str
    visit: str
    window: str
    standing: str
    words: str
    tone: str


@dataclass(frozen=True)
class AssessmentList:
    """The list, and why the acting person signs nothing where a mark bars them."""

    lines: tuple[AssessmentLine, ...]
    asked: bool
    may_sign: bool
    barred: str


@dataclass(frozen=True)
class SignatureLine:
    """One signature of a visit's assessments: what it said, and who signed."""

    what: str
    signed: Signed


@dataclass(frozen=True)
class AssessmentSheet:
    """What is signed: participant, visit and window, and the signatures so far.

    `opens` is the window's first day while it is still to come, else empty.
    """

    code: str
    visit: str
    facts: tuple[tuple[str, str], ...]
    today: date
    opens: str
    complete: bool
    history: tuple[SignatureLine, ...]


def listed(act: Act) -> AssessmentList:
    """Every participant with a place and every visit whose assessments come first."""
    act.permit(Permission.SEE_ASSESSMENTS)
    _, protocol = protocol_of(act)
    visits = [visit for visit in protocol.visits if visit.assessments_first]
    found = [
        _line(act, participant, visit)
        for participant in participants.of_study(act.uow.session, act.in_study.id)
        if participant.state == "allocated"
        for visit in visits
    ]
    signs = may(act.roles, Permission.ASSESS)
    marked = signs and marks.marked(act.uow, act.in_study.id, act.person.id)
    return AssessmentList(
        lines=tuple(sorted(found, key=lambda line: (_ORDER.index(line.standing), line.code))),
        asked=bool(visits),
        may_sign=signs and not marked,
        barred=marks.NO_ASSESSING if marked else "",
    )


def sheet(act: Act, participant_id: str, visit: str) -> AssessmentSheet:
    """What the assessor confirms, and what was signed before."""
    act.permit(Permission.ASSESS)
    wanted = verbs.find(act, participant_id, visit)
    rows = assessments.of_visit(act.uow.session, participant_id, visit)
    today = act.now.astimezone(wanted.zone).date()
    first = visit_window(wanted.placed_on, wanted.visit)[0]
    return AssessmentSheet(
        code=wanted.participant.code,
        visit=wanted.visit.name,
        facts=(
            ("Participant", wanted.participant.code),
            ("Visit", wanted.visit.name),
            ("Window", _window(wanted)),
        ),
        today=today,
        opens=format_day(first) if today < first else "",
        complete=bool(rows) and rows[0].standing == COMPLETE,
        history=history(act, rows, wanted.zone),
    )


def history(
    act: Act, rows: Sequence[AssessmentSignature], zone: ZoneInfo
) -> tuple[SignatureLine, ...]:
    """Signatures in words, the newest first; a late entry says so."""
    return tuple(
        SignatureLine(_what(row, zone), signature_words(act, row.signature_id, zone))
        for row in rows
    )


def _what(row: AssessmentSignature, zone: ZoneInfo) -> str:
    if row.standing != COMPLETE:
        return f"Taken back: {REASONS[row.reason].lower()}"
    late = row.signed_at.astimezone(zone).date() > row.assessed_on
    return f"Complete on {format_day(row.assessed_on)}" + (", late entry" if late else "")


def _line(act: Act, participant: Participant, visit: Visit) -> AssessmentLine:
    zone = ZoneInfo(participant_verbs.site_of(act, participant).zone)
    start = visit_schedule.allocated_on(act, participant, zone)
    standing = _standing(act, participant, visit, start, zone)
    return AssessmentLine(
        participant_id=participant.id,
        code=participant.code,
        visit_code=visit.code,
        visit=visit.name,
        window=visit_schedule.window_words(start, visit) if start else "",
        standing=standing,
        words=_WORDS[standing],
        tone=_TONES[standing],
    )


def _standing(
    act: Act, participant: Participant, visit: Visit, start: date | None, zone: ZoneInfo
) -> str:
    if not verbs.open_for(act, participant.id, visit):
        return "complete"
    today = act.now.astimezone(zone).date()
    if start is None or today < visit_window(start, visit)[0]:
        return "planned"
    return "due" if today <= visit_window(start, visit)[2] else "late"


def _window(wanted: Wanted) -> str:
    return visit_schedule.window_words(wanted.placed_on, wanted.visit)
