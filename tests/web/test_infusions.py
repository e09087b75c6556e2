"""The page of a running infusion: rate, pause, restart, end; said once, kept when wrong. D11, F1,
K8, K9, K10.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pharmacy.services import infusions
from pharmacy.services.infusions import END_REASONS, PAUSE_REASONS
from tests.support.browsing import Browser, path_of, words
from tests.support.builders import PASSWORD, Trial, blinded_app, make_trial
from tests.support.scans import confirm, go, scan

OpenAs = Callable[[str], Browser]
PAUSED = {"shown_ml": "124", "why": "line"}
ENDED = {"infused_ml": "600", "reason": "", "password": PASSWORD}


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


@pytest.fixture
def page(trial: Trial) -> str:
    """The page of an infusion that began at 10:00; an hour and a half have gone since."""
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, go(trial, bag_id).scan.id)
    trial.clock.move(minutes=90)
    return f"/study/{trial.study_id}/infusion/{bag_id}"


def events(trial: Trial) -> list[str]:
    return [entry.event for entry in reversed(trial.events())]


def test_the_page_of_a_running_infusion(nurse: Browser, page: str) -> None:
    """K10: rate now, what is left, the steps by the clock, the end and the limit."""
    text = nurse.get(page)
    said = words(text)
    for part in (
        "Run at 143 mL/hour 3 h 20 min left of this bag until finished",
        "Stop and discard at 2 Mar 2026 17:00 CST",
        "Done about 14:50 CST",
        "10:30 CST 71 mL/hour",
        "11:00 CST 143 mL/hour Now",
        "205-555-0142",
    ):
        assert part in said
    assert f"{page}/restart" not in text
    assert text.count("data-refresh") == 2


def test_pause_restart_and_end(trial: Trial, nurse: Browser, page: str) -> None:
    """K10: the interruption with its volume and reason, and the page of each state."""
    shown = nurse.follow(nurse.fill(page, f"{page}/pause", **PAUSED))
    said = words(shown)
    for part in (
        "The pause was recorded.",
        "Paused since 11:30 CST",
        "Restart by 12:32 CST at 143 mL/hour",
        "Later than 12:30 CST: from the first step, 35 mL/hour.",
        "124 mL of 600 mL",
        "Trouble with the line or the pump",
    ):
        assert part in said
    assert f'action="{page}/pause"' not in shown
    trial.clock.move(minutes=10)
    shown = nurse.follow(nurse.fill(page, f"{page}/restart"))
    assert "Check the rate at the pump." in words(shown)
    assert "11:30 CST to 11:40 CST" in words(shown)
    assert f'action="{page}/restart"' not in shown
    shown = nurse.follow(nurse.fill(page, f"{page}/end", **ENDED))
    said = words(shown)
    for part in (
        "This infusion has ended",
        "600 mL of 600 mL",
        "The pump ran 1 h 30 min",
        "Signed",
    ):
        assert part in said
    assert f'action="{page}' not in shown.partition("<main")[2]
    assert events(trial)[-3:] == ["infusion_paused", "infusion_restarted", "infusion_ended"]


def test_a_wrong_pause_keeps_what_was_typed(nurse: Browser, page: str) -> None:
    """The sentences stand beside their fields, in the section that is open."""
    answer = nurse.fill(page, f"{page}/pause", shown_ml="1240 mL")
    assert answer.status_code == 400
    assert "2 answers need another look" in words(answer.text)
    assert "Type the volume in mL, digits only" in words(answer.text)
    assert "Choose why the infusion pauses." in words(answer.text)
    assert 'value="1240 mL"' in answer.text
    assert '<details class="way pause" open>' in answer.text
    assert '<details class="way end">' in answer.text
    nurse.follow(nurse.fill(page, f"{page}/pause", **PAUSED))


def test_less_than_planned_needs_a_reason(nurse: Browser, page: str) -> None:
    """K10; what was typed is kept, but never the password."""
    answer = nurse.fill(page, f"{page}/end", **{**ENDED, "infused_ml": "450"})
    assert answer.status_code == 400
    assert "Choose why less than the planned volume" in words(answer.text)
    assert 'value="450"' in answer.text
    assert PASSWORD not in answer.text
    assert '<details class="way end" open>' in answer.text
    said = {"infused_ml": "450", "reason": "reaction", "password": PASSWORD}
    answer = nurse.fill(page, f"{page}/end", **said)
    assert "The participant had a reaction" in words(nurse.follow(answer))


def test_the_end_is_signed_with_the_password(trial: Trial, nurse: Browser, page: str) -> None:
    """F1: a wrong one signs nothing."""
    answer = nurse.fill(page, f"{page}/end", **{**ENDED, "password": "not the password"})
    assert answer.status_code == 403
    assert "That is not your password." in words(answer.text)
    assert "infusion_ended" not in events(trial)


@pytest.mark.parametrize("verb", ["pause", "restart", "end"])
def test_pressed_twice_it_is_done_once(trial: Trial, nurse: Browser, page: str, verb: str) -> None:
    """K9: the same form sent again answers as it did, and changes nothing."""
    if verb == "restart":
        nurse.fill(page, f"{page}/pause", **PAUSED)
    fields = {"pause": PAUSED, "restart": {}, "end": ENDED}[verb]
    hidden = nurse.form(nurse.get(page), f"{page}/{verb}")
    answers = [nurse.send(f"{page}/{verb}", hidden, **fields) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert path_of(answers[0]) == path_of(answers[1]) == page
    assert events(trial).count(f"infusion_{verb}ed" if verb != "pause" else "infusion_paused") == 1


def test_a_page_that_was_left_says_how_it_stands_now(
    trial: Trial, nurse: Browser, page: str
) -> None:
    """Back to an older page: its form is refused with a sentence, over the present state."""
    old = nurse.form(nurse.get(page), f"{page}/pause")
    nurse.fill(page, f"{page}/pause", **PAUSED)
    answer = nurse.send(f"{page}/pause", old, **PAUSED)
    assert answer.status_code == 409
    assert "This infusion is paused already, since 11:30 CST." in words(answer.text)
    assert "Paused since 11:30 CST" in words(answer.text)
    old = nurse.form(nurse.get(page), f"{page}/restart")
    nurse.fill(page, f"{page}/end", infused_ml="124", reason="wish", password=PASSWORD)
    answer = nurse.send(f"{page}/restart", old)
    assert answer.status_code == 409
    assert "This infusion was already ended." in words(answer.text)
    assert "This infusion has ended" in words(answer.text)
    assert events(trial).count("infusion_paused") == 1


def test_too_late_there_is_no_restart_to_press(trial: Trial, nurse: Browser, page: str) -> None:
    """D7: and the end stands open."""
    nurse.fill(page, f"{page}/pause", **PAUSED)
    hidden = nurse.form(nurse.get(page), f"{page}/restart")
    trial.clock.move(minutes=63)
    text = nurse.get(page)
    assert "It is too late to restart: the rest could not be in before 17:00 CST." in words(text)
    assert f"{page}/restart" not in text
    assert '<details class="way end" open>' in text
    answer = nurse.send(f"{page}/restart", hidden)
    assert answer.status_code == 409
    assert "It is too late to restart" in words(answer.text)


def test_at_the_time_limit_it_says_stop(trial: Trial, nurse: Browser, page: str) -> None:
    """D11."""
    trial.clock.move(minutes=330)
    text = nurse.get(page)
    assert "Stop. Time limit reached." in words(text)
    assert "Run at" not in words(text)
    assert f"{page}/pause" not in text
    assert '<details class="way end" open>' in text


def test_the_page_s_mark_changes_with_what_can_be_done(
    trial: Trial, nurse: Browser, page: str
) -> None:
    """By it an open page knows that it must be opened anew."""

    def mark() -> str:
        return nurse.get(page).partition('data-mark="')[2].partition('"')[0]

    seen = [mark()]
    trial.clock.move(minutes=1)
    assert mark() == seen[0]
    nurse.fill(page, f"{page}/pause", **PAUSED)
    seen.append(mark())
    trial.clock.move(minutes=65)
    seen.append(mark())
    nurse.fill(page, f"{page}/end", infused_ml="124", reason="wish", password=PASSWORD)
    seen.append(mark())
    assert len(set(seen)) == 4


def test_a_second_nurse_resumes_while_it_is_paused(
    trial: Trial, nurse: Browser, page: str, open_as: OpenAs
) -> None:
    """K8: both identifiers again; until then not even the page."""
    nurse.fill(page, f"{page}/pause", **PAUSED)
    second, bag_id = open_as("nurse2"), page.rpartition("/")[2]
    second.get(page, status=403)
    confirm(trial, scan(trial, trial.code(bag_id), "nurse2"), trial.card(), who="nurse2")
    trial.clock.move(minutes=5)
    second.follow(second.fill(page, f"{page}/restart"))
    assert "Run at 143 mL/hour" in words(nurse.get(page))


def test_only_nurses_enter_and_only_their_study_s_infusions(
    trial: Trial, page: str, nurse: Browser, open_as: OpenAs
) -> None:
    nowhere = f"{page.rpartition('/')[0]}/{'0' * 32}"
    nurse.get(nowhere, status=404)
    for name in ("coordinator", "investigator", "monitor", "pharmacist"):
        open_as(name).get(page, status=403)


def test_no_reason_speaks_of_the_product_s_looks() -> None:
    """Words about the product go to the pharmacist alone."""
    said = " ".join([*PAUSE_REASONS.values(), *END_REASONS.values()]).lower()
    for word in ("colour", "color", "cloud", "foam", "clear", "particle", "looks"):
        assert word not in said


def test_a_mistyped_volume_is_corrected_on_the_page(
    trial: Trial, nurse: Browser, page: str
) -> None:
    nurse.fill(page, f"{page}/pause", shown_ml="420", why="line")
    assert "Typed at the last pause: 420 mL" in words(nurse.get(page))
    answer = nurse.fill(page, f"{page}/correct", right_ml="24o")
    assert answer.status_code == 400
    assert 'value="24o"' in answer.get_data(as_text=True)
    nurse.fill(page, f"{page}/correct", right_ml="240")
    assert "Typed at the last pause: 240 mL" in words(nurse.get(page))
    assert events(trial)[-2:] == ["infusion_paused", "pause_corrected"]
