"""Running worlds: each on a database of its own, whole, or until it first differs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pharmacy.web.access import door_of
from tests.architecture.swap.plants import Plant
from tests.architecture.swap.script import Journey
from tests.architecture.swap.surfaces import Differs, Transcript
from tests.architecture.swap.worlds import World, balanced

NewDatabase = Callable[[], str]


def run(
    world: World,
    new_database: NewDatabase,
    plant: Plant | None = None,
    against: Transcript | None = None,
) -> Journey:
    """Run the script in one world; `Differs` at the first thing unlike `against`."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        journey = Journey(world, new_database(), Path(folder), against)
        if plant is not None:
            plant.put_in(patch, journey)
        try:
            journey.begin()
            journey.run()
        finally:
            journey.close()
    return journey


def found_by_the_swap(plant: Plant, new_database: NewDatabase) -> str:
    """Where two planted worlds first differ; empty when the plant is not found."""
    here, there = balanced()[0], balanced()[-1]
    first = run(here, new_database, plant)
    try:
        run(there, new_database, plant, against=first.transcript)
    except Differs as found:
        return str(found)
    return ""


def undriven(journey: Journey) -> set[tuple[str, str]]:
    """The blinded routes and methods that the script never reached: found from the URL map."""
    app = journey.app
    routes = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST"}
        if (here := door_of(app, rule.endpoint)) is None or not here.lit
    }
    return routes - journey.transcript.driven
