"""A study whose lit room is founded, granted and loaded, through the services and nothing else.

`open_study` makes it; its `LitStudy` holds every secret that people would hold, opens rooms, and
brings participants as far as a test needs them. `Browser` is one person at one browser.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pharmacy.domain.roles import Permission, Role
from pharmacy.persistence import participants, sign_ins
from pharmacy.persistence.bags import Bag
from pharmacy.services import participants as participant_verbs
from pharmacy.services import plans, sign_in
from pharmacy.services.break_cards import SETS
from pharmacy.unblinded import (
    allocation,
    break_cards,
    break_shares,
    founding,
    granting,
    holders,
    planning,
    private_record,
    sealed_list,
)
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.break_cards import Wanted
from pharmacy.unblinded.code_break import breaking, drill, own_keys
from pharmacy.unblinded.code_break.breaking import Answer, Asked
from pharmacy.unblinded.recovery_halves import RecoverySheets
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rules import ListRules
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.study_files import rules_of
from tests.support.builders import (
    FIXED_RUNS,
    PASSWORD,
    ZONE,
    Trial,
    add_person,
    make_trial,
)
from tests.support.world import Clock, KeyedChance

PEPPER = hashlib.sha256(b"pepper").digest()
BREAK_KEY = hashlib.sha256(b"break key").digest()
SERVER = ServerSecrets(PEPPER, BREAK_KEY)
# Three balanced blocks of four; 1 and 2 are the groups of the allocation table.
ARMS = "211221122112"
LIT_PEOPLE: dict[str, tuple[str, Role]] = {
    "statistician": ("Sam Statham", Role.STATISTICIAN),
    "pharmacist2": ("Petra Novak", Role.PHARMACIST),
}
HOLDERS = ("pharmacist", "pharmacist2", "checker")
BASE_URL = "http://127.0.0.1:8000"


def table_of(arms: str = ARMS, heading: str = "redcap_randomization_group") -> bytes:
    """An allocation table with one group per line."""
    return "\r\n".join([heading, *arms, ""]).encode()


@dataclass
class LitStudy:
    """A study with its people's passphrases and, per person, one open room of the services."""

    trial: Trial
    passphrases: dict[str, str] = field(default_factory=dict)
    recovery: RecoverySheets | None = None
    rooms: dict[str, OpenRoom] = field(default_factory=dict)
    _breaks: int = 0

    @property
    def study_id(self) -> str:
        """The study's id."""
        return self.trial.study_id

    def make_keys(self, who: str) -> None:
        """A person makes their keys and types the passphrase back."""
        words = self.trial.do(who, holders.make, PEPPER)
        self.trial.do(who, holders.confirm, words, PEPPER)
        self.passphrases[who] = words

    def six_words(self, who: str) -> str:
        """The fingerprint a person reads aloud."""
        with self.trial.look(who) as act:
            keys = holders.keys_of(act, self.trial.ids[who])
            assert keys is not None
            return private_record.six_words(keys)

    def found(self) -> None:
        """The statistician founds the study's keys."""
        words, server = self.passphrases["statistician"], ServerSecrets(PEPPER, BREAK_KEY)
        self.recovery = self.trial.do("statistician", founding.found, words, server)

    def grant(self, who: str, by: str = "statistician") -> None:
        """The study's keys are wrapped for a person after the words were compared."""
        self.trial.do(
            by,
            granting.grant,
            self.trial.ids[who],
            self.six_words(who),
            self.passphrases[by],
            PEPPER,
        )

    def room(self, who: str, enrolled_by: str = "statistician") -> OpenRoom:
        """A person's open room, opened anew when it has locked by itself."""
        found = self.rooms.get(who)
        if found is None or found.locks_in_seconds(self.trial.clock()) == 0:
            found = self.rooms[who] = self.open_room(who, enrolled_by)
        return found

    def open_room(self, who: str, enrolled_by: str = "statistician") -> OpenRoom:
        """Sign in and open the room with the passphrase, and the granter's words the first time."""
        words = self.six_words(enrolled_by) if who != enrolled_by else ""
        with self.trial.act(who) as act:
            token = sign_in.begin_session(act.uow, act.surroundings, act.person)
            act.uow.session.flush()
            row = sign_ins.by_token(act.uow.session, hashlib.sha256(token.encode()).digest())
            assert row is not None
            cookie = rooms.open_room(act, row.id, self.passphrases[who], words, PEPPER)
            opened = rooms.look(act, row.id, cookie, PEPPER)
        assert opened is not None
        return opened

    def load(
        self, arms: str = ARMS, rules: ListRules | None = None, table: bytes | None = None
    ) -> None:
        """The statistician loads the list; `rules` stand for the study's own, `table` for one
        of these arms.
        """
        room = self.room("statistician")
        with self.trial.act("statistician") as act:
            sealed_list.load(
                act,
                room,
                table or table_of(arms),
                rules or rules_of(act.in_study.code),
                PASSWORD,
                self.passphrases["statistician"],
                not_live_in_redcap=True,
                pepper=PEPPER,
                break_key=BREAK_KEY,
            )

    def make_break_keys(self, who: str = "investigator") -> None:
        """An investigator makes their keys and types the passphrase back."""
        words = self.trial.do(who, holders.make, PEPPER, Permission.BREAK_CODE)
        self.trial.do(who, holders.confirm, words, PEPPER, Permission.BREAK_CODE)
        self.passphrases[who] = words

    def enrol_breaker(self, who: str = "investigator", by: str = "pharmacist") -> None:
        """An investigator's shares are made after the words were compared."""
        if who not in self.passphrases:
            self.make_break_keys(who)
        self.do(
            by,
            break_shares.enrol,
            self.trial.ids[who],
            self.six_words(who),
            self.passphrases[by],
            PEPPER,
            BREAK_KEY,
        )

    def try_break_keys(self, who: str = "investigator", granter: str = "pharmacist") -> None:
        """The drill at a calm hour: the granter's words are compared and everything is pinned."""
        self.trial.do(
            who,
            own_keys.try_keys,
            self.passphrases[who],
            self.six_words(granter),
            PEPPER,
            BREAK_KEY,
            "192.0.2.7",
        )

    def break_code(
        self,
        participant_id: str,
        who: str = "investigator",
        server: ServerSecrets = SERVER,
        **said: str,
    ) -> Answer:
        """One break through the services; it commits by itself."""
        self._breaks += 1
        asked = Asked(
            participant_id,
            said.get("reason", "treatment"),
            said.get("said", ""),
            said.get("passphrase", self.passphrases.get(who, "")),
            said.get("form", f"break-form-{self._breaks:06d}"),
            "192.0.2.7",
        )
        with self.trial.units.acting() as uow:
            act = self.trial.bare_act(uow, who)
            return breaking.break_code(act, asked, server)

    def drill(
        self,
        who: str = "investigator",
        server: ServerSecrets = SERVER,
        **said: str,
    ) -> drill.Passed:
        """One drill through the services; it commits by itself."""
        self._breaks += 1
        asked = Asked(
            drill.DRILL,
            "treatment",
            "",
            said.get("passphrase", self.passphrases.get(who, "")),
            said.get("form", f"drill-form-{self._breaks:06d}"),
            "192.0.2.7",
        )
        place, device = said.get("place", "outside"), said.get("device", "phone")
        with self.trial.units.acting() as uow:
            act = self.trial.bare_act(uow, who)
            return drill.run(act, asked, place, device, server)

    def ready(self, code: str, by: str = "pharmacist") -> None:
        """What a release asks for beside the bag: a drill that was passed, both cards in place."""
        with self.trial.look(by) as act:
            enrolled, passed = break_shares.enrolments(act), drill.passed(act)
            participant = participants.by_code(act.uow.session, self.study_id, code)
        assert participant is not None
        if not passed:
            if not enrolled:
                self.enrol_breaker(by=by)
            self.drill()
        for card_set in SETS:
            self.card(participant.id, card_set, by)

    def card(self, participant_id: str, card_set: str, by: str = "pharmacist") -> str:
        """The id of the sealed card of a set, made if there is none that counts."""
        with self.trial.look(by) as act:
            found = break_cards.cards_of(act, participant_id).cards[card_set]
        if found is not None:
            return found.id
        seal = f"TE-{card_set[:3]}-{participant_id[:8]}".upper()
        form = f"card-form-{card_set}-{participant_id}"
        wanted = Wanted(card_set, seal, "Safe", "T. Lang", "", form)
        self.do(by, break_cards.open_card, participant_id, wanted)
        with self.trial.look(by) as act:
            made = break_cards.cards_of(act, participant_id).cards[card_set]
        assert made is not None
        self.trial.do(by, break_cards.put_in_place, made.id, seal)
        return made.id

    def do(self, who: str, verb: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """One verb of the lit room, `verb(act, room, ...)`, committed."""
        room = self.room(who)
        with self.trial.act(who) as act:
            return verb(act, room, *args, **named)

    def enrolled(self, code: str = "M-002", weight: str = "59.6") -> str:
        """A participant with a weight and signed eligibility who was given the next slot."""
        participant_id = self.eligible(code, weight)
        served = self.do("pharmacist", allocation.serve_oldest)
        assert served.id == participant_id, "an older request waits and was served first"
        return participant_id

    def eligible(self, code: str = "M-002", weight: str = "59.6") -> str:
        """A participant whose request for a slot waits."""
        participant_id = self.trial.register(code)
        self.trial.weigh(participant_id, weight)
        self.trial.eligible(participant_id)
        return participant_id

    def planned(
        self,
        code: str = "M-002",
        weight: str = "59.6",
        visit: str = "W0",
        first_day: date | None = None,
    ) -> str:
        """The planned course's id of a new participant."""
        participant_id = self.enrolled(code, weight)
        return self.plan(self.trial.order(participant_id, visit, first_day))

    def plan(self, order_id: str, runs: Sequence[datetime] = ()) -> str:
        """Plan an order in the lit room: the first run of its first day, the same hour after it."""
        with self.trial.look("pharmacist") as act:
            order, participant, _, proposed = plans.propose(act, order_id)
            site = participant_verbs.site_of(act, participant)
            on = max(order.first_day, self.trial.today())
            start = plans.run_choices(act, site, on)[0]
        local = start.astimezone(ZONE)
        days = [local + timedelta(days=n) for n in range(len(proposed.days))]
        chosen = list(runs) or [day.astimezone(start.tzinfo) for day in days]
        return str(self.do("pharmacist", planning.plan_course, order_id, chosen).id)

    def bags(self, course_id: str) -> list[Bag]:
        """The bags of a course in the order they are given."""
        return self.trial.bags(course_id)

    def browser(self, app: Flask, who: str) -> Browser:
        """A person signed in at a browser of their own, the room locked."""
        return Browser(app.test_client(), self, who)

    def lit_browser(self, app: Flask, who: str) -> Browser:
        """A person signed in with the room open."""
        browser = self.browser(app, who)
        answer = browser.open_room()
        assert answer.status_code == 303, answer.text
        return browser


class Browser:
    """One person's browser: cookies, the form token of its session, and a fresh id per form."""

    def __init__(self, client: FlaskClient, study: LitStudy, who: str) -> None:
        self.client, self.study, self.who = client, study, who
        self._sent = 0
        typed = {"user_name": f"{who}.test", "password": PASSWORD}
        answer = client.post("/sign-in", data=typed, base_url=BASE_URL)
        assert answer.status_code == 303, answer.text
        self._token = _csrf_token(self.get("/account").text)

    def lit(self, page: str) -> str:
        """The path of a page of the study's lit room, such as `board`."""
        return f"/lit/{self.study.study_id}/{page}"

    def get(self, path: str) -> TestResponse:
        """One page."""
        return self.client.get(path, base_url=BASE_URL)

    def post(self, path: str, operation_id: str = "", **typed: Any) -> TestResponse:
        """Send one form; the same `operation_id` again is the same form sent twice."""
        self._sent += 1
        sent = operation_id or f"{self.who}-operation-{self._sent:06d}"
        data = {"csrf_token": self._token, "operation_id": sent, **typed}
        return self.client.post(path, data=data, base_url=BASE_URL)

    def open_room(self, passphrase: str = "", **typed: str) -> TestResponse:
        """Open the lit room; without arguments as its owner would."""
        page = self.lit("open")
        said = {"passphrase": passphrase or self.study.passphrases[self.who], **typed}
        if "granter_words" not in said and self.who != "statistician":
            said["granter_words"] = self.study.six_words("statistician")
        return self.post(page, **said)


def open_study(
    database_url: str,
    clock: Clock | None = None,
    chance: KeyedChance | None = None,
    *,
    arms: str = ARMS,
    rules: ListRules | None = None,
    runs: str = FIXED_RUNS,
    enrolled: Sequence[str] = (),
    granted: Sequence[str] = HOLDERS,
    loaded: bool = True,
    protocol_text: str | None = None,
    table: bytes | None = None,
) -> LitStudy:
    """A study with people in all roles, keys for everybody unblinded, and the list loaded.

    `granted` are the holders enrolled besides the statistician; `enrolled` the codes of
    participants who are given a slot each, in order.
    """
    trial = make_trial(database_url, clock, chance, runs=runs, protocol_text=protocol_text)
    study = LitStudy(trial)
    for name, (full_name, role) in LIT_PEOPLE.items():
        study.trial.ids[name] = add_person(study.trial, name, full_name, role)
    for who in ("statistician", *granted):
        study.make_keys(who)
    study.found()
    for who in granted:
        study.grant(who)
    if loaded:
        study.load(arms, rules, table)
    for code in enrolled:
        study.enrolled(code)
    return study


def _csrf_token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page)
    assert found is not None
    return found[1]
