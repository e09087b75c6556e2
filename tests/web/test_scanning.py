"""The nurse's way: today, scan, neutral, verdict, running, end; and what stops her. K8, A11."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.browsing import Browser, path_of, words
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial

OpenAs = Callable[[str], Browser]


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def open_as(trial: Trial, sqlite_url: str, tmp_path: Path) -> OpenAs:
    app = blinded_app(trial, sqlite_url, tmp_path)
    return lambda name: Browser(app, f"{name}.test")


@pytest.fixture
def nurse(open_as: OpenAs) -> Browser:
    return open_as("nurse")


def at(trial: Trial, rest: str) -> str:
    return f"/study/{trial.study_id}/{rest}"


def scan(trial: Trial, browser: Browser, text: str) -> str:
    """The path of the page that answers a scan."""
    return path_of(browser.fill(at(trial, "scan"), code=text, method="scanner", typed_reason=""))


def confirm(trial: Trial, browser: Browser, page: str, card: str) -> str:
    answer = browser.fill(page, f"{page}/person", card=card, spoken_confirmed="y")
    assert path_of(answer) == page
    return browser.get(page)


def test_the_nurse_lands_on_today_with_one_scan(trial: Trial, nurse: Browser) -> None:
    trial.ready_bag()
    answer = nurse.client.get("/", base_url="http://127.0.0.1:8000")
    assert path_of(answer) == at(trial, "today")
    said = words(nurse.get(at(trial, "today")))
    for text in ("M-002", "Week 0, day 1 of 2", "600 mL", "Start by 11:40 CST", "Scan the bag"):
        assert text in said


def test_an_empty_day_says_what_to_do(trial: Trial, nurse: Browser) -> None:
    said = words(nurse.get(at(trial, "today")))
    assert "No bag for today" in said
    assert "205-555-0142" in said


def test_from_the_scan_to_the_signed_end(trial: Trial, nurse: Browser) -> None:
    """K8, K10: bag, both identifiers, Go, start, end with volume and signature."""
    bag_id = trial.ready_bag()
    page = scan(trial, nurse, trial.code(bag_id))
    neutral = nurse.get(page)
    assert 'data-verdict="neutral"' in neutral
    assert "Bag known. Now the participant." in words(neutral)
    go = confirm(trial, nurse, page, trial.card())
    assert 'data-verdict="go"' in go
    for text in ("Go. Right bag, right person.", "600 mL", "35 mL/hour", "11:40 CST"):
        assert text in words(go)
    answer = nurse.fill(page, f"{page}/start")
    running = path_of(answer)
    assert running == at(trial, f"infusion/{bag_id}")
    said = words(nurse.follow(answer))
    assert "Run at 35 mL/hour" in said
    assert "Stop and discard at 2 Mar 2026 17:00 CST" in said
    answer = nurse.fill(
        running, f"{running}/end", infused_ml="600", reason="", password=PASSWORD
    )
    said = words(nurse.follow(answer))
    for text in ("600 mL of 600 mL", "Dana Whitfield", "I ended this infusion", "10:00 CST"):
        assert text in said


def test_before_both_identifiers_there_is_nothing_to_copy(trial: Trial, nurse: Browser) -> None:
    """A11: no participant, no visit, no volume, no code, and no Go."""
    bag_id = trial.ready_bag()
    page = nurse.get(scan(trial, nurse, trial.code(bag_id)))
    for answer in ("M-002", "Week 0", "600", "mL", trial.card(), trial.code(bag_id), "Go."):
        assert answer not in page
    assert "/start" not in page


def test_the_words_must_be_confirmed_before_the_card_counts(trial: Trial, nurse: Browser) -> None:
    """The scanner's Enter comes too early: a sentence, the card kept, no Stop and no Go."""
    page = scan(trial, nurse, trial.code(trial.ready_bag()))
    answer = nurse.fill(page, f"{page}/person", card=trial.card())
    assert answer.status_code == 400
    assert 'data-verdict="neutral"' in answer.text
    assert "Ask for name and birth date first" in words(answer.text)
    assert trial.card() in answer.text
    assert 'data-verdict="go"' in confirm(trial, nurse, page, trial.card())


def test_words_that_differ_stop(trial: Trial, nurse: Browser) -> None:
    page = scan(trial, nurse, trial.code(trial.ready_bag()))
    said = nurse.follow(nurse.fill(page, f"{page}/differs"))
    assert 'data-verdict="stop"' in said
    assert "Stop. Name and birth date were not confirmed." in words(said)


def test_a_stop_is_left_by_the_act_alone(trial: Trial, nurse: Browser) -> None:
    """The pharmacy's number is a tap; there is no link away; today keeps asking."""
    trial.register("M-007")
    page = scan(trial, nurse, trial.code(trial.ready_bag()))
    stop = confirm(trial, nurse, page, trial.card("M-007"))
    assert "Stop. This bag is for another participant." in words(stop)
    assert 'href="tel:205-555-0142"' in stop
    assert "M-002" not in stop
    body = stop.partition("<main")[2]
    assert body.count("<a ") == body.count('href="tel:') == 1
    assert "Say what you did with it" in nurse.get(at(trial, "today"))
    answer = nurse.fill(page, f"{page}/aside")
    assert "Noted." in nurse.follow(answer)
    assert "Say what you did with it" not in nurse.get(at(trial, "today"))


