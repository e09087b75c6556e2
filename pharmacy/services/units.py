"""Opening units of work: one for reading, one for an act."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from pharmacy.persistence.unit_of_work import UnitOfWork


class Units:
    """Makes units of work on one engine with the injected clock."""

    def __init__(self, engine: Any, now: Callable[[], datetime]) -> None:
        self._engine, self._now = engine, now

    def reading(self) -> UnitOfWork:
        """For a request that changes nothing: it never waits for a writer."""
        return UnitOfWork(self._engine, self._now(), reading=True)

    def acting(self, *, waiting: bool = True) -> UnitOfWork:
        """For one act and its commit; without `waiting` a busy database refuses it at once."""
        engine = self._engine if waiting else self._engine.execution_options(waiting=False)
        return UnitOfWork(engine, self._now())

    def close(self) -> None:
        """Give back the engine's connections, when the app ends."""
        self._engine.dispose()
