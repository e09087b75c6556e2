"""The pages of coordinator, investigator and monitor. D2, F1, E8."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pharmacy.domain.roles import Role
from tests.support.browsing import Browser, path_of, words
from tests.support.builders import PASSWORD, PEOPLE, Trial, blinded_app, make_trial

OpenAs = Callable[[str], Browser]
_COORDINATORS = ("weight", "card.pdf", "replace-card", "revoke-card")


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    return make_trial(sqlite_url)


@pytest.fixture
def open_as(trial: Trial, sqlite_url: str, tmp_path: Path) -> OpenAs:
    app = blinded_app(trial, sqlite_url, tmp_path)
    return lambda name: Browser(app, f"{name}.test")


def base(trial: Trial) -> str:
    return f"/study/{trial.study_id}/participants"


def test_coordinator_and_investigator_land_on_participants(trial: Trial, open_as: OpenAs) -> None:
    for name in ("coordinator", "investigator", "monitor"):
        browser = open_as(name)
        answer = browser.client.get("/", base_url="http://127.0.0.1:8000")
        assert path_of(answer) == base(trial)
    assert "Register the first one" in open_as("coordinator").get(base(trial))
    assert "Register a participant" not in open_as("investigator").get(base(trial))


def test_from_registration_to_a_signed_order(trial: Trial, open_as: OpenAs) -> None:
    """F1: after each signature its name, moment and meaning are on the page."""
    coordinator, investigator = open_as("coordinator"), open_as("investigator")
    answer = coordinator.fill(f"{base(trial)}/new", code="M-002", consented_on="2026-02-27")
    page = path_of(answer)
    assert "The participant was registered." in coordinator.follow(answer)
    answer = coordinator.fill(
        f"{page}/weight", weight_kg="59.6", measured_on="2 Mar 2026", measured_by="C. Lindqvist"
    )
    assert "59.6 kg" in coordinator.follow(answer)
    answer = investigator.fill(f"{page}/eligibility", password=PASSWORD)
    said = words(investigator.follow(answer))
    for text in ("Ana Rivera", "2 Mar 2026 08:30 CST", "I confirm that this participant"):
        assert text in said
    order = {"visit": "W0", "first_day": "2026-03-02", "premedication": "", "password": PASSWORD}
    said = words(investigator.follow(investigator.fill(f"{page}/order", **order)))
    assert "I order this course as written." in said
    assert "Week 0, Rx " in said
    assert "has not planned this course yet" in said
    assert "Sign an order" in said
    assert (
        "Week 0"
        not in investigator.get(f"{page}/order").partition("<form")[2].partition("premedication")[0]
    )


def test_what_was_typed_is_kept_with_each_sentence(trial: Trial, open_as: OpenAs) -> None:
    """D2: pounds, and a missing name, in one answer."""
    page = f"{base(trial)}/{trial.register()}/weight"
    answer = open_as("coordinator").fill(
        page, weight_kg="155 lb", measured_on="2026-03-02", measured_by=""
    )
    assert answer.status_code == 400
    assert 'value="155 lb"' in answer.text
    said = words(answer.text)
    assert "Pounds and stones are not accepted" in said
    assert "Type who measured it." in said


@pytest.mark.parametrize("typed", ["31/12/2026", "yesterday", "2026-02-30"])
def test_a_day_that_is_none_is_refused_with_its_sentence(
    trial: Trial, open_as: OpenAs, typed: str
) -> None:
    answer = open_as("coordinator").fill(f"{base(trial)}/new", code="M-002", consented_on=typed)
    assert answer.status_code == 400
    assert "Type the day like 15 Mar 2026." in words(answer.text)


def test_a_wrong_password_signs_nothing_and_keeps_the_order(trial: Trial, open_as: OpenAs) -> None:
    participant_id = trial.register()
    trial.weigh(participant_id)
    trial.eligible(participant_id)
    investigator = open_as("investigator")
    order = {"visit": "W4", "first_day": "2026-03-04", "premedication": "Paracetamol 1 g"}
    answer = investigator.fill(
        f"{base(trial)}/{participant_id}/order", **order, password="not the password at all"
    )
    assert answer.status_code == 403
    assert "That is not your password." in answer.text
    assert "Paracetamol 1 g" in answer.text
    assert 'value="2026-03-04"' in answer.text
    assert "not the password at all" not in answer.text
    assert "No order is signed yet" in investigator.get(f"{base(trial)}/{participant_id}")


def test_a_form_sent_twice_does_one_thing(trial: Trial, open_as: OpenAs) -> None:
    """One weighing, one order, one answer; the same form with other contents is refused."""
    participant_id = trial.register()
    page = f"{base(trial)}/{participant_id}/weight"
    coordinator = open_as("coordinator")
    hidden = coordinator.form(coordinator.get(page), page)
    weight = {"weight_kg": "59.6", "measured_on": "2026-03-02", "measured_by": "C. Lindqvist"}
    answers = [coordinator.send(page, hidden, **weight) for _ in range(2)]
    assert {answer.location for answer in answers} == {answers[0].location}
    assert [entry.event for entry in trial.events()].count("weight_entered") == 1
    other = coordinator.send(page, hidden, **{**weight, "weight_kg": "60"})
    assert other.status_code == 409
    trial.eligible(participant_id)
    investigator = open_as("investigator")
    page = f"{base(trial)}/{participant_id}/order"
    hidden = investigator.form(investigator.get(page), page)
    order = {"visit": "W0", "first_day": "2026-03-02", "password": PASSWORD}
    answers = [investigator.send(page, hidden, **order) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert [entry.event for entry in trial.events()].count("order_signed") == 1


def test_the_card_is_a_pdf_named_like_every_other(trial: Trial, open_as: OpenAs) -> None:
    """B12: no code and no participant in the file name."""
    participant_id = trial.register("M-002")
    coordinator = open_as("coordinator")
    page = f"{base(trial)}/{participant_id}"
    answer = coordinator.client.get(f"{page}/card.pdf", base_url="http://127.0.0.1:8000")
    assert answer.mimetype == "application/pdf"
    assert answer.data.startswith(b"%PDF")
    assert answer.headers["Content-Disposition"] == "inline; filename=card.pdf"
    assert trial.card("M-002") not in coordinator.get(page)


def test_a_card_is_replaced_revoked_and_made_anew(trial: Trial, open_as: OpenAs) -> None:
    """A11: each page says what will happen and can be left; without a reason nothing does."""
    page = f"{base(trial)}/{trial.register('M-002')}"
    coordinator, before = open_as("coordinator"), trial.card("M-002")
    replacing = coordinator.get(f"{page}/replace-card")
    assert "stops counting at once" in replacing
    assert "left_study" not in replacing
    trial.clock.move(minutes=1)
    answer = coordinator.fill(f"{page}/replace-card", reason="damaged")
    assert "The card was replaced." in coordinator.follow(answer)
    assert trial.card("M-002") != before
    revoking = words(coordinator.get(f"{page}/revoke-card"))
    for text in (
        "Scanning it stops the nurse.",
        "No bag of M-002 can be started until there is a new card.",
        "An infusion that runs goes on.",
        "Keep the card",
    ):
        assert text in revoking
    answer = coordinator.fill(f"{page}/revoke-card")
    assert answer.status_code == 400
    assert "Choose why the card is revoked." in words(answer.text)
    answer = coordinator.fill(f"{page}/revoke-card", reason="left_study")
    said = words(coordinator.follow(answer))
    for text in ("The card was revoked.", "This participant has no card.", "Make a new card"):
        assert text in said
    assert "The participant left the study" in said
    for gone in ("Print the card", "Replace the card", "Revoke the card"):
        assert gone not in said
    assert "no card that could be revoked" in coordinator.get(f"{page}/revoke-card")
    assert "Make a new card first" in coordinator.get(f"{page}/card.pdf", status=404)
    answer = coordinator.fill(f"{page}/replace-card")
    assert "There is a new card." in coordinator.follow(answer)
    assert trial.card("M-002") not in coordinator.get(page)


def test_a_page_about_another_card_ends_none(trial: Trial, open_as: OpenAs) -> None:
    """Two windows: the second was opened before the card was replaced in the first."""
    page = f"{base(trial)}/{trial.register('M-002')}"
    coordinator = open_as("coordinator")
    for act in ("revoke-card", "replace-card"):
        hidden = coordinator.form(coordinator.get(f"{page}/{act}"), f"{page}/{act}")
        trial.clock.move(minutes=1)
        assert coordinator.fill(f"{page}/replace-card", reason="lost").status_code == 303
        newer = trial.card("M-002")
        answer = coordinator.send(f"{page}/{act}", hidden, reason="lost")
        assert answer.status_code == 409
        assert "Open the page again" in words(answer.text)
        assert trial.card("M-002") == newer


def test_the_monitor_reads_and_does_nothing(trial: Trial, open_as: OpenAs) -> None:
    participant_id = trial.register()
    monitor = open_as("monitor")
    said = words(monitor.get(f"{base(trial)}/{participant_id}"))
    for act in ("Add a weight", "Print the card", "Sign eligibility", "Replace the card", "Revoke"):
        assert act not in said
    for path in ("new", *(f"{participant_id}/{page}" for page in _COORDINATORS)):
        monitor.get(f"{base(trial)}/{path}", status=403)


@pytest.mark.parametrize("name", [n for n, (_, role) in PEOPLE.items() if role is not Role.NURSE])
def test_nobody_else_signs(trial: Trial, open_as: OpenAs, name: str) -> None:
    participant_id = trial.register()
    status = 200 if name == "investigator" else 403
    for path in ("eligibility", "order"):
        open_as(name).get(f"{base(trial)}/{participant_id}/{path}", status=status)


def test_a_participant_of_no_study_is_not_found(trial: Trial, open_as: OpenAs) -> None:
    open_as("coordinator").get(f"{base(trial)}/{'0' * 32}", status=404)


def test_a_course_stands_with_days_limits_and_states(trial: Trial, open_as: OpenAs) -> None:
    """Volumes, limits in site time, and blinded states only."""
    trial.ready_bag()
    coordinator = open_as("coordinator")
    page = coordinator.get(base(trial))
    link = page.partition(f'href="{base(trial)}/')[2]
    links = [part.partition('"')[0] for part in page.split(f'href="{base(trial)}/')[1:]]
    found = next(part for part in links if part != "new")
    assert link
    said = words(coordinator.get(f"{base(trial)}/{found}"))
    for text in (
        "120 g, 1,200 mL",
        "Day 1 of 2",
        "2 Mar 2026 11:40 CST",
        "2 Mar 2026 17:00 CST",
        "Released since 2 Mar 2026 09:45 CST",
        "Planned",
    ):
        assert text in said
