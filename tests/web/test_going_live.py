"""The pages of the protocol and of going live: what they show, to whom, and what they refuse."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.domain.going_live import Gate, LitFacts
from pharmacy.domain.roles import Role
from pharmacy.persistence.studies import Study
from pharmacy.services import people as people_verbs
from pharmacy.services import studies as study_verbs
from tests.domain.test_going_live import READY
from tests.support.browser import Browser, open_house, signed_in
from tests.support.builders import MIGHT, PASSWORD, Trial, add_person, make_trial
from tests.support.live_study import BACKUP, SITE, approve, plant_mail_and_factors

SIGNED = {"password": PASSWORD}


@pytest.fixture
def trial(sqlite_url: str) -> Trial:
    """The live study, being prepared, with people in it."""
    made = make_trial(sqlite_url)
    made.ids["sponsor"] = add_person_without_role(made)
    study = made.do("administrator", study_verbs.make_study, "live", MIGHT.read_text(), SITE)
    live = replace(made, study_id=study.id)
    for who, role in (
        ("investigator", Role.INVESTIGATOR),
        ("pharmacist", Role.PHARMACIST),
        ("nurse", Role.NURSE),
        ("coordinator", Role.COORDINATOR),
    ):
        with live.act("administrator") as act:
            people_verbs.give_roles(act, live.ids[who], study.id, frozenset({role}))
    return live


def add_person_without_role(made: Trial) -> str:
    return add_person(made, "sponsor", "Sue Pons", Role.SPONSOR_CONTACT)


@pytest.fixture
def app(trial: Trial, sqlite_url: str, tmp_path: Path) -> Flask:
    return open_house(trial, sqlite_url, tmp_path)


def text_of(answer) -> str:
    return unescape(answer.get_data(as_text=True))


def at(trial: Trial, rest: str) -> str:
    return f"/study/{trial.study_id}/{rest}"


def sign(browser: Browser, path: str, **typed: object):
    """Fill the form of a page that names what is signed."""
    found = re.search(r'name="fingerprint" value="([0-9a-f]{64})"', text_of(browser.get(path)))
    assert found is not None
    return browser.fill(path, fingerprint=found[1], **{**SIGNED, **typed})


def test_the_protocol_is_read_as_tables(app: Flask, trial: Trial) -> None:
    """E21: nobody signs a fingerprint; arms, visits, ladders and limits stand there as words."""
    page = text_of(signed_in(app, "nurse").get(at(trial, "protocol")))
    for words in (
        "immune globulin intravenous (human) 10%",
        "3 days before to 3 after",
        "0.04 mL/kg/min",
        "infusion completed within 8 h",
        "to the nearest step; halfway goes down of 5 g",
        "Not signed yet",
    ):
        assert words in page
    assert "Read and approve" not in page
    assert "Confirm marked defaults" not in page


def test_a_sponsor_contact_lands_on_the_protocol(app: Flask, trial: Trial) -> None:
    """Each role lands on its work."""
    practice = signed_in(app, "sponsor").get("/").headers["Location"]
    assert practice.endswith("/protocol")


def test_both_sides_approve_and_the_page_says_who_when_and_what(app: Flask, trial: Trial) -> None:
    """F1, F2, E21."""
    for who in ("investigator", "pharmacist"):
        browser = signed_in(app, who)
        wrong = sign(browser, at(trial, "protocol/approve"), password="not my password")
        assert wrong.status_code == 403
        assert sign(browser, at(trial, "protocol/approve")).status_code == 303
    page = text_of(signed_in(app, "coordinator").get(at(trial, "protocol")))
    assert "Ana Rivera" in page
    assert "Tom Lang" in page
    assert page.count("I have read this protocol version and approve it") == 2
    assert page.count("2 Mar 2026 08:30 CST") == 3


def test_defaults_are_confirmed_one_by_one(app: Flask, trial: Trial) -> None:
    """What is left unticked stays open; nothing ticked is a sentence."""
    browser = signed_in(app, "pharmacist")
    path = at(trial, "protocol/defaults")
    assert "Tick each marked default" in text_of(sign(browser, path))
    assert sign(browser, path, defaults=["2"]).status_code == 303
    page = text_of(browser.get(path))
    assert page.count("Confirmed") >= 1
    assert 'value="2"' not in page
    assert 'value="3"' in page
    assert sign(browser, path, defaults=["99"]).status_code == 400


def test_who_may_not_sign_is_shown_no_form_and_refused(app: Flask, trial: Trial) -> None:
    """E16."""
    for who in ("nurse", "coordinator", "administrator"):
        browser = signed_in(app, who)
        for rest in ("protocol/approve", "protocol/defaults"):
            assert browser.get(at(trial, rest)).status_code == 403
        page = text_of(browser.get(at(trial, "going-live")))
        assert "Sign to go live" not in page
        assert "List loaded, with its certificate" in page


def test_every_gate_stands_on_the_page_with_who_opens_it(app: Flask, trial: Trial) -> None:
    """A link only for those who may go there."""
    admin = text_of(signed_in(app, "administrator").get(at(trial, "going-live")))
    nurse = text_of(signed_in(app, "nurse").get(at(trial, "going-live")))
    for page in (admin, nurse):
        assert page.count('<li class="gate">') == len(Gate)
        assert "Preparing: nobody takes part yet" in page
    assert "going-live/test-notice" in admin
    assert "going-live/test-notice" not in nurse
    assert "Go there" not in nurse


def test_closed_gates_refuse_and_open_ones_go_live(app: Flask, trial: Trial) -> None:
    """E21: from the page, with both signatures; the lit room's facts stand as if it told them."""
    house = app.extensions["twinbag"]
    investigator = signed_in(app, "investigator")
    refused = sign(investigator, at(trial, "going-live"))
    assert refused.status_code == 409
    assert "The study cannot go live yet: Protocol approved by two people" in text_of(refused)
    browsers = {who: signed_in(app, who) for who in ("investigator", "pharmacist", "nurse")}
    _open_every_gate(app, trial)
    lit = READY.lit
    assert isinstance(lit, LitFacts)
    house.lit_facts = lambda act: lit
    for who in ("investigator", "pharmacist"):
        browser = browsers[who]
        house.surroundings = replace(house.surroundings, demands_second_factor=True)
        answer = sign(browser, at(trial, "going-live"))
        assert answer.status_code == 303, text_of(answer)
    page = text_of(browsers["nurse"].get(at(trial, "going-live")))
    assert "Live since 2 Mar 2026" in page
    assert "Preparing: nobody takes part yet" not in page
    assert "MIGHT, live" in page