@pytest.mark.parametrize("text", ["T1K7XQ9MB4VZ2WD8RHC6", "nonsense", "<script>alert(1)</script>"])
def test_a_scan_that_finds_no_bag_stops_with_its_sentence(
    trial: Trial, nurse: Browser, text: str
) -> None:
    page = nurse.get(scan(trial, nurse, text))
    assert 'data-verdict="stop"' in page
    assert "<script>alert" not in page
    assert "205-555-0142" in page


def test_a_card_is_no_bag(trial: Trial, nurse: Browser) -> None:
    trial.ready_bag()
    said = words(nurse.get(scan(trial, nurse, trial.card())))
    assert "Stop. This is a participant's card." in said
    assert "I have not started it" in said


def test_typing_asks_why_and_keeps_what_was_typed(trial: Trial, nurse: Browser) -> None:
    """E17."""
    code = trial.code(trial.ready_bag())
    answer = nurse.fill(at(trial, "scan"), code=code, method="typed", typed_reason="")
    assert answer.status_code == 400
    assert "Say why the code is typed." in words(answer.text)
    assert code in answer.text
    answer = nurse.fill(at(trial, "scan"), code=code.lower(), method="typed", typed_reason="dark")
    assert 'data-verdict="neutral"' in nurse.follow(answer)


def test_it_is_judged_again_at_start(trial: Trial, nurse: Browser) -> None:
    bag_id = trial.ready_bag()
    trial.clock.move(minutes=90)
    page = scan(trial, nurse, trial.code(bag_id))
    confirm(trial, nurse, page, trial.card())
    hidden = nurse.form(nurse.get(page), f"{page}/start")
    trial.clock.move(minutes=11)
    answer = nurse.send(f"{page}/start", hidden)
    assert path_of(answer) == page
    assert "Stop. It is too late to start this bag." in words(nurse.follow(answer))
    nurse.get(at(trial, f"infusion/{bag_id}"), status=404)


def test_start_pressed_twice_starts_once(trial: Trial, nurse: Browser) -> None:
    bag_id = trial.ready_bag()
    page = scan(trial, nurse, trial.code(bag_id))
    confirm(trial, nurse, page, trial.card())
    hidden = nurse.form(nurse.get(page), f"{page}/start")
    answers = [nurse.send(f"{page}/start", hidden) for _ in range(2)]
    assert {answer.location for answer in answers} == {at(trial, f"infusion/{bag_id}")}
    assert [entry.event for entry in trial.events()].count("infusion_started") == 1


def test_a_new_nurse_resumes_with_both_identifiers(
    trial: Trial, nurse: Browser, open_as: OpenAs
) -> None:
    bag_id = trial.ready_bag()
    page = scan(trial, nurse, trial.code(bag_id))
    confirm(trial, nurse, page, trial.card())
    nurse.fill(page, f"{page}/start")
    trial.clock.move(minutes=5)
    second = open_as("nurse2")
    second.get(at(trial, f"infusion/{bag_id}"), status=403)
    page = scan(trial, second, trial.code(bag_id))
    shown = confirm(trial, second, page, trial.card())
    assert "Resume. This bag is running." in words(shown)
    assert f"{page}/start" not in shown
    assert "Run at 35 mL/hour" in words(second.get(at(trial, f"infusion/{bag_id}")))


def test_the_later_of_two_nurses_is_told_to_resume(
    trial: Trial, nurse: Browser, open_as: OpenAs
) -> None:
    """K9."""
    bag_id = trial.ready_bag()
    second = open_as("nurse2")
    pages = [(who, scan(trial, who, trial.code(bag_id))) for who in (nurse, second)]
    for who, page in pages:
        confirm(trial, who, page, trial.card())
    forms = [(who, page, who.form(who.get(page), f"{page}/start")) for who, page in pages]
    answers = [who.send(f"{page}/start", hidden) for who, page, hidden in forms]
    assert [answer.status_code for answer in answers] == [303, 409]
    assert "Scan it again to resume." in words(answers[1].text)


def test_no_nurse_signs_in_again_while_an_infusion_she_started_runs(
    trial: Trial, nurse: Browser, open_as: OpenAs
) -> None:
    """G8: her idle limit rests; another nurse's does not, and hers comes back with the end."""
    bag_id = trial.ready_bag()
    page = scan(trial, nurse, trial.code(bag_id))
    confirm(trial, nurse, page, trial.card())
    running = path_of(nurse.fill(page, f"{page}/start"))
    second = open_as("nurse2")
    second.get(at(trial, "today"))
    trial.clock.move(hours=2)
    second.get(at(trial, "today"), status=303)
    said = {"infused_ml": "600", "reason": "", "password": PASSWORD}
    nurse.follow(nurse.fill(running, f"{running}/end", **said))
    trial.clock.move(minutes=16)
    nurse.get(at(trial, "today"), status=303)


def test_only_nurses_enter(trial: Trial, open_as: OpenAs) -> None:
    bag_id = trial.ready_bag()
    for name in ("coordinator", "investigator", "monitor", "pharmacist"):
        browser = open_as(name)
        for rest in ("today", "scan", f"scan/{'0' * 32}", f"infusion/{bag_id}"):
            browser.get(at(trial, rest), status=403)


def test_another_nurse_s_scan_is_not_found(trial: Trial, nurse: Browser, open_as: OpenAs) -> None:
    page = scan(trial, nurse, trial.code(trial.ready_bag()))
    open_as("nurse2").get(page, status=404)
