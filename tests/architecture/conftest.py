"""What the walls share besides the databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from pharmacy.persistence.engine import make_engine


@pytest.fixture
def engine_at() -> Iterator[Callable[[str], sa.Engine]]:
    """Make engines as the product does; all are closed after the test."""
    made: list[sa.Engine] = []

    def make(url: str) -> sa.Engine:
        made.append(make_engine(url))
        return made[-1]

    yield make
    for engine in made:
        engine.dispose()
