"""The script: one study from its first administrator to a used bag, the same in every world.

Blinded people do and see the same. In the lit room the same stages happen, each in the way the
world's arms make it happen. After every stretch of lit-room work the clock is set to the next
moment of the script, so that the blinded side's own clock never depends on an arm.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask, template_rendered

from pharmacy.persistence.engine import make_engine
from pharmacy.postman import message_of, send_due
from pharmacy.services.notices import Letter
from pharmacy.services.units import Units
from tests.architecture.swap import (
    bench_work,
    break_cards,
    closing,
    code_break,
    departures,
    desk,
    going_live,
    open_label,
    passphrases,
    phone,
    safety,
    second_factor,
    strata,
    voiding,
)
from tests.architecture.swap.at_rest import dump
from tests.architecture.swap.browser import Browser
from tests.architecture.swap.desk import CODES, PREPARED
from tests.architecture.swap.surfaces import Transcript, logged
from tests.architecture.swap.worlds import World
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import Clock, KeyedChance, build_app

STEPS = (
    "administer",
    "enrol",
    "order",
    "allocate_and_plan",
    "prepare",
    "send_off",
    "read_books",
    "receive",
    "infuse",
    "stop",
    "see_stops",
    "break_code",
    "roll_over",
    "report",
    "leave",
    "end_study",
)
# At the beginning of these a world can be kept: whoever is needed afterwards signs in anew.
RESTS = (
    "administer",
    "allocate_and_plan",
    "prepare",
    "send_off",
    "read_books",
    "see_stops",
    "roll_over",
    "leave",
    "end_study",
)
AT_THE_BOARD = datetime(2026, 3, 2, 14, 40, tzinfo=UTC)
FIRST_RUN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
# Around the moments at which one world's bag is ready and the other's is not.
MEANWHILE = tuple(FIRST_RUN + timedelta(minutes=n) for n in (1, 2, 3, 4, 5, 6, 8, 12))
WITH_THE_RUN = datetime(2026, 3, 2, 15, 46, tzinfo=UTC)
AT_THE_DOOR = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Memory:
    """What the script itself remembers at a rest; everything else is in the database."""

    at: datetime
    chance: KeyedChance
    study: LitStudy
    retired_code: str
    finished_at: datetime
    papers: frozenset[tuple[str, bytes]]
    interludes: tuple[datetime, ...]


class Journey:
    """One run of the script in one world."""

    study: LitStudy
    app: Flask

    def __init__(
        self, world: World, database_url: str, folder: Path, against: Transcript | None = None
    ) -> None:
        self.world = world
        self.clock, self.chance = Clock(), KeyedChance()
        self.transcript = Transcript(against=against)
        self._step = ["start"]
        self._url, self.folder = database_url, folder
        self._browsers: dict[str, Browser] = {}
        self.retired_code = ""
        self.first_codes: list[str] = []
        self.steps: list[str] = []
        self._papers: set[tuple[str, bytes]] = set()
        self._interludes = list(MEANWHILE)
        self.finished_at = FIRST_RUN
        self.planted: Counter[str] = Counter()

    def begin(self) -> None:
        """Keys, holders and the world's list; then the app starts."""
        self.study = open_study(
            self._url, self.clock, self.chance, arms=self.world.arms, rules=self.world.rules
        )
        self._start_app()

    def remember(self) -> Memory:
        """For another run of the same world, on a copy of this database as it is now."""
        return Memory(
            self.clock.at,
            deepcopy(self.chance),
            replace(self.study, passphrases=dict(self.study.passphrases)),
            self.retired_code,
            self.finished_at,
            frozenset(self._papers),
            tuple(self._interludes),
        )

    def go_on_from(self, memory: Memory) -> None:
        """Begin at the rest at which another run of the same world was."""
        self.clock.at, self.chance = memory.at, deepcopy(memory.chance)
        self.retired_code, self.finished_at = memory.retired_code, memory.finished_at
        self._papers, self._interludes = set(memory.papers), list(memory.interludes)
        engine = make_engine(self._url)
        trial = replace(
            memory.study.trial,
            engine=engine,
            units=Units(engine, self.clock),
            clock=self.clock,
            chance=self.chance,
        )
        words = dict(memory.study.passphrases)
        self.study = replace(memory.study, trial=trial, passphrases=words, rooms={})
        self._start_app()

    def _start_app(self) -> None:
        self.app = build_app(self._url, self.folder, self.clock, self.chance)
        self._drawn = lambda _app, template, **_: self.transcript.drawn.add(template.name)
        template_rendered.connect(self._drawn, self.app)

    def close(self) -> None:
        """Give back the world's connections."""
        if "study" in self.__dict__:
            self.study.trial.engine.dispose()
        if "app" in self.__dict__:
            self.app.extensions["twinbag"].units.close()

    def take(self, step: str) -> None:
        """One step of the script, and the database after it."""
        self._step[0] = step
        self.steps.append(step)
        with logged(self.transcript, self._step):
            getattr(self, step)()
        self.look_at_the_database()
        self.read_the_mail()

    def browser(self, who: str) -> Browser:
        """A person's browser, signed in when it is first asked for."""
        if who not in self._browsers:
            found = Browser(self.app, self.transcript, who, self._step)
            found.open("/sign-in")
            name = "admin.test" if who == "administrator" else f"{who}.test"
            found.fill("/sign-in", user_name=name, password=PASSWORD)
            self._browsers[who] = found
        return self._browsers[who]

    def guest(self) -> Browser:
        """Somebody who has not signed in."""
        return Browser(self.app, self.transcript, "guest", self._step)

    def jump(self, moment: datetime) -> None:
        """Set the clock to a moment of the script; everybody has been signed out by then."""
        self._meanwhile(until=moment)
        self.clock.at = moment
        self._browsers.clear()

    def pass_time(self, minutes: float) -> None:
        """Let lit-room work take its time; what blinded people do meanwhile keeps its moments."""
        done_at = self.clock.at + timedelta(minutes=minutes)
        self._meanwhile(until=done_at)
        self.clock.at = done_at

    def _meanwhile(self, until: datetime) -> None:
        """Blinded people work at fixed moments, whatever the bench is at.

        Entries that the bench writes would stand between theirs by number, and tell when; so
        would a backup that was taken then.
        """
        while self._interludes and self._interludes[0] <= until:
            self.clock.at = self._interludes.pop(0)
            before, self._step[0] = self._step[0], f"meanwhile at {self.clock.at:%H:%M}"
            coordinator = self.passing("coordinator")
            page = self.participant(coordinator, CODES[-1])
            coordinator.open(f"{page}/weight")
            coordinator.fill(
                "/weight", weight_kg="88.8", measured_by="CL", measured_on="2026-03-02"
            )
            coordinator.open(self.path("trail"))
            phone.too_early(self, self.passing("nurse"))
            self.look_at_the_database(meanwhile=True)
            self._step[0] = before

    def passing(self, who: str) -> Browser:
        """Somebody who signs in at another browser, for a moment."""
        found = Browser(self.app, self.transcript, who, self._step)
        found.open("/sign-in")
        found.fill("/sign-in", user_name=f"{who}.test", password=PASSWORD)
        return found

    def path(self, rest: str) -> str:
        """A page of the study."""
        return f"/study/{self.study.study_id}/{rest}"

    def administer(self) -> None:
        """Accounts, roles, studies and the installation's trail, with what is refused."""
        desk.administer(self)
        second_factor.administer(self)

    def enrol(self) -> None:
        """The coordinator registers and weighs; pounds, commas and futures are refused."""
        desk.enrol(self)

    def order(self) -> None:
        """The investigator signs eligibility and orders; a wrong password signs nothing."""
        desk.order(self)

    def participant(self, browser: Browser, code: str) -> str:
        """Find a participant's page in the list."""
        browser.open(self.path("participants"))
        return browser.find(rf"/study/[0-9a-f]+/participants/[0-9a-f]{{32}}(?=\"[^>]*>\s*{code})")

    def allocate_and_plan(self) -> None:
        """The pharmacist opens the room, serves the requests and plans the two courses."""
        self.jump(AT_THE_BOARD)
        bench_work.allocate_and_plan(self)
        code_break.get_ready(self)
        break_cards.make(self)

    def prepare(self) -> None:
        """The first day's bags are prepared, checked, printed and covered; one is relabelled."""
        self.first_codes = [self.study.trial.code(self.bag(code)) for code in PREPARED]
        self.jump(FIRST_RUN)
        for slot, code in enumerate(PREPARED):
            bench_work.prepare(self, code, self.world.life(slot))
        bench_work.replace_labels(self, PREPARED[1])
        self.jump(WITH_THE_RUN)

    def send_off(self) -> None:
        """Both bags leave with the run, and a later day is moved."""
        for code in PREPARED:
            bench_work.release(self, code)
        bench_work.move_second_day(self, PREPARED[1])
        self.show_papers()

    def read_books(self) -> None:
        """Participants and the blinded trail as monitor, coordinator and investigator."""
        self.jump(AT_THE_DOOR)
        for who in ("monitor", "coordinator", "investigator"):
            reader = self.browser(who)
            reader.open("/")
            for code in CODES:
                reader.open(self.participant(reader, code))
            reader.open(self.path("trail"))
            reader.open(self.path("trail") + "?text=bag")
            reader.open(self.path("trail.csv"))
            reader.open("/account")

    def receive(self) -> None:
        """Bags are packed, sent and received at the door."""
        phone.send(self)
        phone.receive(self)
        self.show_papers()

    def infuse(self) -> None:
        """A bag from the scan to its signed end."""
        phone.infuse(self)

    def stop(self) -> None:
        """Every scan that must stop, one after the other."""
        phone.stop(self)

    def see_stops(self) -> None:
        """The pharmacy and the coordinator see every Stop."""
        for who in ("coordinator", "pharmacist"):
            self.browser(who).open(self.path("stops"))
        self.browser("pharmacist").fill("/seen")
        self.browser("pharmacist").open(self.path("deliveries"))

    def break_code(self) -> None:
        """An emergency of somebody whose bags nobody has prepared yet; a recall and a report."""
        break_cards.count(self)
        code_break.break_code(self)
        safety.tell(self)

    def roll_over(self) -> None:
        """Assessments are signed, and everybody gets the same: a day of two bags, open label."""
        open_label.roll_over(self)

    def report(self) -> None:
        """A passphrase is forgotten, and people who may have been unblinded say so."""
        passphrases.forget(self)
        closing.report(self)

    def end_study(self) -> None:
        """The study is locked, unblinded and closed."""
        closing.end_study(self)

    def leave(self) -> None:
        """Everybody goes home, after a study with strata was worked in and a live one prepared."""
        voiding.correct(self)
        departures.depart(self)
        strata.work(self)
        going_live.work(self)
        for who, browser in sorted(self._browsers.items()):
            if who in ("pharmacist", "checker"):
                continue
            browser.open("/account")
            browser.fill("/sign-out")
        second_factor.come_without_a_code(self)
        guest = self.guest()
        for path in sorted(self.transcript.static):
            guest.open(path)

    def course(self, code: str) -> str:
        """The course of a prepared participant."""
        return bench_work.course_of(self, code)

    def bag(self, code: str) -> str:
        """The first day's bag of a prepared participant."""
        return self.study.trial.bags(self.course(code))[0].id

    def paper(self, name: str, content: bytes) -> None:
        """A printed piece; it leaves the room with its bag, and a remake's is the very same."""
        self._papers.add((name, content))

    def show_papers(self) -> None:
        """Everything that was printed since, once the bags are on their way."""
        for name, content in sorted(self._papers):
            self.transcript.add(self._step[0], name, repr(content))
        self._papers.clear()

    def read_the_mail(self) -> None:
        """What the postman carries out of the house: every letter that is due."""

        def taken(letter: Letter) -> int:
            message = message_of(letter, ("sponsor@example.org",), "trial.example.org")
            self.transcript.add(self._step[0], "mail", message.as_string())
            return 0

        send_due(self.study.trial.units, taken)

    def look_at_the_database(self, *, meanwhile: bool = False) -> None:
        """What a thief with this moment's backup reads."""
        for table, rows in dump(self.study.trial.engine, meanwhile=meanwhile):
            self.transcript.add(f"{self._step[0]}, at rest", table, rows)
