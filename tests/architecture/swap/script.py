"""The script: one study from its first administrator to a used bag, the same in every world.

Blinded people do and see the same. In the lit room the same stages happen, each in the way the
world's arms make it happen. After every stretch of lit-room work the clock is set to the next
moment of the script, so that the blinded side's own clock never depends on an arm.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from flask import Flask

from pharmacy.domain.bag_code import Piece
from pharmacy.persistence.engine import make_engine
from tests.architecture.swap import bench_work
from tests.architecture.swap.browser import Browser
from tests.architecture.swap.surfaces import Transcript, dump, logged
from tests.architecture.swap.worlds import World
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import Clock, KeyedChance, build_app

CODES = ("M-002", "M-003", "M-005", "M-008")
PREPARED = CODES[:2]
FIRST_RUN = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
# Around the moments at which one world's bag is ready and the other's is not.
MEANWHILE = tuple(FIRST_RUN + timedelta(minutes=n) for n in (1, 2, 3, 4, 5, 6, 8, 12))
WITH_THE_RUN = datetime(2026, 3, 2, 15, 46, tzinfo=UTC)
AT_THE_DOOR = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
AFTERNOON = datetime(2026, 3, 2, 18, 30, tzinfo=UTC)


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
        self._url, self._folder = database_url, folder
        self._browsers: dict[str, Browser] = {}
        self.retired_code = ""
        self.steps = 0
        self._papers: set[tuple[str, bytes]] = set()
        self._interludes = list(MEANWHILE)
        self.finished_at = FIRST_RUN

    def begin(self) -> None:
        """Keys, holders and the world's list; then the app starts."""
        self.study = open_study(
            self._url, self.clock, self.chance, arms=self.world.arms, rules=self.world.rules
        )
        self.app = build_app(self._url, self._folder, self.clock, self.chance)

    def close(self) -> None:
        """Give back the world's connections."""
        if "study" in self.__dict__:
            self.study.trial.engine.dispose()
        if "app" in self.__dict__:
            self.app.extensions["twinbag"].units.close()

    def run(self) -> None:
        """The whole script; everything that was seen is in the transcript."""
        with logged(self.transcript, self._step):
            for step in (
                self.administer,
                self.enrol,
                self.order,
                self.allocate_and_plan,
                self.prepare,
                self.read_books,
                self.infuse,
                self.stop,
                self.see_stops,
                self.leave,
            ):
                self._step[0] = step.__name__
                self.steps += 1
                step()
        self.look_at_the_database()
        self.transcript.ends()

    def browser(self, who: str) -> Browser:
        """A person's browser, signed in when it is first asked for."""
        if who not in self._browsers:
            found = Browser(self.app, self.transcript, who, self._step)
            found.open("/sign-in")
            name = "admin.test" if who == "administrator" else f"{who}.test"
            found.fill("/sign-in", user_name=name, password=PASSWORD)
            self._browsers[who] = found
        return self._browsers[who]

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
        """A coordinator writes and reads the trail at fixed moments, whatever the bench is at.

        Entries that the bench writes would stand between these by number, and tell when.
        """
        while self._interludes and self._interludes[0] <= until:
            self.clock.at = self._interludes.pop(0)
            before, self._step[0] = self._step[0], f"meanwhile at {self.clock.at:%H:%M}"
            coordinator = Browser(self.app, self.transcript, "coordinator", self._step)
            coordinator.open("/sign-in")
            coordinator.fill("/sign-in", user_name="coordinator.test", password=PASSWORD)
            page = self.participant(coordinator, CODES[-1])
            coordinator.open(f"{page}/weight")
            coordinator.fill(
                "/weight", weight_kg="88.8", measured_by="CL", measured_on="2026-03-02"
            )
            coordinator.open(self.path("trail"))
            self._step[0] = before

    def path(self, rest: str) -> str:
        """A page of the study."""
        return f"/study/{self.study.study_id}/{rest}"

    def administer(self) -> None:
        """Accounts, roles, studies and the installation's trail, with what is refused."""
        guest = Browser(self.app, self.transcript, "guest", self._step)
        guest.open("/")
        guest.open("/health")
        guest.open("/static/css/tokens.css")
        guest.open("/set-up/nobody", expect=409)
        guest.post_raw("/set-up/nobody", expect=409)
        guest.open("/sign-in")
        guest.fill("/sign-in", user_name="admin.test", password="not the password", expect=400)
        admin = self.browser("administrator")
        for page in ("/", "/account", "/people", "/studies", "/trail", self.path("")[:-1]):
            admin.open(page)
        admin.open("/people/add")
        admin.fill("/people/add", user_name="X", full_name="", initials="1", expect=400)
        admin.open("/people/add")
        admin.fill(
            "/people/add", user_name="val.test", full_name="Val Ito", initials="VI"
        )
        self._new_account(admin, guest)
        admin.open("/studies/make")
        admin.fill("/studies/make", mode="live", expect=400)

    def _new_account(self, admin: Browser, guest: Browser) -> None:
        """The one-time link is used by its person, roles are given, and the person leaves."""
        link = admin.find(r"/password/[0-9a-f]{48}")
        guest.open(link)
        guest.fill(link, new_password="short", expect=400)
        guest.open(link)
        guest.fill(link, new_password="meadow lantern copper arch")
        admin.open("/people")
        person = admin.find(r"/people/[0-9a-f]{32}(?=\"[^>]*>\s*Val Ito)")
        admin.open(f"{person}/roles/{self.study.study_id}")
        admin.fill(f"/roles/{self.study.study_id}", roles="nurse")
        admin.open(person)
        admin.fill("/link")
        admin.open(f"{person}/leave")
        admin.fill("/leave", reason="Duties changed")

    def enrol(self) -> None:
        """The coordinator registers and weighs; pounds, commas and futures are refused."""
        coordinator = self.browser("coordinator")
        coordinator.open(self.path("participants"))
        for at, code in enumerate(CODES):
            coordinator.open(self.path("participants/new"))
            coordinator.fill("/new", code=code, consented_on="2026-02-27")
            page = coordinator.at
            coordinator.open(f"{page}/weight")
            for typed in ("154 lb", "70,5", "-3", "400"):
                coordinator.fill("/weight", weight_kg=typed, measured_by="CL", expect=400)
            weight = ("59.6", "63.4", "70.0", "88.8")[at]
            coordinator.fill(
                "/weight", weight_kg=weight, measured_by="CL", measured_on="2026-03-01"
            )
        coordinator.open(f"{page}/card.pdf")
        coordinator.open(f"{page}/replace-card")
        coordinator.fill("/replace-card")
        coordinator.open(self.path("participants/new"))
        coordinator.fill("/new", code="no names", consented_on="2026-02-27", expect=400)

    def order(self) -> None:
        """The investigator signs eligibility and orders; a wrong password signs nothing."""
        investigator = self.browser("investigator")
        for code in CODES:
            page = self.participant(investigator, code)
            investigator.open(f"{page}/eligibility")
            investigator.fill("/eligibility", password="not the password", expect=403)
            self.clock.move(seconds=30)
            investigator.fill("/eligibility", password=PASSWORD)
        for code in PREPARED:
            page = self.participant(investigator, code)
            investigator.open(f"{page}/order")
            order = {"first_day": "2026-03-02", "password": PASSWORD}
            investigator.fill("/order", visit="W99", expect=400, **order)
            investigator.fill("/order", visit="W0", **order)

    def participant(self, browser: Browser, code: str) -> str:
        """Find a participant's page in the list."""
        browser.open(self.path("participants"))
        return browser.find(rf"/study/[0-9a-f]+/participants/[0-9a-f]{{32}}(?=\"[^>]*>\s*{code})")

    def allocate_and_plan(self) -> None:
        """The pharmacist opens the room, serves the requests and plans the two courses."""
        bench_work.allocate_and_plan(self)

    def prepare(self) -> None:
        """The first day's bags are prepared, checked, printed, covered and released."""
        self.jump(FIRST_RUN)
        for slot, code in enumerate(PREPARED):
            bench_work.prepare(self, code, self.world.life(slot))
        bench_work.replace_labels(self, PREPARED[1])
        self.jump(WITH_THE_RUN)
        for code in PREPARED:
            bench_work.release(self, code)
        bench_work.move_second_day(self, PREPARED[1])
        self.show_papers()
        self.jump(AT_THE_DOOR)

    def read_books(self) -> None:
        """Participants and the blinded trail as monitor, coordinator and investigator."""
        for who in ("monitor", "coordinator", "investigator"):
            reader = self.browser(who)
            reader.open("/")
            for code in CODES:
                reader.open(self.participant(reader, code))
            reader.open(self.path("trail"))
            reader.open(self.path("trail") + "?text=bag")
            reader.open(self.path("trail.csv"))
            reader.open("/account")

    def infuse(self) -> None:
        """A bag from the scan to its signed end, resumed once on the way."""
        nurse, bag = self.browser("nurse"), self.bag(PREPARED[0])
        nurse.open(self.path("today"))
        self.scan(nurse, self.study.trial.code(bag))
        nurse.fill("/person", card=self.study.trial.card(PREPARED[0]), spoken_confirmed="y")
        nurse.fill("/start")
        infusion = nurse.at
        self.scan(nurse, self.study.trial.code(bag))
        nurse.fill("/person", card=self.study.trial.card(PREPARED[0]), spoken_confirmed="y")
        nurse.open(infusion)
        nurse.fill(infusion, infused_ml="9000", password=PASSWORD, expect=400)
        nurse.fill(infusion, infused_ml="600", password=PASSWORD)

    def scan(self, nurse: Browser, code: str, typed: bool = False) -> None:
        """Scan or type a code at the scan page."""
        nurse.open(self.path("scan"))
        how = {"method": "typed", "typed_reason": "smeared"} if typed else {"method": "scanner"}
        nurse.fill("/scan", code=code, at=1 if typed else 0, **how)

    def stop(self) -> None:
        """Every scan that must stop, one after the other."""
        nurse, trial = self.browser("nurse"), self.study.trial
        used, other = self.bag(PREPARED[0]), self.bag(PREPARED[1])
        later = trial.bags(self.course(PREPARED[0]))[1].id
        codes = [
            ("T1000G40R40M30E20911", False),
            ("T1000G40R40M30E20910", True),
            (trial.card(PREPARED[0]), False),
            (trial.code(used), False),
            (trial.code(other, Piece.INNER_CONTAINER), True),
            (trial.code(later), False),
            (self.retired_code, False),
        ]
        for code, typed in codes:
            self.scan(nurse, code, typed)
            nurse.fill("/aside")
        for finish in ("wrong card", "not as spoken"):
            self.scan(nurse, trial.code(other))
            if finish == "wrong card":
                nurse.fill("/person", card=trial.card(PREPARED[0]), spoken_confirmed="y")
            else:
                nurse.fill("/differs")
            nurse.fill("/aside")

    def see_stops(self) -> None:
        """The pharmacy and the coordinator see every Stop."""
        for who in ("coordinator", "pharmacist"):
            self.browser(who).open(self.path("stops"))
        self.browser("pharmacist").fill("/seen")

    def leave(self) -> None:
        """Everybody goes home."""
        for who, browser in sorted(self._browsers.items()):
            if who in ("pharmacist", "checker"):
                continue
            browser.open("/account")
            browser.fill("/sign-out")

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
        """Everything that was printed, once the bags are on their way."""
        for name, content in sorted(self._papers):
            self.transcript.add(self._step[0], name, repr(content))

    def look_at_the_database(self) -> None:
        """What a thief with last night's backup reads."""
        engine = make_engine(self._url)
        for table, rows in dump(engine):
            self.transcript.add("database", table, rows)
        engine.dispose()
