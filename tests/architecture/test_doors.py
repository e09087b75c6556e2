"""Wall 2: every route says who may enter, and everybody else is turned away (E16, G11, G20)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Blueprint, Flask

from pharmacy import app as joining
from pharmacy.app import create_app
from pharmacy.domain.roles import PERMISSIONS, ROLES, Permission, Role
from pharmacy.web.access import Door, check_doors, door, door_of
from tests.architecture.door_table import DOORS, ROLES_OF
from tests.architecture.doors import (
    ADMINISTRATOR,
    AskedHouse,
    matrix_faults,
    may_enter,
    open_house,
    table_faults,
)
from tests.support.world import make_config


@pytest.fixture(scope="module")
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AskedHouse:
    """A running app with a study and one person per role."""
    path = tmp_path_factory.mktemp("doors") / "twinbag.db"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    return open_house(f"sqlite:///{path}", path.parent)


def test_the_doors_are_those_of_the_table(house: AskedHouse) -> None:
    assert table_faults(house.app) == []


def test_the_permissions_are_those_of_the_table() -> None:
    said = {name.value: tuple(sorted(roles)) for name, roles in PERMISSIONS.items()}
    assert said == ROLES_OF
    assert set(PERMISSIONS) == set(Permission)


@pytest.mark.parametrize("endpoint", sorted(DOORS))
def test_everybody_at_the_door(house: AskedHouse, endpoint: str) -> None:
    assert matrix_faults(house, endpoint, DOORS[endpoint]) == []


def _own_forms(house: AskedHouse) -> list[tuple[str, str, str]]:
    """For each form that is not public: somebody who may send it, its path, its endpoint."""
    return [
        (next(who for who in house.signed if may_enter(who, word)), path, endpoint)
        for endpoint, word in sorted(DOORS.items())
        if word != "public" and door_of(house.app, endpoint) is not None
        for method, path in house.questions(endpoint)
        if method == "POST"
    ]


def test_no_form_without_its_own_token_is_accepted(house: AskedHouse) -> None:
    for who, path, _endpoint in _own_forms(house):
        for token in ("", "0" * 64, house.signed[ADMINISTRATOR][1][::-1]):
            assert house.ask(who, "POST", path, csrf_token=token).status == 403, path


def test_no_form_of_another_site_is_accepted(house: AskedHouse) -> None:
    for who, path, _endpoint in _own_forms(house):
        for header in _FOREIGN:
            assert house.ask(who, "POST", path, headers=header).status == 403, path


_FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "http://elsewhere.example"},
    {"Origin": "null"},
)


def test_no_form_without_a_number_of_its_own_is_accepted(house: AskedHouse) -> None:
    for who, path, endpoint in _own_forms(house):
        found = door_of(house.app, endpoint)
        if found is not None and found.once:
            assert house.ask(who, "POST", path, operation_id="").status == 409, path


def _lit(app: Flask) -> Iterator[tuple[str, Door, bool]]:
    """Each endpoint with its door, and whether its view is the lit room's."""
    for endpoint, view in app.view_functions.items():
        found = door_of(app, endpoint)
        assert found is not None
        yield endpoint, found, view.__module__.startswith("pharmacy.unblinded")


# The code break is opened by an investigator, who stays blinded: of its pages the one that answers
# with an arm is the lit room's, and the others are compared like everything a blinded person sees.
_BREAKS, _TELLS = ("code_break.", "code_break_drill."), "code_break.reveal"


def test_of_the_code_break_the_answer_alone_is_lit(house: AskedHouse) -> None:
    found = {name: here for name, here, _lit_view in _lit(house.app) if name.startswith(_BREAKS)}
    assert {name for name, here in found.items() if here.lit} == {_TELLS}
    assert {here.permission for here in found.values()} == {Permission.BREAK_CODE}
    assert PERMISSIONS[Permission.BREAK_CODE] == {Role.INVESTIGATOR}


