"""What the journeys listen for is heard: each fault planted into a page of the app."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Route

from tests.journeys.serving import ServedChance, serving
from tests.journeys.visitor import Visitor
from tests.support.world import Clock, build_app


@pytest.fixture
def address(sqlite_url: str, tmp_path: Path) -> Iterator[str]:
    with serving(build_app(sqlite_url, tmp_path, Clock(), ServedChance("faults"))) as found:
        yield found


PLANTS = {
    "policy: script-src": "<script>document.title = 'x'</script>",
    "policy: style-src": '<p style="color:red">x</p>',
    "policy: img-src": '<img src="https://elsewhere.example/x.png" alt="">',
    "404 for GET": '<img src="/static/nothing.png" alt="">',
    "uncaught": '<script type="module" src="/static/js/planted.js"></script>',
}


def faults_of(chromium: Browser, address: str, plant: str) -> list[str]:
    """What a visitor hears on the sign-in page with this at its end."""
    visitor = Visitor(chromium, address)

    def changed(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</main>", f"{plant}</main>"))

    def broken(route: Route) -> None:
        route.fulfill(content_type="text/javascript", body="throw new Error('planted');")

    visitor.context.route("**/sign-in", changed)
    visitor.context.route("**/planted.js", broken)
    visitor.page.goto("/sign-in", wait_until="networkidle")
    visitor.close()
    return visitor.faults


@pytest.mark.parametrize("fault", PLANTS)
def test_a_planted_fault_is_heard(chromium: Browser, address: str, fault: str) -> None:
    """G11."""
    heard = faults_of(chromium, address, PLANTS[fault])
    assert any(fault in one for one in heard), heard


def test_a_page_as_it_is_has_none(chromium: Browser, address: str) -> None:
    assert faults_of(chromium, address, "") == []
