"""What is due of a study's custody, one line each, for the pages on which its people begin.

Nothing of it follows from an arm or needs an open room. Each line is shown to whoever can do it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from pharmacy.domain.roles import Permission, may
from pharmacy.domain.site_time import format_day
from pharmacy.persistence import reports
from pharmacy.services import break_cards
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_zone
from pharmacy.unblinded.recovery_custody import recovery_facts


class Where(StrEnum):
    """The page on which something is done."""

    RECOVERY = "recovery"
    SEALS = "seals"
    REPORTS = "reports"


@dataclass(frozen=True)
class Due:
    """One line: what is due, and the page that leads on."""

    sentence: str
    where: Where


def due(act: Act) -> tuple[Due, ...]:
    """Everything that is due and the acting person can do."""
    return (*_recovery(act), *_seals(act), *_reports(act))


def _recovery(act: Act) -> Iterator[Due]:
    if not may(act.roles, Permission.KEEP_RECOVERY):
        return
    facts = recovery_facts(act)
    if facts.used:
        yield Due(f"Recovery sheets: {facts.used}", Where.RECOVERY)
    if facts.overdue:
        sheets = ", ".join(facts.overdue)
        yield Due(
            f"Nobody has checked the seal of recovery sheet {sheets} for three months.",
            Where.RECOVERY,
        )
    if facts.drill_overdue and facts.drill_due is not None:
        on = format_day(facts.drill_due.astimezone(study_zone(act)).date())
        yield Due(f"The yearly recovery drill was due on {on}.", Where.RECOVERY)


def _seals(act: Act) -> Iterator[Due]:
    if not may(act.roles, Permission.SEE_BREAK_CARDS):
        return
    for card_set in break_cards.sets(act):
        if card_set.overdue:
            who = "" if card_set.counts else " The coordinator counts it."
            yield Due(
                f"The weekly count of the code-break seals is overdue: {card_set.title}.{who}",
                Where.SEALS,
            )


def _reports(act: Act) -> Iterator[Due]:
    if not may(act.roles, Permission.ASSESS_UNBLINDING):
        return
    found = reports.of_study(act.uow.session, act.in_study.id)
    waiting = sum(row.assessed_at is None for row in found)
    if waiting:
        how_many = "A report" if waiting == 1 else f"{waiting} reports"
        verb = "waits" if waiting == 1 else "wait"
        yield Due(f"{how_many} of a suspected unblinding {verb} to be assessed.", Where.REPORTS)
