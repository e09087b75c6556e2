"""The broken codes of a study as the pharmacy reads them: out of the inbox, with the room open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_zone
from pharmacy.unblinded import inbox
from pharmacy.unblinded.code_break.breaking import KIND, REASONS
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.stratum_words import stratum_words
from pharmacy.unblinded.study_files import rules_of


@dataclass(frozen=True)
class BrokenCode:
    """One break in words: who, whose code, when, why, and what was written for the pharmacy."""

    name: str
    participant: str
    when: str
    reason: str
    said: str
    place: str
    compared: bool


def broken_codes(act: Act, room: OpenRoom) -> list[BrokenCode]:
    """Every break of the study, newest first; refused (409) when a record does not open."""
    act.permit(Permission.PREPARE)
    zone = study_zone(act)
    rules = rules_of(act.in_study.code)
    return [
        BrokenCode(
            name=said["name"],
            participant=said["participant"],
            when=format_moment(datetime.fromisoformat(said["at"]), zone),
            reason=REASONS[said["reason"]],
            said=said["said"],
            place=f"{stratum_words(rules, said['stratum'])}, number {said['number']}",
            compared=said["compared"],
        )
        for said in inbox.opened(act, room, KIND)
    ]