def _open_every_gate(app: Flask, trial: Trial) -> None:
    approve(trial)
    admin = signed_in(app, "administrator")
    assert admin.fill(at(trial, "going-live/test-notice")).status_code == 303
    drill = {"drilled_on": "2026-03-01", "sha256": BACKUP}
    answer = admin.fill(at(trial, "going-live/restore-drill"), **drill, **SIGNED)
    assert answer.status_code == 303
    said = {"pharmacy_place": "Safe", "physician_name": "Dr. Ames"}
    cards = signed_in(app, "pharmacist").fill(
        at(trial, "going-live/cards"), **said, physician_phone="205-555-0177", **SIGNED
    )
    assert cards.status_code == 303
    plant_mail_and_factors(trial)


@pytest.mark.parametrize(
    ("page", "field", "text"),
    [
        ("restore-drill", "drilled_on", "2026-03-03"),
        ("restore-drill", "drilled_on", ""),
        ("restore-drill", "sha256", "5a"),
        ("restore-drill", "password", "not my password"),
        ("cards", "pharmacy_place", ""),
        ("cards", "physician_name", "x"),
        ("cards", "physician_phone", "later"),
        ("cards", "password", "not my password"),
    ],
)
def test_a_wrong_answer_is_named_beside_its_field(
    app: Flask, trial: Trial, page: str, field: str, text: str
) -> None:
    """Forms: one pattern, the sentence beside the field, and nothing signed."""
    who = "administrator" if page == "restore-drill" else "pharmacist"
    typed = {
        "drilled_on": "2026-03-01",
        "sha256": BACKUP,
        "pharmacy_place": "Safe",
        "physician_name": "Dr. Ames",
        "physician_phone": "205-555-0177",
        **SIGNED,
        field: text,
    }
    answer = signed_in(app, who).fill(at(trial, f"going-live/{page}"), **typed)
    assert answer.status_code in (400, 403)
    assert f'id="{field}-error"' in text_of(answer)


def test_a_practice_study_says_that_it_never_goes_live(app: Flask, trial: Trial) -> None:
    """C7."""
    browser = signed_in(app, "monitor")
    (practice,) = re.findall(r"/study/([0-9a-f]{32})", browser.get("/").headers["Location"])
    page = text_of(browser.get(f"/study/{practice}/going-live"))
    assert "A practice study never goes live" in page
    assert isinstance(browser, Browser)


def test_the_stage_page_leads_from_being_prepared_to_going_live(app: Flask, trial: Trial) -> None:
    """C7, E21: nobody locks what was never open; a practice study has no such stage."""
    browser = signed_in(app, "coordinator")
    page = text_of(browser.get(at(trial, "stage")))
    assert "From preparing to closed." in page
    assert "The study is being prepared" in page
    assert f'href="{at(trial, "going-live")}"' in page
    assert "Sign the data lock" not in page
    with trial.look("coordinator") as act:
        mode = Study.code == "MIGHT", Study.mode == "practice"
        practice = act.uow.session.scalars(sa.select(Study.id).where(*mode)).one()
    page = text_of(browser.get(f"/study/{practice}/stage"))
    assert "From open to closed." in page
    assert "being prepared" not in page
    assert "Sign the data lock" in page
