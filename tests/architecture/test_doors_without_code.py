"""Wall 2, the second factor: it stands before every door, and never before the code break.

keys.md: no training, second-factor or expiry gate blocks a code break (G7, J1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.app import create_app
from pharmacy.domain.roles import Permission
from pharmacy.domain.sign_in_limit import Limit
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.web.access import Door, door_of
from tests.architecture.door_table import BEFORE_SET_UP, DOORS, WITHOUT_SECOND_FACTOR
from tests.architecture.doors import AskedHouse, open_house
from tests.support.world import make_config, make_surroundings

WHO = "investigator"
SECOND_STEP, SET_UP = "/sign-in/second-step", "/account/authenticator"
# Whatever is done by these is undone before the next question.
_BREAKS = ("code_break.page", "code_break.reveal")


@pytest.fixture(scope="module")
def demanding(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AskedHouse:
    """A house where everybody needs a second factor, and nobody has set one up."""
    path = tmp_path_factory.mktemp("doors") / "twinbag.db"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    house = open_house(f"sqlite:///{path}", path.parent)
    config = make_config(f"sqlite:///{path}", path.parent, second_factor=True)
    around = make_surroundings(house.trial.clock, house.trial.chance)
    return replace(house, app=create_app(config, around))


@pytest.fixture
def limited(demanding: AskedHouse) -> Iterator[Callable[[str], None]]:
    """Make every sign-in of the house a limited one; afterwards they are whole again."""

    def limit(to: str | None) -> None:
        with demanding.trial.engine.begin() as connection:
            connection.execute(sa.update(SignInSession).values(limited_to=to, ended_at=None))

    yield limit
    limit(None)


def led_to(house: AskedHouse, place: str, endpoint: str) -> set[bool]:
    """For every method of a door: whether the investigator is led away to a place."""
    return {
        (asked.status, asked.location) == (303, place)
        for method, path in house.questions(endpoint)
        for asked in [house.ask(WHO, method, path)]
    }


def gate_faults(
    house: AskedHouse, place: str, passes: frozenset[str], anew: Callable[[], None]
) -> list[str]:
    """Doors that let through, or lead away, otherwise than the table says."""
    found = []
    for endpoint, word in sorted(DOORS.items()):
        if word == "public":
            continue
        anew()
        wanted = endpoint not in passes
        if led_to(house, place, endpoint) != {wanted}:
            found.append(f"{endpoint} {'lets through' if wanted else 'is barred'}")
    return found


@pytest.mark.parametrize("limit", sorted(WITHOUT_SECOND_FACTOR))
def test_without_the_second_factor_these_doors_and_no_others(
    demanding: AskedHouse, limited: Callable[[str], None], limit: str
) -> None:
    """G7: the whole matrix, reading and writing."""
    passes = WITHOUT_SECOND_FACTOR[limit]
    assert gate_faults(demanding, SECOND_STEP, passes, lambda: limited(limit)) == []


def test_before_a_second_factor_is_set_up_these_doors_and_no_others(demanding: AskedHouse) -> None:
    """G7: who still has to set one up breaks a code all the same."""
    assert gate_faults(demanding, SET_UP, BEFORE_SET_UP, demanding.wake) == []


def test_the_doors_declare_what_the_table_says(demanding: AskedHouse) -> None:
    doors = {name: door_of(demanding.app, name) for name in demanding.app.view_functions}
    assert {name for name, here in doors.items() if here and here.before_set_up} == BEFORE_SET_UP
    for limit in Limit:
        passing = {name for name, here in doors.items() if here and limit in here.without}
        assert passing == WITHOUT_SECOND_FACTOR[limit.value]


PLANTS = [
    ("code_break.page", Door(Permission.BREAK_CODE), "code_break", "is barred"),
    ("code_break.reveal", Door(Permission.BREAK_CODE, lit=True), "code_break", "is barred"),
    ("home.account", Door(without=frozenset(Limit)), "code_break", "lets through"),
    ("authenticators.page", Door(without=frozenset(Limit)), "second_step", "lets through"),
]


@pytest.mark.parametrize(("endpoint", "wrong", "limit", "said"), PLANTS)
def test_a_planted_gate_is_found(
    demanding: AskedHouse,
    limited: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    endpoint: str,
    wrong: Door,
    limit: str,
    said: str,
) -> None:
    monkeypatch.setitem(demanding.app.view_functions[endpoint].__dict__, "door", wrong)
    passes = WITHOUT_SECOND_FACTOR[limit]
    found = gate_faults(demanding, SECOND_STEP, passes, lambda: limited(limit))
    assert found == [f"{endpoint} {said}"]


@pytest.mark.parametrize("endpoint", _BREAKS)
def test_a_planted_gate_before_the_code_break_is_found(
    demanding: AskedHouse, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    here = door_of(demanding.app, endpoint)
    assert here is not None
    barred = replace(here, before_set_up=False)
    monkeypatch.setitem(demanding.app.view_functions[endpoint].__dict__, "door", barred)
    found = gate_faults(demanding, SET_UP, BEFORE_SET_UP, demanding.wake)
    assert found == [f"{endpoint} is barred"]


def test_without_the_code_break_in_the_process_the_way_there_is_not_offered(tmp_path: Path) -> None:
    app = create_app(make_config("sqlite://", tmp_path, code_break=False))
    assert app.extensions["twinbag"].break_door == ""
