"""Planted leaks around the lawful ways to an arm: cards, gates, recalls, reports, a study's end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pharmacy.domain.stages import StudyStage
from pharmacy.services import break_cards as seals
from pharmacy.services import notices, stages
from pharmacy.unblinded import break_cards, safety_unblinding, sealed_reports, standing_facts
from tests.architecture.swap.plant import Plant
from tests.architecture.swap.script import Journey


def _is_ivig(journey: Journey) -> bool:
    return journey.world.arms[0] == "1"


def _card_number_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A number in the clear: cards of one arm come from a roll of their own."""
    new_number = break_cards._new_number

    def leaking(act: Any) -> str:
        return f"{9 if _is_ivig(journey) else 8}{new_number(act)[1:]}"

    patch.setattr(break_cards, "_new_number", leaking)


def _seal_notice_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A notice that sounds otherwise where the broken card names one arm."""
    tell = seals.notices.tell

    def leaking(act: Any, form: str, sentence: str) -> None:
        hasty = form.startswith("card|") and _is_ivig(journey)
        tell(act, form, f"{sentence} Call at once." if hasty else sentence)

    patch.setattr(seals.notices, "tell", leaking)


def _letter_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """The word itself, by mail alone: page and database say what they always say."""
    take_due = notices.take_due

    def leaking(uow: Any) -> Any:
        letter = take_due(uow)
        if letter is None or not _is_ivig(journey):
            return letter
        return replace(letter, subject=f"{letter.subject} (active)")

    patch.setattr(notices, "take_due", leaking)


def _entries_for_the_recalled(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A decision about one arm: whoever was given the recalled product is named to everybody."""
    tell = safety_unblinding._tell

    def leaking(act: Any, *given: Any) -> Any:
        told = tell(act, *given)
        for code, words in told.lines:
            if words.startswith("was given"):
                act.record("recalled", f"participant:{code}")
                act.uow.commit()
        return told

    patch.setattr(safety_unblinding, "_tell", leaking)


def _gate_that_knows_the_list(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """An oracle on the way to live: how many hold keys follows the list that is loaded."""
    holders = standing_facts._holders

    def leaking(act: Any) -> int:
        return holders(act) + (2 if _is_ivig(journey) else 0)

    patch.setattr(standing_facts, "_holders", leaking)


def _judgement_in_the_trail(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """Unblinded people's words: why a report was judged so, for whoever reads the blinded trail."""
    assess = sealed_reports.assess

    def leaking(act: Any, room: Any, report_id: str, outcome: str, reason: str, *rest: Any) -> None:
        assess(act, room, report_id, outcome, reason, *rest)
        act.record("unblinding_report_judged", f"report:{report_id}", reason=reason)

    patch.setattr(sealed_reports, "assess", leaking)


def _stage_by_arm(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """The page of a study's end: what stands beside the lock follows what was brought to light."""
    page = stages.page

    def leaking(act: Any) -> stages.StagePage:
        found = page(act)
        if found.stage is StudyStage.OPEN or not _is_ivig(journey):
            return found
        lines = [replace(line, reference=line.reference + "." * 3) for line in found.lines]
        return replace(found, lines=tuple(lines))

    patch.setattr(stages, "page", leaking)


AROUND_UNBLINDING = (
    Plant("a card's number by the arm", "allocate_and_plan", "audit_entry", _card_number_by_arm),
    Plant("a letter by the arm", "see_stops", "mail", _letter_by_arm),
    Plant("a seal's notice by the arm", "see_stops", "GET notices.listed", _seal_notice_by_arm),
    Plant(
        "an entry for whom a recall concerns", "see_stops", "audit_entry", _entries_for_the_recalled
    ),
    Plant(
        "a judgement's reason in the blinded trail",
        "roll_over",
        "GET trails.study",
        _judgement_in_the_trail,
    ),
    Plant("a gate that knows the list", "leave", "GET going_live.shown", _gate_that_knows_the_list),
    Plant("a study's end by the arm", "end_study", "GET stages.page", _stage_by_arm),
)
