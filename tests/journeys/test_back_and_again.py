"""At each step of the nurse's way: reloaded, back and forward, pressed twice, in two tabs.

After each there is the same page, or a clear sentence with a way on; never more done than meant.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request

from tests.journeys.nurse_steps import STEPS, Phone, Step, phone_at

_BROKEN = ("Something went wrong", "cannot be used that way", "There is no such page")


@pytest.fixture
def phone(step: Step, chromium: Browser, sqlite_url: str, tmp_path: Path):
    with phone_at(step, chromium, sqlite_url, tmp_path) as phone:
        yield phone
        unheard = [fault for fault in phone.nurse.faults if "409" not in fault]
        assert unheard == []


def every_step(test):
    return pytest.mark.parametrize("step", STEPS, ids=str)(test)


def need_a_way_on(page: Page) -> None:
    """One heading, no broken page, and something to press."""
    assert page.locator("h1").count() == 1, page.url
    said = page.locator("main").inner_text()
    assert not any(text in said for text in _BROKEN), said
    ways = page.locator("main a:visible, main button:visible, main summary:visible")
    assert ways.count() >= 1, said


@every_step
def test_a_reload_changes_nothing(step: Step, phone: Phone) -> None:
    heading = phone.nurse.heading
    for _ in range(2):
        phone.page.reload(wait_until="domcontentloaded")
        need_a_way_on(phone.page)
        assert phone.nurse.heading == heading
    assert phone.written() == []
    step.press(phone.trial, phone.page)
    phone.page.reload(wait_until="domcontentloaded")
    need_a_way_on(phone.page)
    assert phone.written() == list(step.events)


@every_step
def test_back_and_forward_change_nothing(step: Step, phone: Phone) -> None:
    heading = phone.nurse.heading
    phone.page.go_back(wait_until="domcontentloaded")
    phone.page.go_forward(wait_until="domcontentloaded")
    need_a_way_on(phone.page)
    assert phone.nurse.heading == heading
    step.press(phone.trial, phone.page)
    led = phone.nurse.heading
    phone.page.go_back(wait_until="domcontentloaded")
    need_a_way_on(phone.page)
    phone.page.go_forward(wait_until="domcontentloaded")
    need_a_way_on(phone.page)
    assert phone.nurse.heading == led
    assert phone.written() == list(step.events)


@every_step
def test_back_and_pressed_again_is_done_once(step: Step, phone: Phone) -> None:
    """Only a bag that is really scanned again is scanned twice."""
    step.press(phone.trial, phone.page)
    phone.page.go_back(wait_until="domcontentloaded")
    need_a_way_on(phone.page)
    times = 1
    if step.can_be_pressed(phone.page):
        step.press(phone.trial, phone.page)
        need_a_way_on(phone.page)
        times = 2 if step.name == "scan" else 1
    assert phone.written() == list(step.events) * times


_A_SECOND_PRESS_MS = 700


@every_step
def test_a_double_click_is_one_press(step: Step, phone: Phone) -> None:
    step.fill(phone.trial, phone.page)
    # A press may cut another's answer off, so what is waited for is what was written.
    step.the_button(phone.page).dblclick(no_wait_after=True)
    for _ in range(100):
        if phone.written() == list(step.events):
            break
        phone.page.wait_for_timeout(100)
    phone.page.wait_for_timeout(_A_SECOND_PRESS_MS)
    phone.page.wait_for_load_state()
    need_a_way_on(phone.page)
    assert phone.written() == list(step.events)


@every_step
def test_two_tabs_do_it_once(step: Step, phone: Phone) -> None:
    """The page that came second tells how it stands and how to go on."""
    other = phone.tab()
    step.press(phone.trial, phone.page)
    step.press(phone.trial, other)
    need_a_way_on(other)
    times = 2 if step.name == "scan" else 1
    assert phone.written() == list(step.events) * times


@pytest.mark.parametrize("step", [STEPS[1], STEPS[2], STEPS[4], STEPS[6]], ids=str)
def test_a_form_that_was_not_taken_is_reloaded_as_its_page(step: Step, phone: Phone) -> None:
    """No browser asks whether to send it again, neither at a reload nor on the way back to it."""
    heading = phone.nurse.heading
    sent = _reloaded_and_gone_back_to(step, phone)
    need_a_way_on(phone.page)
    assert phone.nurse.heading == heading
    assert set(sent) == {"GET"}
    assert phone.written() == []


@pytest.mark.parametrize("step", [STEPS[1]], ids=str)
def test_without_its_address_a_reload_sends_the_form_again(step: Step, phone: Phone) -> None:
    """The plant: the module that keeps the browser from it is left out."""
    phone.page.route(
        "**/js/reload.js*", lambda route: route.fulfill(content_type="text/javascript", body="")
    )
    phone.page.reload(wait_until="load")
    assert "POST" in _reloaded_and_gone_back_to(step, phone)


def _reloaded_and_gone_back_to(step: Step, phone: Phone) -> list[str]:
    """Send the step's form empty, reload the answer, leave it and come back: how it was asked."""
    sent: list[str] = []
    for summary in phone.page.locator("main summary").all():
        summary.click()
    with phone.page.expect_navigation(wait_until="load") as led:
        step.the_button(phone.page).locator("xpath=ancestor::form").evaluate(
            "(form) => form.requestSubmit()"
        )
    assert led.value.status == 400
    phone.nurse.faults.clear()

    def asked(request: Request) -> None:
        if request.is_navigation_request():
            sent.append(request.method)

    phone.page.on("request", asked)
    phone.page.reload(wait_until="load")
    phone.page.goto(f"/study/{phone.trial.study_id}/today")
    phone.page.go_back(wait_until="load")
    phone.nurse.faults.clear()
    return sent
