"""Shares of the slow step: a flood at one door takes nothing from another.

Each derivation takes 64 MiB and about a fifth of a second of one core, and holds one of the
server's threads. So each kind of work has a share of its own, of running and of waiting; whoever
finds theirs full is told at once and holds no thread. Breaking a code has the share that nobody
else can touch. The numbers are those of one process; `docs/decisions.md` says what follows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from pharmacy.domain.errors import Lack, Unavailable


class Share:
    """So many derivations at once, and so many people inside, those that wait included."""

    def __init__(self, at_once: int, inside: int) -> None:
        self.inside = inside
        self._inside, self._running = BoundedSemaphore(inside), BoundedSemaphore(at_once)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Derive within the share; `Unavailable` at once when it is full."""
        if not self._inside.acquire(blocking=False):
            raise Unavailable(Lack.CROWDED)
        try:
            with self._running:
                yield
        finally:
            self._inside.release()


# Anybody at all can knock here, from anywhere.
STRANGERS = Share(at_once=1, inside=5)
# A device that its person has signed in with before.
KNOWN_DEVICES = Share(at_once=1, inside=3)
# Whoever is signed in and opens what is sealed.
SIGNED_IN = Share(at_once=2, inside=3)
# Breaking a code, which waits for nobody above.
BREAKING = Share(at_once=2, inside=6)
