"""Wall 2's tools: a running app with one person per role, and every question asked of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import sqlalchemy as sa
from flask import Flask
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from pharmacy.domain.roles import Role
from pharmacy.persistence.people import Membership, Person
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.services.sign_in import csrf_token
from pharmacy.web.access import Door, door_of
from tests.architecture.door_table import DOORS, ROLES_OF
from tests.support.builders import Trial, make_trial
from tests.support.world import build_app

BASE_URL = "http://127.0.0.1:8000"
ADMINISTRATOR, NOBODY, STRANGER = "administrator", "signed out", "a person without a role"
EVERYBODY = (NOBODY, STRANGER, ADMINISTRATOR, *(role.value for role in Role))
_UNKNOWN = "f" * 32
_NONE: Mapping[str, str] = {}


@dataclass
class Asked:
    """One person's answer at one door."""

    who: str
    method: str
    path: str
    status: int
    location: str

    def __str__(self) -> str:
        return f"{self.who}: {self.method} {self.path} was answered {self.status}"


@dataclass
class AskedHouse:
    """The app, the study's id, and for each person a sign-in: cookie and form token."""

    app: Flask
    trial: Trial
    signed: dict[str, tuple[str, str]] = field(default_factory=dict)
    _sent: int = 0

    def ask(
        self, who: str, method: str, path: str, headers: Mapping[str, str] = _NONE, **changes: str
    ) -> Asked:
        """One request of one person; `changes` are form fields."""
        cookie, token = self.signed.get(who, ("", ""))
        self._sent += 1
        form = {"csrf_token": token, "operation_id": f"door-test-{self._sent:08d}", **changes}
        headers = {**headers, **({"Cookie": f"twinbag={cookie}"} if cookie else {})}
        client = self.app.test_client(use_cookies=False)
        answer: TestResponse = client.open(
            path,
            method=method,
            base_url=BASE_URL,
            headers=headers,
            data=form if method == "POST" else None,
        )
        answer.close()
        return Asked(who, method, path, answer.status_code, answer.headers.get("Location", ""))

    def wake(self) -> None:
        """Let sign-ins that a request has ended go on."""
        with self.trial.engine.begin() as connection:
            connection.execute(sa.update(SignInSession).values(ended_at=None))

    def questions(self, endpoint: str) -> list[tuple[str, str]]:
        """Every method and path of an endpoint, in the study, about things that are not there."""
        adapter = self.app.url_map.bind("127.0.0.1:8000")
        return [
            (method, adapter.build(endpoint, self._values(rule), method=method))
            for rule in self.app.url_map.iter_rules(endpoint)
            for method in sorted((rule.methods or set()) & {"GET", "POST", "PUT", "DELETE"})
        ]

    def _values(self, rule: Rule) -> dict[str, object]:
        values: dict[str, object] = dict(rule.defaults or {})
        for name in rule.arguments - values.keys():
            numeric = type(rule._converters[name]).__name__ == "IntegerConverter"
            values[name] = 1 if numeric else _UNKNOWN
        if "study_id" in values:
            values["study_id"] = self.trial.study_id
        return values


def open_house(database_url: str, folder: Path) -> AskedHouse:
    """A study in which every role is held by one person, the roles without pages too."""
    trial = make_trial(database_url)
    app = build_app(database_url, folder, trial.clock, trial.chance)
    house = AskedHouse(app, trial)
    with trial.act("administrator") as act:
        session = act.uow.session
        for at, who in enumerate(EVERYBODY[1:]):
            person_id = trial.ids["administrator"] if who == ADMINISTRATOR else f"{at:032d}"
            if who != ADMINISTRATOR:
                session.add(_person(person_id, who, act.now))
                session.flush()
            if who not in (ADMINISTRATOR, STRANGER):
                session.add(
                    Membership(
                        id=f"{at:032d}",
                        person_id=person_id,
                        study_id=trial.study_id,
                        role=who,
                        given_at=act.now,
                    )
                )
            row = _sign_in(person_id, at, act.now)
            session.add(row)
            house.signed[who] = (_token(at), csrf_token(row))
        act.record("roles_given_by_test", f"study:{trial.study_id}")
    return house


def _person(person_id: str, who: str, now: object) -> Person:
    return Person(
        id=person_id,
        user_name=f"door.{who.replace(' ', '.')}",
        full_name=who,
        initials="DO",
        administrator=False,
        password_hash=None,
        created_at=now,
        left_at=None,
    )


def _token(at: int) -> str:
    return hashlib.sha256(f"door {at}".encode()).hexdigest()


def _sign_in(person_id: str, at: int, now: object) -> SignInSession:
    return SignInSession(
        id=f"{at:032d}",
        token_hash=hashlib.sha256(_token(at).encode()).digest(),
        person_id=person_id,
        csrf_secret=_token(at).encode()[:32],
        started_at=now,
        seen_at=now,
        ended_at=None,
    )


def said_of(door: Door | None) -> str:
    """A door in the words of the table."""
    if door is None:
        return "no door"
    word = "public" if door.public else door.permission.value if door.permission else "signed in"
    return f"lit: {word}" if door.lit else word


def table_faults(app: Flask, doors: dict[str, str] = DOORS) -> list[str]:
    """Where the doors of an app are not those of the table."""
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()}
    found = [
        f'"{name}": "{said_of(door_of(app, name))}", is not in the table'
        for name in sorted(endpoints - doors.keys())
    ]
    found += [f"{name} is in the table and no route" for name in sorted(doors.keys() - endpoints)]
    return found + [
        f"{name}: the table says {doors[name]}, the door {said_of(door_of(app, name))}"
        for name in sorted(endpoints & doors.keys())
        if doors[name] != said_of(door_of(app, name))
    ]


def may_enter(who: str, word: str) -> bool:
    """Whether the table lets a person enter by a door."""
    word = word.removeprefix("lit: ")
    if word == "public":
        return True
    if who == NOBODY:
        return False
    if word == "signed in":
        return True
    return who == ADMINISTRATOR if word == "administer" else who in ROLES_OF[word]


def matrix_faults(house: AskedHouse, endpoint: str, word: str) -> list[str]:
    """Everybody asks at every method of one door; what was answered otherwise than the table."""
    found = []
    for method, path in house.questions(endpoint):
        for who in EVERYBODY:
            asked = house.ask(who, method, path)
            fault = _fault(asked, may_enter(who, word))
            found += [f"{asked}: {fault}"] if fault else []
    house.wake()
    return found


def _fault(asked: Asked, may: bool) -> str:
    if asked.status >= 500:
        return "it broke"
    if may:
        return "it is that person's door" if asked.status in (401, 403, 405) else ""
    if asked.who == NOBODY:
        led = asked.status == 303 and asked.location.endswith("/sign-in")
        return "" if led else "it leads to the sign-in"
    return "" if asked.status in (403, 404) else "it is not that person's door"
