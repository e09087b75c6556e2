"""Ending a participant's card as a coordinator does, through the services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pharmacy.persistence import participants
from pharmacy.services import cards
from tests.support.builders import Trial


def replace_card(trial: Trial, code: str = "M-002", reason: str = "lost") -> None:
    """Give a new card in place of the one that counts, or of none."""
    _with_the_mark(trial, code, cards.replace, reason)


def revoke_card(trial: Trial, code: str = "M-002", reason: str = "lost") -> None:
    """End the card that counts."""
    _with_the_mark(trial, code, cards.revoke, reason)


def participant_id(trial: Trial, code: str = "M-002") -> str:
    """The id of the participant with this code."""
    with trial.units.reading() as uow:
        row = participants.by_code(uow.session, trial.study_id, code)
        assert row is not None
        return str(row.id)


def mark(trial: Trial, code: str = "M-002") -> str:
    """The mark of the card as it stands now."""
    with trial.look("coordinator") as act:
        return cards.standing(act, participant_id(trial, code)).mark


def _with_the_mark(trial: Trial, code: str, verb: Callable[..., Any], reason: str) -> None:
    trial.do("coordinator", verb, participant_id(trial, code), reason, mark(trial, code))
