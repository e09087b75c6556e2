"""For whoever watches over the installation: can an act still be kept?

Nothing less than a committed row proves it: on a full disk, and with the lock held by somebody
else, reading still works.
"""

from __future__ import annotations

from datetime import timedelta

from pharmacy.persistence.sign_ins import Throttle
from pharmacy.persistence.unit_of_work import UnitOfWork

# How long one proof holds. The page is public: whoever asks more often makes nobody write.
PROOF_HOLDS = timedelta(seconds=10)
# One row beside the counts of the door, which need no entry in a trail either.
_KEY = "health"


def proved_lately(uow: UnitOfWork) -> bool:
    """Whether a row was kept within `PROOF_HOLDS`."""
    row = uow.session.get(Throttle, _KEY)
    return row is not None and timedelta(0) <= uow.now - row.last_at < PROOF_HOLDS


def prove(uow: UnitOfWork) -> None:
    """Write the one row whose commit is the proof."""
    row = Throttle(key=_KEY, failures=0, last_at=uow.now, wait_until=uow.now)
    uow.session.merge(row)
