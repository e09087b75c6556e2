"""Running worlds: each on a database of its own, whole, or a planted pair until it differs."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from pharmacy.web.access import door_of
from tests.architecture.swap.plant import Plant
from tests.architecture.swap.script import RESTS, STEPS, Journey, Memory
from tests.architecture.swap.surfaces import Differs, Transcript
from tests.architecture.swap.worlds import World, balanced

_PARTS = re.compile(r'{%-? *(?:extends|include|import|from) "([^"]+)"')
_BROKEN = re.compile(r"^twinbag ERROR broken ")
NewDatabase = Callable[[], str]
# A world without a plant goes the same way each time: one run serves every plant that begins
# at one of its rests.
_KEPT: dict[tuple[str, str], _Rest] = {}


@dataclass(frozen=True)
class _Rest:
    memory: Memory
    database: bytes


def run(
    world: World, new_database: NewDatabase, against: Transcript | None = None, until: str = ""
) -> Journey:
    """Run the script in one world; `Differs` at the first thing unlike `against`."""
    url = new_database()
    with _journey(world, url, against) as journey:
        journey.begin()
        for step in STEPS:
            if step in RESTS and url.startswith("sqlite"):
                _KEPT[world.name, step] = _Rest(journey.remember(), _copied(url))
            if step == until:
                return journey
            journey.take(step)
        journey.transcript.ends()
    return journey


def found_by_the_swap(plant: Plant, new_database: NewDatabase) -> str:
    """Where two planted worlds first differ; empty when the plant is not found.

    Both go the same step one after the other, so that neither runs on once they differ.
    """
    here, there = balanced()[0], balanced()[-1]
    with ExitStack() as open_worlds:
        first = open_worlds.enter_context(_begun(here, plant, new_database, None))
        second = open_worlds.enter_context(_begun(there, plant, new_database, first.transcript))
        for step in STEPS[STEPS.index(plant.since) :]:
            broke = _taken(first, plant, step)
            try:
                with _planted(plant, second):
                    second.take(step)
                second.transcript.ends()
            except Differs as found:
                _need_whole(first, second)
                return str(found)
            if broke is not None:
                raise broke
    return ""


def undriven(journey: Journey) -> set[tuple[str, str]]:
    """The blinded routes and methods that the script never reached: found from the URL map."""
    return _blinded_routes(journey) - journey.transcript.driven


def one_sided(journey: Journey) -> set[tuple[str, str]]:
    """Blinded forms that were only ever done, or only ever refused."""
    answered = journey.transcript.answered
    forms = [endpoint for endpoint, method in _blinded_routes(journey) if method == "POST"]
    answers = ((True, "never done"), (False, "never refused"))
    return {
        (endpoint, what)
        for endpoint in forms
        for done, what in answers
        if (endpoint, "POST", done) not in answered
    }


def undrawn(journey: Journey) -> set[str]:
    """Templates of the blinded side that no page of the script was made from."""
    folder = Path(journey.app.root_path, str(journey.app.template_folder))
    texts = {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*.html")
    }
    parts = {name for text in texts.values() for name in _PARTS.findall(text)}
    return texts.keys() - parts - journey.transcript.drawn


def _blinded_routes(journey: Journey) -> set[tuple[str, str]]:
    app = journey.app
    return {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & {"GET", "POST"}
        if (here := door_of(app, rule.endpoint)) is None or not here.lit
    }


@contextmanager
def _journey(world: World, url: str, against: Transcript | None) -> Iterator[Journey]:
    with tempfile.TemporaryDirectory() as folder:
        journey = Journey(world, url, Path(folder), against)
        try:
            yield journey
        finally:
            journey.close()


@contextmanager
def _begun(
    world: World, plant: Plant, new_database: NewDatabase, against: Transcript | None
) -> Iterator[Journey]:
    """A world with the plant in it, at the step since which it is planted."""
    url = new_database()
    with _journey(world, url, against) as journey:
        if plant.since in RESTS and plant.since != STEPS[0]:
            if (world.name, plant.since) not in _KEPT:
                run(world, new_database, until=plant.since)
            rest = _KEPT[world.name, plant.since]
            Path(url.removeprefix("sqlite:///")).write_bytes(rest.database)
            with _planted(plant, journey):
                journey.go_on_from(rest.memory)
        else:
            with _planted(plant, journey):
                journey.begin()
        yield journey


@contextmanager
def _planted(plant: Plant, journey: Journey) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        plant.put_in(patch, journey)
        yield


def _taken(journey: Journey, plant: Plant, step: str) -> AssertionError | None:
    """Take a step; where the plant breaks the script off, the other world must not break off."""
    try:
        with _planted(plant, journey):
            journey.take(step)
    except AssertionError as broke:
        return broke
    return None


def _need_whole(*journeys: Journey) -> None:
    """A plant that breaks the product is no leak: its worlds differ for another reason."""
    for journey in journeys:
        for seen in journey.transcript.seen:
            if _BROKEN.search(seen.content) and "kind=Differs" not in seen.content:
                raise AssertionError(f"the plant breaks the product: {seen.content}")


def _copied(url: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "copy.db"
        with (
            closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as source,
            closing(sqlite3.connect(path)) as target,
        ):
            source.backup(target)
        return path.read_bytes()
