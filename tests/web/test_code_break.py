"""The door of the code break: few steps, one answer, nothing that stands in its way (J1 to J4)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.app import create_app
from pharmacy.domain.roles import Role
from pharmacy.unblinded.padding import BREAK_BYTES
from tests.support.browsing import words
from tests.support.builders import add_person
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import build_app, make_config, make_surroundings
from tests.web.break_pages import IVIG, door, filled


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants with a place, and an investigator who has shares."""
    made = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    made.enrol_breaker()
    return made


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def test_from_the_menu_to_the_answer_in_three_pages(study: LitStudy, app: Flask) -> None:
    """J1: choose, say why with the passphrase, read."""
    browser = study.browser(app, "investigator")
    assert f'href="{door(study)}">Break the code<' in browser.get("/account").text or (
        f'href="{door(study)}"' in browser.get(f"/study/{study.study_id}/participants").text
    )
    chosen = browser.get(door(study)).text
    assert "M-008" in chosen
    participant = door(study, "M-008").rpartition("/")[2]
    form = browser.get(f"{door(study)}?participant={participant}").text
    assert "Break the code of M-008" in words(form)

    answer = browser.post(door(study, "M-008"), **filled(study))
    assert answer.status_code == 200
    assert IVIG in words(answer.text)
    assert "This was recorded at 08:30." in words(answer.text)
    assert "205-555-0199" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Location" not in answer.headers


def test_the_answers_length_tells_no_arm(study: LitStudy, app: Flask) -> None:
    """A proxy's log holds each answer's length beside its address, which names a participant."""
    browser = study.browser(app, "investigator")
    answers = [browser.post(door(study, code), **filled(study)) for code in ("M-002", "M-008")]
    assert len({answer.text.strip() for answer in answers}) == 2
    assert {len(answer.data) for answer in answers} == {BREAK_BYTES}


def test_a_reload_leads_to_the_page_without_the_arm(study: LitStudy, app: Flask) -> None:
    """The answer is a page of its own; its address, opened, is the break's first page."""
    browser = study.browser(app, "investigator")
    answer = browser.post(door(study, "M-008"), **filled(study)).text
    (address,) = re.findall(r'data-address="([^"]*)"', answer)
    assert address == door(study)
    for path in (address, door(study, "M-008")):
        page = browser.client.get(path, base_url="http://127.0.0.1:8000", follow_redirects=True)
        assert "immune globulin" not in page.text
        assert "sodium chloride" not in page.text
        assert "M-008, show again" in words(page.text)
    again = browser.get(f"{door(study)}?participant={door(study, 'M-008').rpartition('/')[2]}").text
    assert "Show the code of M-008 again" in words(again)


def test_a_wrong_passphrase_keeps_what_was_typed(study: LitStudy, app: Flask) -> None:
    browser = study.browser(app, "investigator")
    said = filled(study, passphrase="no such six words", said="Fell at home")
    answer = browser.post(door(study, "M-008"), **said)
    assert answer.status_code == 403
    assert "That is not the passphrase" in answer.text
    assert "Fell at home" in answer.text
    assert "no such six words" not in answer.text


def test_a_form_without_reason_or_words_is_asked_again(study: LitStudy, app: Flask) -> None:
    browser = study.browser(app, "investigator")
    for missing in ("reason", "passphrase"):
        answer = browser.post(door(study, "M-008"), **filled(study, **{missing: ""}))
        assert answer.status_code == 400, missing
    assert (
        browser.post(door(study, "M-008"), **filled(study, reason="curiosity")).status_code == 400
    )
    assert "code_break_opened" not in [entry.event for entry in study.trial.events()]


def test_misses_are_slowed_and_never_lock_anybody_out(study: LitStudy, app: Flask) -> None:
    """keys.md: at most 30 seconds, a device and a person; the right words after that open."""
    browser = study.browser(app, "investigator")
    wrong = filled(study, passphrase="no such six words")
    longest = 0
    for _ in range(14):
        answer = browser.post(door(study, "M-008"), **wrong)
        if answer.status_code == 409:
            (seconds,) = re.findall(r"Wait (\d+) second", answer.text)
            longest = max(longest, int(seconds))
            study.trial.clock.move(seconds=int(seconds))
            assert browser.post(door(study, "M-008"), **wrong).status_code == 403
    assert longest == 30
    study.trial.clock.move(seconds=30)
    assert IVIG in words(browser.post(door(study, "M-008"), **filled(study)).text)