def test_the_doors_of_the_lit_room_are_marked(house: AskedHouse) -> None:
    marked = {
        endpoint: (found.lit, lit)
        for endpoint, found, lit in _lit(house.app)
        if not endpoint.startswith(_BREAKS)
    }
    assert {name for name, (said, is_lit) in marked.items() if said is not is_lit} == set()
    assert sum(said for said, _ in marked.values()) > 5


def test_no_blinded_person_has_a_key_to_the_lit_room(house: AskedHouse) -> None:
    for endpoint, found, lit in _lit(house.app):
        if lit and not endpoint.startswith(_BREAKS):
            assert found.permission is not None, endpoint
            holders = PERMISSIONS[found.permission]
            assert holders, endpoint
            assert not any(ROLES[role].blinded for role in holders), endpoint


def test_without_the_lit_room_there_is_none_of_its_doors(tmp_path: Path) -> None:
    blinded = create_app(make_config("sqlite://", tmp_path, lit_room=False, code_break=False))
    assert [name for name, found, lit in _lit(blinded) if lit or found.lit] == []


def test_the_code_break_stands_without_the_lit_room_and_is_left_out_of_it(tmp_path: Path) -> None:
    """keys.md: its own door and deployment flag."""
    alone = create_app(make_config("sqlite://", tmp_path, lit_room=False))
    assert {name for name in alone.view_functions if not name.startswith(_BREAKS)} == set(
        create_app(
            make_config("sqlite://", tmp_path, lit_room=False, code_break=False)
        ).view_functions
    )
    assert _TELLS in alone.view_functions
    without = create_app(make_config("sqlite://", tmp_path, code_break=False))
    assert not [name for name in without.view_functions if name.startswith(_BREAKS)]
    assert "lit_investigators.enrol" in without.view_functions


def test_a_planted_route_without_a_door_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bare = Blueprint("bare", "bare")
    bare.add_url_rule("/bare", view_func=lambda: "arms", endpoint="page")
    monkeypatch.setattr(joining, "_BLUEPRINTS", (*joining._BLUEPRINTS, bare))

    with pytest.raises(RuntimeError, match=r"no door: bare\.page"):
        create_app(make_config("sqlite://", tmp_path))


def test_a_planted_route_with_a_door_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fine = Blueprint("fine", "fine")
    fine.add_url_rule("/fine", view_func=door()(lambda: "hello"), endpoint="page")
    monkeypatch.setattr(joining, "_BLUEPRINTS", (*joining._BLUEPRINTS, fine))

    started = create_app(make_config("sqlite://", tmp_path))
    check_doors(started)
    assert '"fine.page": "signed in", is not in the table' in table_faults(started)


PLANTS = [
    ("participants.listed", Door(Permission.SCAN)),
    ("participants.listed", Door()),
    ("participants.listed", Door(public=True)),
    ("participants.listed", Door(Permission.ENROL)),
    ("people.listed", Door()),
    ("people.listed", Door(Permission.SCAN)),
    ("scanning.scan", Door(Permission.ENROL)),
    ("trails.study", Door(Permission.ADMINISTER)),
    ("home.account", Door(Permission.SCAN)),
    ("home.account", Door(public=True)),
]


@pytest.mark.parametrize(("endpoint", "wrong"), PLANTS)
def test_a_planted_wrong_door_is_found(
    monkeypatch: pytest.MonkeyPatch, house: AskedHouse, endpoint: str, wrong: Door
) -> None:
    monkeypatch.setitem(house.app.view_functions[endpoint].__dict__, "door", wrong)

    assert table_faults(house.app) != []
    verb_refuses = wrong == Door()
    assert verb_refuses or matrix_faults(house, endpoint, DOORS[endpoint]) != []


@pytest.mark.parametrize("word", ["scan", "administer", "lit: prepare"])
def test_a_door_that_is_too_wide_is_found(house: AskedHouse, word: str) -> None:
    found = matrix_faults(house, "home.account", word)
    assert len(found) == len(house.signed) - 1
    assert all("it is not that person's door" in fault for fault in found)


def test_every_role_was_asked(house: AskedHouse) -> None:
    assert {role.value for role in Role} | {ADMINISTRATOR} <= house.signed.keys()
