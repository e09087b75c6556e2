"""A code-break card whose seal was found broken or missing: a suspected unblinding, by nobody yet.

It stands among the reports that people make, to be assessed and signed by the unblinded team (J8).
Whoever found it suspects nothing of themselves: only whom the assessment names is marked.
"""

from __future__ import annotations

import hashlib

from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import break_cards
from pharmacy.persistence.break_cards import BreakCard
from pharmacy.persistence.reports import UnblindingReport
from pharmacy.services import stages
from pharmacy.services.act import Act


def report_id(card_id: str) -> str:
    """The number of a card's report: a card goes out of order once."""
    return hashlib.sha256(f"seal report|{card_id}".encode()).hexdigest()[:32]


def open_report(act: Act, card: BreakCard, participant_code: str) -> UnblindingReport:
    """Keep that somebody may have read a card; made by whoever found its seal."""
    stages.admit(act, StudyAct.REPORT)
    row = UnblindingReport(
        id=report_id(card.id),
        study_id=act.in_study.id,
        person_id=act.person.id,
        participant_id=card.participant_id,
        made_at=act.now,
        told_at=None,
        assessed_at=None,
        assessed_by=None,
        signature_id=None,
    )
    act.uow.session.add(row)
    act.uow.session.flush()
    facts = {"report": row.id, "card": card.number}
    act.record("unblinding_suspected", f"participant:{participant_code}", new=facts)
    return row


def cards_by_report(act: Act) -> dict[str, BreakCard]:
    """Every card of the act's study by the number that its report has or would have."""
    found = break_cards.of_study(act.uow.session, act.in_study.id)
    return {report_id(card.id): card for card in found}
