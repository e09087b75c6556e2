"""The states of a bag that everybody may know, and the steps between them.

Nothing stands between planned and released: what happens in the lit room in between could
follow the arm, so it is no blinded state.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pharmacy.domain.errors import Refusal


class BagState(StrEnum):
    """A bag's blinded state."""

    PLANNED = "planned"
    RELEASED = "released"
    RECEIVED = "received"
    STARTED = "started"
    ENDED = "ended"
    HELD = "held"
    RETIRED = "retired"
    RETURNED = "returned"
    DESTROYED = "destroyed"
    LOST = "lost"


STEPS: dict[BagState, frozenset[BagState]] = {
    BagState.PLANNED: frozenset({BagState.RELEASED, BagState.RETIRED}),
    BagState.RELEASED: frozenset(
        {BagState.RECEIVED, BagState.STARTED, BagState.HELD, BagState.RETURNED, BagState.LOST}
    ),
    BagState.RECEIVED: frozenset(
        {BagState.STARTED, BagState.HELD, BagState.RETURNED, BagState.LOST}
    ),
    BagState.STARTED: frozenset({BagState.ENDED}),
    BagState.HELD: frozenset(
        {BagState.RELEASED, BagState.RECEIVED, BagState.RETURNED, BagState.LOST}
    ),
    BagState.RETURNED: frozenset({BagState.DESTROYED}),
    BagState.ENDED: frozenset(),
    BagState.RETIRED: frozenset(),
    BagState.DESTROYED: frozenset(),
    BagState.LOST: frozenset(),
}


def state_at(state: BagState, released_at: datetime | None, now: datetime) -> BagState:
    """The state everybody may know at a moment: a release counts from its scheduled time on.

    Before it the bag is still planned, however early somebody finished it.
    """
    if state is BagState.RELEASED and (released_at is None or released_at > now):
        return BagState.PLANNED
    return state


def check_step(now: BagState, then: BagState) -> None:
    """Refuse a step that the table does not have (409)."""
    if then not in STEPS[now]:
        raise Refusal(f"This bag is {now.value}; it cannot become {then.value}.")
