"""What may be said of a bag at this moment. Every page and every verdict asks here."""

from __future__ import annotations

from pharmacy.domain.lifecycle import BagState, state_at
from pharmacy.persistence.bags import Bag
from pharmacy.services.act import Act


def state_now(act: Act, bag: Bag) -> BagState:
    """The bag's blinded state: released counts from its scheduled moment, not from its row's."""
    return state_at(BagState(bag.state), bag.released_at, act.now)
