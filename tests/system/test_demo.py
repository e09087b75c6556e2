"""The practice study of `make demo`: made whole and once, with work waiting for everybody."""

from __future__ import annotations

import re
import shutil
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from labels.codes import read_back
from pharmacy import demo
from pharmacy.app import create_app
from pharmacy.demo.cast import ADMINISTRATOR, HOLDERS, PASSWORD, PLAYERS
from pharmacy.demo.practice import ZONE
from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol import parse_protocol
from pharmacy.domain.schedule import visit_window
from pharmacy.persistence import audit, bags, courses, participants, people, studies
from pharmacy.services.printing import WATERMARK
from pharmacy.services.surroundings import Surroundings
from pharmacy.web.house import House
from tests.labels.paper import words_of
from tests.support.browser import HOST, Browser
from tests.support.browsing import words
from tests.support.cheap_derivation import CheapDeriver, CheapHasher
from tests.support.world import MORNING, Clock, KeyedChance, make_config, make_surroundings

_READ = {"text/html": lambda page: page.text, "application/pdf": lambda page: words_of(page.data)}
_VALUES = ("text/csv", "application/json")
_USER_NAMES = {player.key: player.user_name for player in (ADMINISTRATOR, *PLAYERS)}
# Every place where an hour, a day or a year turns, at the site.
_TURNS = (
    datetime(2026, 3, 2, 6, 2, 30, tzinfo=UTC),  # half past midnight's first minutes
    datetime(2026, 3, 2, 14, 30, tzinfo=UTC),  # exactly on a run
    datetime(2026, 3, 8, 8, 1, tzinfo=UTC),  # clocks have just gone forward
    datetime(2026, 4, 5, 14, 30, tzinfo=UTC),  # four weeks after they have
    datetime(2026, 11, 1, 6, 58, tzinfo=UTC),  # clocks are about to go back
    datetime(2027, 1, 1, 5, 59, 59, tzinfo=UTC),  # the last second of a year
)


@dataclass
class Installation:
    """A practice installation with its study, and the lines it printed."""

    app: Flask
    folder: Path
    clock: Clock
    lines: list[str]

    @property
    def house(self) -> House:
        return self.app.extensions["twinbag"]

    @property
    def study_id(self) -> str:
        with self.house.units.reading() as uow:
            study = studies.by_code(uow.session, "MIGHT", "practice")
            assert study is not None
            assert study.practice
            return study.id

    def said(self, *beginning: str) -> list[str]:
        """The printed line that begins with these words, from there on."""
        found = [line.split() for line in self.lines]
        (line,) = [line for line in found if tuple(line[: len(beginning)]) == beginning]
        return line[len(beginning) :]

    def browser(self, who: str) -> Browser:
        """Somebody who signed in as the terminal said; the lit room open where they have one."""
        user_name = _USER_NAMES[who]
        password = " ".join(next(line for line in self.lines if user_name in line).split()[-5:])
        browser = Browser(self.app)
        typed = {"user_name": user_name, "password": password}
        assert browser.send("/sign-in", typed).status_code == 303
        if who in HOLDERS:
            passphrase = " ".join(self.said(user_name))
            opened = browser.fill(f"/lit/{self.study_id}/open", passphrase=passphrase)
            assert opened.status_code == 303, words(opened.text)
        return browser


def installed(
    template: Path, folder: Path, clock: Clock, around: Surroundings | None = None
) -> Flask:
    """An empty practice installation's app."""
    database = folder / "demo.db"
    shutil.copyfile(template, database)
    database.chmod(0o600)
    config = make_config(f"sqlite:///{database}", folder, demo=True)
    return create_app(config, around or make_surroundings(clock, KeyedChance("demo")))


