"""Scanning as a nurse does, through the services."""

from __future__ import annotations

from pharmacy.domain.scanning import Answer
from pharmacy.services import scanning
from pharmacy.services.kept_scans import Scanned
from tests.support.builders import Trial


def scan(
    trial: Trial, text: str, who: str = "nurse", *, method: str = "scanner", typed_reason: str = ""
) -> Scanned:
    """Scan or type a bag's code."""
    found: Scanned = trial.do(who, scanning.scan_bag, text, method, typed_reason)
    return found


def confirm(
    trial: Trial, scanned: Scanned, card: str, spoken: bool = True, who: str = "nurse"
) -> Scanned:
    """Give both identifiers."""
    found: Scanned = trial.do(who, scanning.confirm_person, scanned.scan.id, card, spoken)
    return found


def go(trial: Trial, bag_id: str, who: str = "nurse") -> Scanned:
    """Scan the bag and its participant's card: the answer is Go."""
    found = confirm(trial, scan(trial, trial.code(bag_id), who), trial.card(), who=who)
    assert found.verdict.answer is Answer.GO
    return found
