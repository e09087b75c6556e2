"""The nurse's way at a phone, step by step: how a step is reached, and what is pressed there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Locator, Page

from pharmacy.services import infusions, scanning
from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import PHONE, Visitor
from tests.support import scans
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial
from tests.support.nurse_acts import running_bag
from tests.support.world import Clock

_SPOKEN = "The person said name and birth date, and both are on the identity sheet"


@dataclass(frozen=True)
class Step:
    """One page of the way: what leads to it, what is filled in there, the button, its entries."""

    name: str
    reach: Callable[[Trial], str]
    fill: Callable[[Trial, Page], None]
    button: str
    events: tuple[str, ...]

    def __str__(self) -> str:
        return self.name

    def the_button(self, page: Page) -> Locator:
        """The button, or the link, that leads on."""
        return page.get_by_role("button", name=self.button, exact=True).or_(
            page.get_by_role("link", name=self.button, exact=True)
        )

    def press(self, trial: Trial, page: Page) -> None:
        """Fill in and press, and wait for the page it leads to."""
        self.fill(trial, page)
        with page.expect_navigation(wait_until="domcontentloaded"):
            self.the_button(page).click()

    def can_be_pressed(self, page: Page) -> bool:
        """Whether the page before us still is this step."""
        return self.the_button(page).count() == 1


def _nothing(_trial: Trial, _page: Page) -> None:
    """A press of a button."""


def _fill_code(trial: Trial, page: Page) -> None:
    (bag_id,) = [bag.bag_id for bag in _today(trial)]
    page.locator("input[data-scan]").fill(trial.code(bag_id))


def _fill_person(trial: Trial, page: Page) -> None:
    page.get_by_label(_SPOKEN, exact=True).check()
    page.locator("input[data-scan]").fill(trial.card())


def _fill_pause(_trial: Trial, page: Page) -> None:
    page.locator("summary").get_by_text("Pause", exact=True).click()
    page.get_by_label("Volume on the pump").fill("10")
    page.get_by_label(infusions.PAUSE_REASONS["vitals"], exact=True).check()


def _fill_end(_trial: Trial, page: Page) -> None:
    page.locator("summary", has_text="End the infusion").click()
    page.get_by_label("Volume infused").fill("600")
    page.get_by_label("Your password", exact=True).fill(PASSWORD)


@dataclass(frozen=True)
class _Bag:
    bag_id: str


def _today(trial: Trial) -> list[_Bag]:
    return [_Bag(bag_id) for bag_id in trial.ids.get("bag", "").split()]


def _ready(trial: Trial) -> str:
    trial.ids["bag"] = trial.ready_bag()
    return trial.ids["bag"]


def _at_today(trial: Trial) -> str:
    _ready(trial)
    return "today"


def _at_scan(trial: Trial) -> str:
    _ready(trial)
    return "scan"


def _at_neutral(trial: Trial) -> str:
    return f"scan/{scans.scan(trial, trial.code(_ready(trial))).scan.id}"


def _at_go(trial: Trial) -> str:
    return f"scan/{scans.go(trial, _ready(trial)).scan.id}"


def _at_stop(trial: Trial) -> str:
    scanned = scans.scan(trial, trial.code(_ready(trial)))
    trial.do("nurse", scanning.deny_person, scanned.scan.id)
    return f"scan/{scanned.scan.id}"


def _at_infusion(trial: Trial) -> str:
    bag_id = running_bag(trial)
    trial.clock.move(minutes=20)
    return f"infusion/{bag_id}"


def _at_paused(trial: Trial) -> str:
    place = _at_infusion(trial)
    trial.do("nurse", infusions.pause, place.rpartition("/")[2], "10", "vitals")
    trial.clock.move(minutes=5)
    return place


STEPS: tuple[Step, ...] = (
    Step("today", _at_today, _nothing, "Scan the bag", ()),
    Step("scan", _at_scan, _fill_code, "Go on", ("bag_scanned",)),
    Step("neutral", _at_neutral, _fill_person, "Check", ("person_judged",)),
    Step("go", _at_go, _nothing, "Start the infusion", ("infusion_started",)),
    Step("infusion", _at_infusion, _fill_pause, "Record the pause", ("infusion_paused",)),
    Step("paused", _at_paused, _nothing, "Restart the infusion", ("infusion_restarted",)),
    Step("end", _at_infusion, _fill_end, "End and sign", ("infusion_ended",)),
    Step("stop", _at_stop, _nothing, "I have set it aside", ("bag_set_aside",)),
)


@dataclass
class Phone:
    """A nurse's phone, a trial, and the events there were when she arrived at her step."""

    trial: Trial
    nurse: Visitor
    path: str
    _before: int = 0

    @property
    def page(self) -> Page:
        """The first tab."""
        return self.nurse.page

    def tab(self) -> Page:
        """Another tab on the same page."""
        page = self.nurse.context.new_page()
        page.goto(self.path, wait_until="domcontentloaded")
        return page

    def written(self) -> list[str]:
        """The entries in the study's trail since she arrived, oldest first."""
        found = [entry.event for entry in reversed(self.trial.events())]
        return found[self._before :]

    def mark(self) -> None:
        """From here on entries are counted."""
        self._before = len(self.trial.events())


@contextmanager
def phone_at(
    step: Step, chromium: Chromium, url: str, folder: Path, who: str = "nurse"
) -> Iterator[Phone]:
    """A phone of somebody who came from Today to this step."""
    trial = make_trial(url, Clock(), ServedChance(f"at {step}"))
    place = f"/study/{trial.study_id}/{step.reach(trial)}"
    with serving(blinded_app(trial, url, folder)) as address:
        nurse = Visitor(chromium, address, PHONE)
        nurse.sign_in(f"{who}.test", PASSWORD)
        nurse.open(f"/study/{trial.study_id}/today")
        if not place.endswith("/today"):
            nurse.open(place)
        phone = Phone(trial, nurse, place)
        phone.mark()
        yield phone
        nurse.close()
    trial.units.close()
