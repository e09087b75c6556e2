"""One Chromium per test process; windows that are closed with their test and listened to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.journeys.practice import Made, Practice, copied, make
from tests.journeys.serving import serving
from tests.journeys.visitor import DESK, Visitor, launch

Open = Callable[..., Visitor]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser, started once."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser) -> Iterator[Open]:
    """Open a window on an address. At the end none of them may have met a fault."""
    opened: list[Visitor] = []

    def open_window(address: str, size: ViewportSize = DESK, scale: float = 1) -> Visitor:
        opened.append(Visitor(chromium, address, size, scale))
        return opened[-1]

    yield open_window
    for visitor in opened:
        visitor.close()
    assert [fault for visitor in opened for fault in visitor.faults] == []


@pytest.fixture(scope="session")
def made_practice(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The practice study, made once per test process."""
    return make(sqlite_template, tmp_path_factory.mktemp("practice"))


@pytest.fixture
def practice(made_practice: Made, tmp_path: Path, visit: Open) -> Iterator[Practice]:
    """A served copy of it."""
    app = copied(made_practice, tmp_path)
    with serving(app) as address:
        yield Practice(app, address, made_practice.lines, visit)
