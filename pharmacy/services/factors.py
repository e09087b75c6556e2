"""Baseline factors: entered by the coordinator, confirmed in the investigator's signature.

What the factors are is the protocol's; which part of a list they lead to, nobody blinded reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.protocol import Factor, Protocol
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import factors, participants
from pharmacy.persistence.factors import FactorValue
from pharmacy.persistence.participants import Participant
from pharmacy.services import participants as participant_verbs
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.site_words import person_name
from pharmacy.services.studies import protocol_of

REASONS = {
    "mistyped": "It was entered wrongly",
    "source": "The source document was corrected",
}
DEVIATION = "The place was given by the factors of before and stays as it is."
_NONE_ASKED = "The protocol of this study asks for no baseline factors."


@dataclass(frozen=True)
class FactorLine:
    """One entry in words, the newest first on the page; `note` says what came of a late one."""

    said: str
    entered: str
    reason: str
    note: str


@dataclass(frozen=True)
class FactorForm:
    """What the page asks. `before` is empty for the first entry; `late` says that a place is given.

    `signed` says that eligibility was signed and is asked for again after a correction.
    """

    factors: tuple[Factor, ...]
    before: dict[str, str]
    signed: bool
    late: bool


def field_name(code: str) -> str:
    """The field of a form in which a factor is answered."""
    return f"factor_{code}"


def asked(act: Act, participant_id: str) -> FactorForm:
    """The protocol's questions and what was answered before; refused (404) if it asks for none."""
    act.permit(Permission.ENROL)
    participant = participant_verbs.find(act, participant_id)
    return FactorForm(
        factors=_asked(act),
        before=factors.current(act.uow.session, participant.id),
        signed=participant.state == "eligible",
        late=participant.state == "allocated",
    )


def record(
    act: Act, participant_id: str, answers: Mapping[str, str], reason: str = ""
) -> Participant:
    """Enter every factor's level by its code; a correction is a new entry with its reason.

    A correction after eligibility was signed takes the request back: what was signed no longer
    holds, and the investigator signs again. After the place was given it is recorded as a
    deviation and moves nothing. `BadForm` for an answer that the protocol does not have;
    refused (409) when nothing would change or the participant has left.
    """
    act.permit(Permission.ENROL)
    stages.admit(act, StudyAct.ENROL)
    session, asked_for = act.uow.session, _asked(act)
    participant = participant_verbs.find(act, participant_id)
    # An allocation and a signature of this participant wait until this is known.
    participants.hold(session, participant.id)
    session.refresh(participant)
    before = factors.current(session, participant.id)
    said = _checked(asked_for, answers, reason, corrected=bool(before))
    if participant.state == "withdrawn":
        raise Refusal("This participant has left the study.")
    if said == before:
        raise Refusal("These are the factors as they stand. Nothing was changed.")
    late = participant.state == "allocated"
    _add(act, participant, said, reason if before else "", late=late)
    _write_down(act, participant, before, said, reason)
    if participant.state == "eligible":
        _take_request_back(act, participant)
    return participant


def missing(act: Act, participant: Participant, protocol: Protocol) -> tuple[str, ...]:
    """The questions of the protocol that nobody has answered for a participant."""
    known = factors.current(act.uow.session, participant.id) if protocol.factors else {}
    return tuple(
        factor.question
        for factor in protocol.factors
        if known.get(factor.code) not in {level.code for level in factor.levels}
    )


def answered(act: Act, participant: Participant, protocol: Protocol) -> tuple[tuple[str, str], ...]:
    """Each question with its answer in words."""
    known = factors.current(act.uow.session, participant.id) if protocol.factors else {}
    return tuple(
        (one.question, one.label_of(known[one.code]) if one.code in known else "Not entered yet")
        for one in protocol.factors
    )


def signed_facts(act: Act, participant: Participant, protocol: Protocol) -> dict[str, object]:
    """What a signature of eligibility covers of them; nothing where the protocol asks for none."""
    if not protocol.factors:
        return {}
    site = participant_verbs.site_of(act, participant)
    return {"site": site.code, "factors": factors.current(act.uow.session, participant.id)}


def history(
    act: Act, participant: Participant, protocol: Protocol, zone: ZoneInfo
) -> tuple[FactorLine, ...]:
    """Every entry in words, the newest first."""
    if not protocol.factors:
        return ()
    entries: dict[int, list[FactorValue]] = {}
    for row in factors.of_participant(act.uow.session, participant.id):
        entries.setdefault(row.number, []).append(row)
    return tuple(_line(act, rows, protocol, zone) for rows in entries.values())


def _line(act: Act, rows: list[FactorValue], protocol: Protocol, zone: ZoneInfo) -> FactorLine:
    levels, first = {row.factor: row.level for row in rows}, rows[0]
    said = [
        f"{factor.question}: {factor.label_of(levels[factor.code])}"
        for factor in protocol.factors
        if factor.code in levels
    ]
    return FactorLine(
        said="; ".join(said),
        entered=f"{format_moment(first.entered_at, zone)}, {person_name(act, first.entered_by)}",
        reason=REASONS.get(first.reason, "First entry"),
        note=f"Deviation: {DEVIATION}" if first.after_place else "",
    )


def _asked(act: Act) -> tuple[Factor, ...]:
    found = protocol_of(act)[1].factors
    if not found:
        raise Refusal(_NONE_ASKED, status=404)
    return found


def _checked(
    asked_for: tuple[Factor, ...], answers: Mapping[str, str], reason: str, *, corrected: bool
) -> dict[str, str]:
    errors = {
        field_name(factor.code): "Choose one of the answers."
        for factor in asked_for
        if answers.get(factor.code) not in {level.code for level in factor.levels}
    }
    if corrected and reason not in REASONS:
        errors["reason"] = "Choose why it is corrected."
    if errors:
        raise BadForm(errors)
    return {factor.code: answers[factor.code] for factor in asked_for}


def _add(
    act: Act, participant: Participant, said: dict[str, str], reason: str, *, late: bool
) -> None:
    session = act.uow.session
    rows = factors.of_participant(session, participant.id)
    number = rows[0].number + 1 if rows else 1
    for factor, level in said.items():
        session.add(
            FactorValue(
                id=act.new_id("factor value"),
                participant_id=participant.id,
                number=number,
                factor=factor,
                level=level,
                entered_at=act.now,
                entered_by=act.person.id,
                reason=reason,
                after_place=late,
            )
        )
    session.flush()


def _write_down(
    act: Act, participant: Participant, before: dict[str, str], said: dict[str, str], reason: str
) -> None:
    subject, new = f"participant:{participant.code}", {"factors": said}
    if not before:
        act.record("factors_entered", subject, new=new)
        return
    late = participant.state == "allocated"
    act.record(
        "factors_deviation" if late else "factors_corrected",
        subject,
        old={"factors": before},
        new={**new, "deviation": DEVIATION} if late else new,
        reason=REASONS[reason],
    )


def _take_request_back(act: Act, participant: Participant) -> None:
    """The participant is as before the signature; a new one takes its place in the order."""
    request = participants.request_of(act.uow.session, participant.id)
    if request is not None:
        act.uow.session.delete(request)
    participant.state = "registered"
    act.record(
        "request_taken_back",
        f"participant:{participant.code}",
        old="eligible",
        new="registered",
        reason="A baseline factor was corrected after eligibility was signed",
    )
