"""One Chromium per test process; windows that are closed with their test and listened to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.journeys.practice import Made, Practice, copied, make
from tests.journeys.serving import serving
from tests.journeys.visitor import Windows, launch
from tests.support.fake_camera import Camera


@pytest.fixture(scope="session")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Camera:
    """The camera of every phone: it films what a test lays before it."""
    return Camera(tmp_path_factory.mktemp("camera") / "film.y4m")


@pytest.fixture(scope="session")
def chromium(camera: Camera) -> Iterator[Browser]:
    """The browser, started once."""
    with sync_playwright() as playwright:
        browser = launch(playwright, camera.flags)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, camera: Camera) -> Iterator[Windows]:
    """Open a window on an address. At the end none of them may have met a fault."""
    windows = Windows(chromium, camera)
    yield windows
    windows.close()
    assert windows.faults() == []


@pytest.fixture(scope="session")
def made_practice(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The practice study, made once per test process."""
    return make(sqlite_template, tmp_path_factory.mktemp("practice"))


@pytest.fixture
def practice(made_practice: Made, tmp_path: Path, visit: Windows) -> Iterator[Practice]:
    """A served copy of it."""
    app = copied(made_practice, tmp_path)
    with serving(app) as address:
        yield Practice(app, address, made_practice.lines, visit)
        visit.close()
