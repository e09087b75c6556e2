"""The practice study of `make demo` behind a socket, made once and copied for each test.

Clock and chance are fixed, so that the same people, participants and codes stand on its pages
at every run.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from playwright.sync_api import ViewportSize

from pharmacy import demo
from pharmacy.app import create_app
from pharmacy.demo.cast import ADMINISTRATOR, HOLDERS, PASSWORD, PLAYERS
from pharmacy.domain.bag_code import parse_code
from pharmacy.persistence import bags, people
from pharmacy.services import bag_labels, membership, printing
from pharmacy.services.act import Act
from pharmacy.web.house import House
from tests.journeys.serving import ServedChance
from tests.journeys.visitor import DESK, Visitor, Windows
from tests.support.world import MORNING, Clock, make_config, make_surroundings

NOW = MORNING + timedelta(minutes=3)
USER_NAMES = {player.key: player.user_name for player in (ADMINISTRATOR, *PLAYERS)}


@dataclass(frozen=True)
class Made:
    """The practice study's database file and the lines that its making printed."""

    database: Path
    lines: tuple[str, ...]


@dataclass
class Practice:
    """A copy of the practice study, served; `app` is the one behind `address`."""

    app: Flask
    address: str
    lines: tuple[str, ...]
    visit: Windows

    def window(
        self, who: str, size: ViewportSize = DESK, scale: float = 1, camera: bool = False
    ) -> Visitor:
        """Somebody who signed in as the terminal said, with the browser's clock standing still."""
        page = self.visit(self.address, size, scale, camera)
        page.context.clock.set_fixed_time(NOW)
        page.sign_in(USER_NAMES[who], PASSWORD)
        return page

    def opens_the_room(self, page: Visitor, who: str) -> None:
        """The passphrase that the terminal said, at the open-the-room page."""
        assert who in HOLDERS
        page.type(Passphrase=self.said(USER_NAMES[who]))
        page.press("Open the room")

    def cover_label(self, participant: str) -> bytes:
        """The cover label as PDF of the participant's bag whose code the terminal said."""
        house: House = self.app.extensions["twinbag"]
        code = parse_code(self.said(participant, "bag"), typed=True)
        with house.units.reading() as uow:
            row = bags.code(uow.session, code.body)
            person = people.by_user_name(uow.session, USER_NAMES["pharmacist"])
            assert row is not None
            assert person is not None
            bag = bags.bag(uow.session, row.bag_id)
            study, roles = membership.in_study(uow, person, bag.study_id)
            acting = Act(uow, house.surroundings, person, study, roles)
            return printing.to_pdf(bag_labels.cover_label(acting, row.bag_id, "TL/RO"))

    def wait(self, **parts: float) -> None:
        """Let the app's clock go on by a timedelta's parts."""
        house: House = self.app.extensions["twinbag"]
        clock = house.surroundings.now
        assert isinstance(clock, Clock)
        clock.move(**parts)

    def said(self, *beginning: str) -> str:
        """What was printed in the line that begins with these words, after them."""
        found = [line.split() for line in self.lines]
        (line,) = [line for line in found if tuple(line[: len(beginning)]) == beginning]
        return " ".join(line[len(beginning) :])


def make(template: Path, folder: Path) -> Made:
    """Make the practice study in `folder` from a migrated database."""
    database = folder / "demo.db"
    shutil.copyfile(template, database)
    app = _app(database, "practice")
    return Made(database, tuple(demo.seed(app)))


def copied(made: Made, folder: Path) -> Flask:
    """An app on a copy of the practice study."""
    for part in made.database.parent.glob(f"{made.database.name}*"):
        shutil.copyfile(part, folder / part.name)
    return _app(folder / made.database.name, "practised on")


def _app(database: Path, seed: str) -> Flask:
    config = make_config(f"sqlite:///{database}", database.parent, demo=True)
    return create_app(config, make_surroundings(Clock(NOW), ServedChance(seed)))
