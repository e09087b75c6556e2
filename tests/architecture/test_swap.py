"""The sixth wall: the blinded side is a function of everything except the arms.

Requirements B1 to B16, E8; `python -m tests.architecture.swap` runs it alone.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.architecture.swap.channels import CHANNELS
from tests.architecture.swap.plant import Plant
from tests.architecture.swap.plants import PLANTS
from tests.architecture.swap.runs import found_by_the_swap, one_sided, run, undrawn, undriven
from tests.architecture.swap.worlds import BLOCK_ARRANGEMENTS, WORDS, balanced, unbalanced
from tests.support.temp_postgres import Database

# Forms of which the script shows one answer only, and why.
ONE_ANSWER = {
    ("going_live.sign", "never done"): "its gates are opened in tests/unblinded/test_going_live.py",
    ("going_live.test_notice", "never refused"): "one button of the administrator's",
    ("passkeys.put_off", "never refused"): "not now is always an answer",
    ("people.leave", "never refused"): "a reason is all that it asks",
    ("people.make_link", "never refused"): "one button of the administrator's",
    ("people.roles", "never refused"): "the roles that are offered can be given",
    ("scanning.aside", "never refused"): "the one way out of a Stop",
    ("sign_in.leave", "never refused"): "whoever is signed in may leave",
    ("sign_in.set_up", "never done"): "the first administrator was there before the app",
    ("stops.seen", "never refused"): "one button of the pharmacy's",
}
# Pages that the script cannot come to, and why.
UNSEEN = {
    "sign_in/set_up.html": "the first administrator was there before the app",
    "unavailable.html": "the database answers",
}


def test_all_worlds_look_alike_and_everything_blinded_is_driven(
    new_sqlite_url: Callable[[], str],
) -> None:
    """All six arrangements of a block, and two lists whose totals differ."""
    assert len(BLOCK_ARRANGEMENTS) == 6
    first, *others = [*balanced(), *unbalanced()]
    journey = run(first, new_sqlite_url)
    assert undriven(journey) == set()
    assert one_sided(journey) == set(ONE_ANSWER)
    assert undrawn(journey) == set(UNSEEN)
    in_the_clear = [each for each in journey.transcript.seen if each.kind == "words in the clear"]
    assert in_the_clear
    assert not [each for each in in_the_clear if any(word in each.content for word in WORDS)]
    for world in others:
        run(world, new_sqlite_url, against=journey.transcript)


def test_two_worlds_on_postgresql_look_alike(new_postgres: Callable[[], Database]) -> None:
    """The same on the other database, the phone's pages and row order included."""
    first, last = balanced()[0], balanced()[-1]
    journey = run(first, lambda: new_postgres().app_url)
    assert undriven(journey) == set()
    run(last, lambda: new_postgres().app_url, against=journey.transcript)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_leak_is_found(plant: Plant, new_sqlite_url: Callable[[], str]) -> None:
    """It is found, and there where it shows."""
    assert plant.where in found_by_the_swap(plant, new_sqlite_url), f"not found: {plant.name}"


def test_every_channel_has_a_plant_or_says_what_answers_it() -> None:
    """The rows of the table of leaks; every plant stands for one of them."""
    assert len(CHANNELS) == 20
    assert not [row.name for row in CHANNELS if not row.plants and not row.elsewhere]
    stood_for = {name for row in CHANNELS for name in row.plants}
    assert stood_for == {plant.name for plant in PLANTS}
