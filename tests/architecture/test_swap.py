"""The sixth wall: the blinded side is a function of everything except the arms.

Requirements B1 to B16, E8; `python -m tests.architecture.swap` runs it alone.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.architecture.swap.plants import PLANTS, Plant
from tests.architecture.swap.runs import found_by_the_swap, run, undriven
from tests.architecture.swap.worlds import BLOCK_ARRANGEMENTS, balanced, unbalanced
from tests.support.temp_postgres import Database


def test_all_worlds_look_alike_and_every_blinded_route_is_driven(
    new_sqlite_url: Callable[[], str],
) -> None:
    """All six arrangements of a block, and two lists whose totals differ."""
    assert len(BLOCK_ARRANGEMENTS) == 6
    first, *others = [*balanced(), *unbalanced()]
    journey = run(first, new_sqlite_url)
    assert undriven(journey) == set()
    for world in others:
        run(world, new_sqlite_url, against=journey.transcript)


def test_two_worlds_on_postgresql_look_alike(new_postgres: Callable[[], Database]) -> None:
    """The same on the other database, row order included."""
    first, last = balanced()[0], balanced()[-1]
    journey = run(first, lambda: new_postgres().app_url)
    run(last, lambda: new_postgres().app_url, against=journey.transcript)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_leak_is_found(plant: Plant, new_sqlite_url: Callable[[], str]) -> None:
    assert found_by_the_swap(plant, new_sqlite_url), f"not found: {plant.name}"