@pytest.fixture(scope="module")
def made(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """One practice study for all; tests leave participants where they stand."""
    folder, clock = tmp_path_factory.mktemp("demo"), Clock(MORNING + timedelta(minutes=3))
    app = installed(sqlite_template, folder, clock)
    return Installation(app, folder, clock, demo.seed(app))


def rows(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    with closing(sqlite3.connect(database)) as connection:
        tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        names = [name for (name,) in tables.fetchall()]
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for name in names}


def standings(made: Installation) -> dict[str, tuple[str, int, str, list[str]]]:
    """Per code: state, weighings, visits ordered, and the states of the planned bags."""
    found = {}
    with made.house.units.reading() as uow:
        session = uow.session
        for row in participants.of_study(session, made.study_id):
            ordered = courses.orders_of(session, row.id)
            planned = [courses.course_of_order(session, order.id) for order in ordered]
            found[row.code] = (
                row.state,
                len(participants.weights(session, row.id)),
                " ".join(sorted(order.visit for order in ordered)),
                [
                    bag.state
                    for course in planned
                    if course
                    for day in courses.days_of(session, course.id)
                    for bag in bags.bags_of_day(session, day.id)
                ],
            )
    return found


def test_one_participant_stands_at_every_step(made: Installation) -> None:
    two = ["planned", "planned"]
    assert standings(made) == {
        "M-001": ("allocated", 3, "W0 W4 W8", ["ended"] * 4),
        "M-002": ("registered", 0, "", []),
        "M-003": ("registered", 1, "", []),
        "M-004": ("eligible", 1, "", []),
        "M-005": ("allocated", 1, "W0", []),
        "M-006": ("allocated", 1, "W0", two),
        "M-007": ("allocated", 1, "W0", two),
        "M-008": ("allocated", 2, "W0 W4", ["ended", "ended", "released", "planned"]),
        "M-009": ("allocated", 3, "W0 W4 W8", ["ended"] * 4 + ["started", "planned"]),
    }
    for code in standings(made):
        assert any(line.startswith(f"  {code}  ") for line in made.lines)


def test_three_stand_at_clearly_different_points_of_might(made: Installation) -> None:
    """Weeks 0, 4 and 8, each day inside its visit's window; nobody is late."""
    shown = {code: timeline(made, code) for code in ("M-001", "M-006", "M-008", "M-009")}
    assert shown == {
        "M-001": ["Given", "Given", "Due, ordered", "Planned"],
        "M-006": ["Due, ordered", "Planned", "Planned", "Planned"],
        "M-008": ["Given", "Due, ordered", "Planned", "Planned"],
        "M-009": ["Given", "Given", "Running", "Planned"],
    }
    with made.house.units.reading() as uow:
        protocol = parse_protocol(studies.current_protocol(uow.session, made.study_id).toml_text)
        for bag, day, course in bags.bags_of_study(uow.session, made.study_id):
            request = participants.request_of(uow.session, course.participant_id)
            visit = protocol.find_visit(course.visit)
            assert bag
            assert request is not None
            assert request.served_at is not None
            assert visit is not None
            first, _, last = visit_window(request.served_at.astimezone(ZONE).date(), visit)
            assert first <= day.run_at.astimezone(ZONE).date() <= last


def timeline(made: Installation, code: str) -> list[str]:
    """What the participant's page says of the first visits."""
    browser = made.browser("monitor")
    listed = browser.get(f"/study/{made.study_id}/participants").text
    found = re.search(rf'href="([^"]+)"[^>]*>\s*{code}', listed)
    assert found is not None
    table = browser.get(found[1]).text.partition('class="timeline"')[2].partition("</table>")[0]
    rows = [words(row) for row in table.split("<tr")[2:6]]
    said = ("Due, ordered", "Given", "Running", "Planned")
    return [next(state for state in said if state in row) for row in rows]


def test_the_past_is_a_whole_one(made: Installation) -> None:
    """Every bag that ended was received at the door first; one infusion paused; a card was lost."""
    with made.house.units.reading() as uow:
        told = [entry.event for entry in audit.entries(uow.session, made.study_id, most=5000)]
    assert told.count("infusion_ended") == 10
    assert told.count("bag_received") == told.count("infusion_started") == 11
    assert (told.count("infusion_paused"), told.count("infusion_restarted")) == (1, 1)
    assert told.count("card_replaced") == 1


def test_each_lands_on_work_that_waits(made: Installation) -> None:
    board = words(made.browser("checker").get(f"/lit/{made.study_id}/board").text)
    assert re.search(r"To allocate 1 M-004", board)
    assert re.search(r"To plan 2 M-00[15] .*M-00[15] .*To prepare", board)
    assert re.search(r"To prepare 5 M-006 run 08:30", board)
    assert re.search(r"To check 1 M-007", board)
    assert re.search(r"On the way 2 .*M-008", board)
    today = words(made.browser("nurse").get(f"/study/{made.study_id}/today").text)
    assert "M-008" in today
    assert "M-009" in today


def test_the_printed_codes_lead_to_a_go_with_hours_ahead(made: Installation) -> None:
    """Nothing to prepare first: the nurse types what the terminal said."""
    scan = f"/study/{made.study_id}/scan"
    for who, code, first_word in (("nurse", "M-008", "Go."), ("second_nurse", "M-009", "Resume.")):
        browser = made.browser(who)
        bag, card = (" ".join(made.said(code, piece)) for piece in ("bag", "card"))
        answer = browser.fill(scan, code=bag, method="typed", typed_reason="smeared")
        assert answer.status_code == 303, words(answer.text)
        page = answer.location.removeprefix(HOST)
        asked = browser.get(page).text
        assert "Bag known. Now the participant." in words(asked)
        action = re.search(r'<form method="post" action="([^"]+/person)"', asked)
        assert action is not None, words(asked)
        answer = browser.fill(page, action[1], card=card, spoken_confirmed="y")
        assert first_word in words(browser.get(answer.location.removeprefix(HOST)).text)
    limit = datetime.strptime(" ".join(made.said("M-008:", "Start", "by")[:2]), "%Y-%b-%d %H:%M")
    assert limit - datetime(2026, 3, 2, 8, 33) > timedelta(hours=2)


@pytest.mark.parametrize("who", list(_USER_NAMES))
def test_every_page_and_paper_of_everybody_is_watermarked(made: Installation, who: str) -> None:
    """Everything that links lead to, from the first page on, opens and says so."""
    pages = list(linked(made.browser(who)))
    assert len(pages) >= 4
    assert [fault for path, answer in pages for fault in faults(path, answer)] == []


def test_a_page_without_the_watermark_or_that_fails_is_found(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Planted: an installation that is no practice one marks nothing."""
    around = make_surroundings(Clock(), KeyedChance())
    browser = Browser(create_app(make_config(sqlite_url, tmp_path), around))
    assert faults("/sign-in", browser.get("/sign-in")) == ["/sign-in carries no watermark"]
    assert "/nothing answers 404" in faults("/nothing", browser.get("/nothing"))


def faults(path: str, answer: TestResponse) -> list[str]:
    """What is wrong with a page or paper; a file of values has no place for a watermark."""
    found = [] if answer.status_code == 200 else [f"{path} answers {answer.status_code}"]
    if answer.mimetype in _VALUES:
        return found
    read = _READ.get(answer.mimetype)
    if read is None or WATERMARK not in read(answer):
        found.append(f"{path} carries no watermark")
    return found


def linked(browser: Browser) -> Iterator[tuple[str, TestResponse]]:
    """Every page that links lead to, as this person sees it."""
    seen, waiting = set(), ["/"]
    while waiting:
        path = waiting.pop().partition("#")[0]
        if path in seen or path.startswith("/static/"):
            continue
        seen.add(path)
        answer = browser.get(path, follow_redirects=True)
        yield path, answer
        if answer.mimetype == "text/html":
            waiting += [unescape(link) for link in re.findall(r'href="(/[^"]*)"', answer.text)]


def test_a_second_start_says_the_same_and_changes_nothing(made: Installation) -> None:
    before = rows(made.folder / "demo.db")
    assert demo.seed(made.app) == made.lines
    assert rows(made.folder / "demo.db") == before
    assert before["participant"]


def test_the_sign_ins_are_kept_for_their_owner_alone(made: Installation) -> None:
    file = made.folder / "demo-sign-ins.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text().splitlines() == made.lines
    assert str(file) in made.lines[-1]
    assert len(PASSWORD) >= 15


def test_the_list_is_nowhere_in_the_clear(made: Installation) -> None:
    """Nothing of the study is made beside its database and its sign-ins."""
    names = {path.name for path in made.folder.iterdir()}
    database = {"demo.db", "demo.db-wal", "demo.db-shm"}
    assert names <= {*database, "demo-sign-ins.txt", "demo-papers"}
    assert b"redcap_randomization_group" not in b"".join(
        path.read_bytes() for path in made.folder.rglob("*") if path.is_file()
    )


def test_the_papers_are_there_to_show_to_a_camera(made: Installation) -> None:
    """The same codes as in the terminal, readable by their owner alone, and watermarked."""
    folder = made.folder / "demo-papers"
    assert any(line.endswith(str(folder)) for line in made.lines)
    said = {
        f"{code}-{name}.pdf": "".join(made.said(code, piece))
        for code in ("M-008", "M-009")
        for name, piece in (("cover", "bag"), ("card", "card"))
    }
    papers = {path.name: path for path in folder.iterdir()}
    assert set(papers) == set(said)
    for name, paper in papers.items():
        pdf = paper.read_bytes()
        assert {found.text for found in read_back(pdf, 300)} == {said[name]}
        assert WATERMARK in words_of(pdf)
        assert stat.S_IMODE(paper.stat().st_mode) == 0o600


def test_lost_sign_ins_say_how_to_begin_afresh(made: Installation) -> None:
    file = made.folder / "demo-sign-ins.txt"
    aside = file.rename(file.with_suffix(".aside"))
    try:
        (line,) = demo.seed(made.app)
    finally:
        aside.rename(file)
    assert "make fresh-demo" in line


class CutShort(Exception):
    """The terminal was closed."""


def test_a_start_cut_short_leaves_nothing_and_the_next_one_makes_it(
    sqlite_template: Path, tmp_path: Path
) -> None:
    clock, chance = Clock(), KeyedChance("demo")

    def cut_short(purpose: str, count: int) -> bytes:
        if purpose == "lit envelope salt":
            raise CutShort
        return chance(purpose, count)

    around = Surroundings(clock, cut_short, CheapHasher(), CheapDeriver())
    app = installed(sqlite_template, tmp_path, clock, around)
    with pytest.raises(CutShort):
        demo.seed(app)
    assert {path.name for path in tmp_path.iterdir()} <= {"demo.db", "demo.db-wal", "demo.db-shm"}
    assert not rows(tmp_path / "demo.db")["person"]
    config = make_config(f"sqlite:///{tmp_path}/demo.db", tmp_path, demo=True)
    whole = create_app(config, make_surroundings(clock, KeyedChance("demo")))
    assert len(demo.seed(whole)) > 20


def test_an_installation_that_is_no_demo_is_left_alone(sqlite_url: str, tmp_path: Path) -> None:
    around = make_surroundings(Clock(), KeyedChance())
    app = create_app(make_config(sqlite_url, tmp_path), around)
    with pytest.raises(Refusal, match="make demo"):
        demo.seed(app)
    with app.extensions["twinbag"].units.reading() as uow:
        assert not people.everybody(uow.session)


@pytest.mark.deep
@pytest.mark.parametrize("now", _TURNS, ids=str)
def test_it_is_the_same_at_whatever_hour_it_is_made(
    sqlite_template: Path, tmp_path: Path, made: Installation, now: datetime
) -> None:
    app = installed(sqlite_template, tmp_path, Clock(now))
    other = Installation(app, tmp_path, Clock(now), demo.seed(app))
    assert standings(other) == standings(made)
    assert len(other.lines) == len(made.lines)
