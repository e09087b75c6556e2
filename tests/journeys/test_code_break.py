"""Breaking a code on a phone, from the sign-in to the answer, and what a reload shows (J1, K9)."""

from __future__ import annotations

from tests.journeys.breaking_steps import WHO, tell, to_the_break
from tests.journeys.practice import Practice
from tests.journeys.visitor import PHONE

ARMS = ("immune globulin intravenous (human) 10%", "sodium chloride 0.9% (placebo)")


def test_from_the_sign_in_to_the_answer_on_a_phone(practice: Practice) -> None:
    """J1: five pages and six things typed or tapped; then the arm, plain and once."""
    page = practice.window(WHO, PHONE, 2)
    to_the_break(page)
    page.follow("M-008")
    tell(practice, page)
    page.press("Break the code of M-008")
    assert page.heading in [f"M-008 receives {arm}." for arm in ARMS]
    assert "This was recorded at 08:33." in page.words
    assert "205-555-0199" in page.words
    told = page.heading

    page.page.reload(wait_until="domcontentloaded")
    assert page.heading == "Break the code"
    assert not any(arm in page.page.content() for arm in ARMS)
    page.page.go_back(wait_until="domcontentloaded")
    assert not any(arm in page.page.content() for arm in ARMS)

    page.open(page.page.url)
    to_the_break(page)
    page.follow("M-008, show again")
    assert page.heading == "Show the code of M-008 again"
    tell(practice, page)
    page.press("Show the code of M-008 again")
    assert page.heading == told


def test_the_answer_fits_the_phone_and_its_buttons_the_thumb(practice: Practice) -> None:
    """390 px: nothing sideways, and what is pressed is at least 48 px high."""
    page = practice.window(WHO, PHONE, 2)
    to_the_break(page)
    choices = page.page.locator("main .stack a.btn")
    assert choices.count() >= 3
    low = [box["height"] for box in (one.bounding_box() for one in choices.all()) if box]
    page.follow("M-008")
    sent = page.page.get_by_role("button", name="Break the code of M-008").bounding_box()
    assert sent is not None
    assert min([*low, sent["height"]]) >= 48
    tell(practice, page)
    page.press("Break the code of M-008")
    wide = page.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= PHONE["width"]