def test_misses_elsewhere_do_not_count_here(study: LitStudy, app: Flask) -> None:
    """Whoever guesses in another sign-in, even behind the same address, delays nobody at the
    bedside.
    """
    browser, elsewhere = study.browser(app, "investigator"), study.browser(app, "investigator")
    wrong = filled(study, passphrase="no such six words")
    said = [elsewhere.post(door(study, "M-008"), **wrong).text for _ in range(8)]
    assert "Wait" in said[-1]
    assert IVIG in words(browser.post(door(study, "M-008"), **filled(study)).text)


def test_where_it_is_left_out_there_is_none(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    config = make_config(sqlite_url, tmp_path, code_break=False)
    without = create_app(config, make_surroundings(study.trial.clock, study.trial.chance))
    browser = study.browser(without, "investigator")
    assert browser.get(door(study)).status_code == 404
    assert "Break the code" not in browser.get(f"/study/{study.study_id}/participants").text


def test_the_keys_are_made_confirmed_and_tried_at_the_breaks_own_door(
    study: LitStudy, app: Flask
) -> None:
    study.trial.ids["second"] = add_person(study.trial, "second", "Ben Ortiz", Role.INVESTIGATOR)
    browser = study.browser(app, "second")
    keys = f"{door(study)}/keys"
    refused = browser.post(door(study, "M-008"), **filled(study))
    assert refused.status_code == 409
    assert "call the on-call pharmacist, 205-555-0142" in words(refused.text)
    assert "Make my keys" in browser.get(keys).text
    shown = browser.post(f"{keys}/make")
    six = " ".join(re.findall(r"<li>([a-z]+)</li>", shown.text))
    assert len(six.split()) == 6
    assert browser.post(f"{keys}/confirm", passphrase="something else").status_code == 403
    assert browser.post(f"{keys}/confirm", passphrase=six).status_code == 303
    assert "Read them to the statistician or a pharmacist" in browser.get(keys).text
    assert browser.post(f"{keys}/make").status_code == 409
    study.passphrases["second"] = six

    pharmacist = study.lit_browser(app, "pharmacist")
    page = pharmacist.lit("investigators")
    assert "Ben Ortiz" in pharmacist.get(page).text
    enrol = f"{page}/{study.trial.ids['second']}"
    typed = {"words": study.six_words("second"), "passphrase": study.passphrases["pharmacist"]}
    wrong = pharmacist.post(enrol, **{**typed, "words": "a b c d e f"})
    assert wrong.status_code == 400
    assert pharmacist.post(enrol, **typed).status_code == 303
    assert "Can break a code" in pharmacist.get(page).text

    assert "Ask Tom Lang for their six words" in words(browser.get(keys).text)
    tried = browser.post(f"{keys}/try", passphrase=six, granter_words="not these")
    assert tried.status_code == 400
    assert browser.post(f"{keys}/try", passphrase="wrong", granter_words="x").status_code == 400
    granter = study.six_words("pharmacist")
    assert browser.post(f"{keys}/try", passphrase=six, granter_words=granter).status_code == 303
    assert "M-008" in browser.get(door(study)).text
    done = browser.post(door(study, "M-008"), **{**filled(study), "passphrase": six})
    assert IVIG in words(done.text)
    assert "were not compared" not in done.text


def test_the_pharmacist_reads_it_with_the_room_open(study: LitStudy, app: Flask) -> None:
    browser = study.browser(app, "investigator")
    browser.post(door(study, "M-008"), **filled(study, said="Fell at home", reason="overdose"))
    locked = study.browser(app, "pharmacist").get(f"/lit/{study.study_id}/code-breaks")
    assert locked.status_code == 303
    page = study.lit_browser(app, "pharmacist").get(f"/lit/{study.study_id}/code-breaks").text
    for said in ("M-008, by Ana Rivera", "Fell at home", "Overdose or wrong bag", "number 2"):
        assert said in words(page)
    assert "Keys not compared before" in words(page)


def test_the_mark_shows_as_a_sentence_and_care_goes_on(study: LitStudy, app: Flask) -> None:
    browser = study.browser(app, "investigator")
    trail = f"/study/{study.study_id}/trail"
    assert browser.get(trail).status_code == 200
    browser.post(door(study, "M-008"), **filled(study))
    for path in (trail, f"{trail}.csv"):
        refused = browser.get(path)
        assert refused.status_code == 403
        assert "You have learned an arm in this study" in words(refused.text)
    participant = door(study, "M-008").rpartition("/")[2]
    for path in (
        f"/study/{study.study_id}/participants",
        f"/study/{study.study_id}/participants/{participant}",
        f"/study/{study.study_id}/participants/{participant}/order",
        door(study),
    ):
        assert browser.get(path).status_code == 200, path
