"""Reports of a suspected unblinding: one tap keeps one, and nothing else changes at once.

What a person writes afterwards may tell what they believe the arm is, so it is no business of
this side: it goes through `seal` to the pharmacy's inbox and stands nowhere here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import bags, participants, reports
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.reports import UnblindingReport
from pharmacy.services import notices, seal_reports, stages
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_zone

TOLD = "You have already written what happened. Press the button again to report something new."


@dataclass(frozen=True)
class ReportLine:
    """One report of the acting person's own in words."""

    report_id: str
    when: str
    participant: str
    told: bool
    assessed: str


def report(act: Act, *, bag_id: str = "", participant_id: str = "") -> UnblindingReport:
    """Keep that the acting person may have been unblinded, about one participant or nobody named.

    Nothing else follows from it until somebody has assessed it. Refused (404): a bag or a
    participant that the study does not have.
    """
    act.permit(Permission.REPORT_UNBLINDING)
    stages.admit(act, StudyAct.REPORT)
    participant = _about(act, bag_id, participant_id)
    row = UnblindingReport(
        id=act.new_id("unblinding report"),
        study_id=act.in_study.id,
        person_id=act.person.id,
        participant_id=participant.id if participant else None,
        made_at=act.now,
        told_at=None,
        assessed_at=None,
        assessed_by=None,
        signature_id=None,
    )
    act.uow.session.add(row)
    act.uow.session.flush()
    about = f"participant:{participant.code}" if participant else f"study:{act.in_study.id}"
    act.record("unblinding_reported", about, new={"report": row.id})
    notices.suspected(act, row.id)
    return row


def add_words(act: Act, report_id: str, said: str, seal: Callable[[Act, str, str], None]) -> None:
    """Seal what the reporting person writes of one of their own reports, once.

    Nothing typed (`BadForm`); words that are there already (409); another person's report (404).
    """
    row = own(act, report_id)
    stages.admit(act, StudyAct.REPORT)
    if not said.strip():
        raise BadForm({"said": "Write what happened, or leave this page."})
    if row.told_at is not None:
        raise Refusal(TOLD)
    seal(act, row.id, said.strip())
    if not reports.add_words(act.uow.session, row.id, act.now):
        raise Conflict
    act.record("report_words_added", f"report:{row.id}")


def own(act: Act, report_id: str) -> UnblindingReport:
    """A report that the acting person made of themselves in this study, or a refusal (404)."""
    act.permit(Permission.REPORT_UNBLINDING)
    row = reports.report(act.uow.session, report_id)
    mine = row is not None and (row.study_id, row.person_id) == (act.in_study.id, act.person.id)
    if row is None or not mine or report_id in seal_reports.cards_by_report(act):
        raise Refusal("There is no such report of yours.", status=404)
    return row


def own_reports(act: Act) -> list[ReportLine]:
    """The acting person's reports, newest first; how one was judged is told to nobody here."""
    act.permit(Permission.REPORT_UNBLINDING)
    found = reports.of_person(act.uow.session, act.in_study.id, act.person.id)
    seals = seal_reports.cards_by_report(act)
    return [line(act, row) for row in found if row.id not in seals]


def line(act: Act, row: UnblindingReport) -> ReportLine:
    """One report in words."""
    zone = study_zone(act)
    about = participants.participant(act.uow.session, row.participant_id or "")
    return ReportLine(
        report_id=row.id,
        when=format_moment(row.made_at, zone),
        participant=about.code if about else "",
        told=row.told_at is not None,
        assessed=format_moment(row.assessed_at, zone) if row.assessed_at else "",
    )


def _about(act: Act, bag_id: str, participant_id: str) -> Participant | None:
    if bag_id:
        found = bags.bag_with_day(act.uow.session, bag_id)
        if found is None or found[0].study_id != act.in_study.id:
            raise Refusal("There is no such bag in this study.", status=404)
        participant_id = found[2].participant_id
    if not participant_id:
        return None
    participant = participants.participant(act.uow.session, participant_id)
    if participant is None or participant.study_id != act.in_study.id:
        raise Refusal("There is no such participant in this study.", status=404)
    return participant
