"""Every main page in a real browser at 320, 390 and 1280 px: axe's rules, no sideways scrolling,
and targets that a gloved finger meets; and the guide's pictures, taken where the walk stops.

Each picture is taken at every run, into the run's own folder. It is copied to `docs/images` only
when TWINBAG_UPDATE_IMAGES=1, and there only where pixels changed; otherwise nothing of the
checkout is written. Pixels are not compared without it, since fonts are drawn a little
differently from one machine to the next: what is asserted is that the picture in the guide
exists, has the size it is taken at, and carries the heading that its page has today.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser

from pharmacy.app import set_up_path
from tests.journeys import walks
from tests.journeys.first_morning import NewHouse, first_morning
from tests.journeys.going_live_steps import LiveHouse, going_live
from tests.journeys.inspection import findings
from tests.journeys.pictures import FOLDER, PICTURES, Shelf
from tests.journeys.practice import Practice
from tests.journeys.serving import ServedChance, serving
from tests.journeys.two_sites import TwoSites, two_sites
from tests.journeys.visitor import Visitor, Windows
from tests.journeys.walks import Stops
from tests.support.browser import open_house
from tests.support.builders import make_trial
from tests.support.live_study import unprepared
from tests.support.strata_builders import open_two_sites, own_rules
from tests.support.world import Clock, build_app

__all__ = ["own_rules"]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    folder = tmp_path / "pictures"
    folder.mkdir()
    return Shelf(folder, keep=os.environ.get("TWINBAG_UPDATE_IMAGES") == "1")


@pytest.fixture
def new_house(
    new_sqlite_url: Callable[[], str], tmp_path: Path, visit: Windows
) -> Iterator[NewHouse]:
    """A study without keys, and beside it an installation that nobody has set up."""
    url = new_sqlite_url()
    trial = make_trial(url, Clock(), ServedChance("first morning"))
    empty = build_app(new_sqlite_url(), tmp_path, Clock(), ServedChance("empty house"))
    link = set_up_path(empty)
    assert link is not None
    with serving(open_house(trial, url, tmp_path)) as address, serving(empty) as beside:
        yield NewHouse(trial, address, beside, link, visit)
        visit.close()
    trial.engine.dispose()


def looked_at(walk: Stops, take: Callable[[str, Visitor], list[str]]) -> dict[str, list[str]]:
    """What is wrong where, after the whole walk; `take` takes the pictures on the way."""
    found: dict[str, list[str]] = {}
    for name, visitor in walk:
        own_size = visitor.page.viewport_size
        wrong = [one for one in (*take(name, visitor), *findings(visitor.page)) if one]
        visitor.page.set_viewport_size(own_size)
        if wrong:
            found[name] = wrong
    return found


@pytest.mark.parametrize("walk", walks.WALKS, ids=lambda walk: walk.__name__)
def test_every_page_of_the_practice_study(
    practice: Practice, shelf: Shelf, walk: Callable[[Practice], Stops]
) -> None:
    def take(name: str, visitor: Visitor) -> list[str]:
        if name == "go":
            return [shelf.take_beside(visitor, practice.cover_label("M-008"))]
        return [shelf.take(name, visitor)] if name in PICTURES else []

    assert looked_at(walk(practice), take) == {}


def test_every_page_of_the_first_morning(new_house: NewHouse, shelf: Shelf) -> None:
    def take(name: str, visitor: Visitor) -> list[str]:
        return [shelf.take(name, visitor)] if name in PICTURES else []

    assert looked_at(first_morning(new_house), take) == {}


def test_every_page_on_the_way_to_live(
    new_sqlite_url: Callable[[], str], tmp_path: Path, visit: Windows, shelf: Shelf
) -> None:
    """E21: the gates stand on one page, and a live study is made when all of them are open."""

    def take(name: str, visitor: Visitor) -> list[str]:
        return [shelf.take(name, visitor)] if name in PICTURES else []

    url = new_sqlite_url()
    both = unprepared(url, ServedChance("going live"))
    app = open_house(both.live.trial, url, tmp_path)
    with serving(app) as address:
        house = LiveHouse(both, app.extensions["twinbag"], address, visit)
        found = looked_at(going_live(house), take)
        visit.close()
    both.live.trial.engine.dispose()
    assert found == {}


@pytest.mark.usefixtures("own_rules")
def test_every_page_of_two_sites(
    new_sqlite_url: Callable[[], str], tmp_path: Path, visit: Windows
) -> None:
    url = new_sqlite_url()
    study = open_two_sites(url, clock=Clock(), chance=ServedChance("two sites"))
    with serving(open_house(study.trial, url, tmp_path)) as address:
        found = looked_at(two_sites(TwoSites(study, address, visit)), lambda *_: [])
        visit.close()
    study.trial.engine.dispose()
    assert found == {}


PLANTS = {
    "image-alt": "<img src='/static/icons/favicon.svg'>",
    "scrolls sideways by": "<pre>" + "wide " * 100 + "</pre>",
    "is 30": "<button class='planted'>x</button>",
    "color-contrast": "<p class='tag'><span class='planted-faint'>faint</span></p>",
}
_SHEET = """button.planted { width: 30px; height: 30px; padding: 0; border: 0; }
.planted-faint { color: #ccc; }"""


@pytest.mark.parametrize("fault", PLANTS)
def test_a_planted_fault_is_found(chromium: Browser, practice: Practice, fault: str) -> None:
    """The three looks can fail, each at a page that has no other fault."""
    page = Visitor(chromium, practice.address).page
    page.goto("/sign-in")
    page.evaluate(
        """([html, css]) => {
          document.querySelector('main').insertAdjacentHTML('beforeend', html);
          const sheet = new CSSStyleSheet();
          sheet.replaceSync(css);
          document.adoptedStyleSheets.push(sheet);
        }""",
        [PLANTS[fault], _SHEET],
    )
    found = findings(page, widths=(320,))
    page.context.close()
    assert any(fault in one for one in found), found


def test_a_picture_of_another_page_is_found(practice: Practice, tmp_path: Path) -> None:
    """A picture whose heading or size is no longer that of its page, and one that is missing."""
    (page,) = [visitor for _, visitor in walks.visitor(practice)]
    shelf = Shelf(tmp_path, keep=False)
    with Image.open(FOLDER / "today.png") as before:
        same = before.convert("RGB")
    assert shelf.put("today", same, "Today") == ""
    assert "shows 'Today', not 'Sign in'" in shelf.put("today", same, page.heading)
    assert "is (780, 1688), not (10, 10)" in shelf.put("today", Image.new("RGB", (10, 10)), "Today")
    assert "is missing" in shelf.put("nothing", same, "Today")
