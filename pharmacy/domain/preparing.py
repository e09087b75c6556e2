"""A live study before it goes live: people, sites, keys and list are made, nobody takes part.

A practice study is open from the beginning, and goes live never (E21, C7).
"""

from __future__ import annotations

from pharmacy.domain.errors import Refusal

NOT_LIVE_YET = (
    "This live study is still being prepared, so nobody takes part in it yet. Its page Going live "
    "shows what is missing."
)


def is_prepared(practice: bool, went_live: bool) -> bool:
    """Whether participants may take part in a study."""
    return practice or went_live


def mode_words(practice: bool, went_live: bool) -> str:
    """What a page calls a study beside its code: practice, preparing, or live."""
    if practice:
        return "Practice"
    return "Live" if went_live else "Preparing"


def refuse_before_live(practice: bool, went_live: bool) -> None:
    """Refuse (409) what is done for a participant while a live study is being prepared."""
    if not is_prepared(practice, went_live):
        raise Refusal(NOT_LIVE_YET)
