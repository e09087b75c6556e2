"""A dummy list first, confirmed by two people, and never a list for people (C7)."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.unblinded import dummy_lists, list_derivation, sealed_list
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables import DummyConfirmation, SealedList, Stratum
from tests.support.builders import PASSWORD
from tests.support.lit_builders import PEPPER, Browser, LitStudy, open_study, table_of
from tests.support.world import build_app
from tests.unblinded.list_acts import (
    blinded_events,
    confirm,
    live_twin,
    loaded,
    make,
    other_table,
    sealed_events,
    send_list,
)

RULES = rules_of("MIGHT")
TICKED = {"compared": "y", "password": PASSWORD}


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A practice study whose dummy list is loaded."""
    return open_study(sqlite_url)


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """The product on the study's database."""
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def _confirm(browser: Browser, **changes: str):
    said = {**TICKED, **changes}
    return browser.post(
        browser.lit("list/dummy"), **{name: value for name, value in said.items() if value}
    )


# In the practice study ---------------------------------------------------------------------


def test_a_practice_studys_list_is_a_dummy_and_says_so(study: LitStudy, app: Flask) -> None:
    """On the form, on the certificate, in the database and in both trails."""
    row = loaded(study)
    assert row is not None
    assert row.dummy
    statistician = study.lit_browser(app, "statistician")
    page = statistician.get(statistician.lit("list")).text
    assert "DUMMY LIST. It will never be used for people." in page
    assert "TRAINING - NOT FOR HUMAN USE" in page
    assert "This is a dummy list and will never be used for people." in page
    assert "not live in REDCap" not in page
    (said,) = blinded_events(study, "list_loaded")
    assert b'"dummy":true' in said
    (sealed,) = [one for one in sealed_events(study) if one["event"] == "list_loaded"]
    assert sealed["dummy"] is True


def test_the_form_of_a_practice_study_takes_a_dummy_only(sqlite_url: str, tmp_path: Path) -> None:
    study = open_study(sqlite_url, loaded=False)
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    statistician = study.lit_browser(app, "statistician")
    page = statistician.get(statistician.lit("list")).text
    assert "only a dummy list is loaded here" in page
    answer = send_list(statistician, table_of(), statement="")
    assert answer.status_code == 400
    assert "This is a dummy list and will never be used for people." in answer.text
    assert loaded(study) is None


def test_two_people_of_the_bench_confirm_it(study: LitStudy, app: Flask) -> None:
    """Each compares rows and commitment and signs; name and moment stand on both pages."""
    row = loaded(study)
    assert row is not None
    for who, name in (("pharmacist", "Tom Lang"), ("checker", "Rose Okafor")):
        browser = study.lit_browser(app, who)
        page = browser.get(browser.lit("list/dummy")).text
        assert row.commitment.hex()[:4] in page
        assert "All participants" in page
        answer = _confirm(browser)
        assert answer.status_code == 303, answer.text
        shown = browser.get(answer.location).text
        assert "You have confirmed the dummy list." in shown
        assert f">{name}<" in shown
    statistician = study.lit_browser(app, "statistician")
    page = statistician.get(statistician.lit("list")).text
    assert ">Tom Lang<" in page
    with study.trial.look("statistician") as act:
        assert dummy_lists.is_confirmed(act, row)


def test_both_trails_know_and_the_blinded_one_holds_no_commitment(study: LitStudy) -> None:
    """What the blinded side keeps would be the same with any other list (C1)."""
    row = loaded(study)
    assert row is not None
    confirm(study, "pharmacist")
    (said,) = blinded_events(study, "dummy_list_confirmed")
    assert row.commitment.hex().encode() not in said
    sealed = [one for one in sealed_events(study) if one["event"] == "dummy_list_confirmed"]
    assert [one["commitment"] for one in sealed] == [row.commitment.hex()]


def test_sent_twice_a_person_confirms_once(study: LitStudy, app: Flask) -> None:
    """One person is never two."""
    browser = study.lit_browser(app, "pharmacist")
    assert _confirm(browser).status_code == 303
    assert _confirm(browser).status_code == 303
    assert len(blinded_events(study, "dummy_list_confirmed")) == 1
    row = loaded(study)
    assert row is not None
    with study.trial.look("pharmacist") as act:
        assert not dummy_lists.is_confirmed(act, row)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"compared": ""}, "compared"),
        ({"password": ""}, "password"),
        ({"password": "x"}, "password"),
    ],
)
def test_tick_and_password_are_needed(
    study: LitStudy, app: Flask, changes: dict[str, str], field: str
) -> None:
    browser = study.lit_browser(app, "pharmacist")
    answer = _confirm(browser, **changes)
    assert answer.status_code in (400, 403)
    assert f'id="{field}-error"' in answer.text
    assert ("checked" in answer.text) is (field != "compared"), "what was typed is kept"
    assert blinded_events(study, "dummy_list_confirmed") == []


def test_who_loaded_it_does_not_confirm_it(study: LitStudy, app: Flask) -> None:
    """The statistician has no such door; a pharmacist who had to load is refused by a sentence."""
    statistician = study.lit_browser(app, "statistician")
    assert _confirm(statistician).status_code == 403
    room = study.room("pharmacist")
    with study.trial.act("statistician") as act:
        row = act.uow.session.get_one(SealedList, study.study_id)
        row.loaded_by = study.trial.ids["pharmacist"]
        act.record("changed_by_test", "list")
    with pytest.raises(Refusal, match="Whoever loaded the list does not confirm it"):
        study.trial.do("pharmacist", dummy_lists.confirm, room, RULES, True, PASSWORD)


def test_a_locked_room_confirms_nothing(study: LitStudy, app: Flask) -> None:
    """Opening it is what compares the list's signature with the person's pins."""
    browser = study.browser(app, "pharmacist")
    assert "The room is locked" in browser.get(browser.lit("list/dummy")).text
    assert "/open" in _confirm(browser).location
    assert blinded_events(study, "dummy_list_confirmed") == []


def test_rows_that_the_rules_do_not_ask_for_are_not_confirmed(study: LitStudy) -> None:
    with study.trial.act("statistician") as act:
        act.uow.session.execute(sa.update(Stratum).values(slots=16))
        act.record("changed_by_test", "list")
    with pytest.raises(Refusal, match="not those that the rules ask for"):
        confirm(study, "pharmacist")


def test_before_a_list_there_is_nothing_to_confirm(sqlite_url: str, tmp_path: Path) -> None:
    study = open_study(sqlite_url, loaded=False)
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.lit_browser(app, "pharmacist")
    assert "No list is loaded" in browser.get(browser.lit("list/dummy")).text
    assert _confirm(browser).status_code == 404


def test_a_confirmation_is_of_this_list_and_no_other(study: LitStudy) -> None:
    """Somebody who can write the database does not carry it over to another commitment."""
    confirm(study, "pharmacist", "checker")
    with study.trial.act("statistician") as act:
        row = act.uow.session.get_one(SealedList, study.study_id)
        assert dummy_lists.is_confirmed(act, row)
        act.uow.session.execute(sa.update(DummyConfirmation).values(commitment=bytes(32)))
        act.record("changed_by_test", "list")
        assert not dummy_lists.is_confirmed(act, row)


# Before the list that counts -----------------------------------------------------------------


@pytest.mark.parametrize("confirmed", [(), ("pharmacist",), ("pharmacist", "pharmacist")])
def test_no_live_list_before_two_people_confirmed_a_dummy(
    study: LitStudy, confirmed: tuple[str, ...]
) -> None:
    confirm(study, *confirmed)
    live = live_twin(study)
    with live.trial.look("statistician") as act:
        assert "No dummy list of MIGHT is confirmed yet" in sealed_list.ready_to_load(act)
    with pytest.raises(Refusal, match="No dummy list of MIGHT is confirmed yet"):
        live.load("1122" * 3)
    with pytest.raises(Refusal, match="No dummy list of MIGHT is confirmed yet"):
        make(live)
    assert loaded(live) is None


def test_after_the_dummy_a_live_list_is_loaded_and_is_no_dummy(study: LitStudy, app: Flask) -> None:
    """Its form states that it is not live in REDCap, and nobody confirms it as a dummy."""
    confirm(study, "pharmacist2", "checker")
    live = live_twin(study)
    statistician = live.lit_browser(app, "statistician")
    page = statistician.get(statistician.lit("list")).text
    assert "This list is not live in REDCap." in page
    assert "dummy" not in page.casefold()
    assert send_list(statistician, other_table(), statement="").status_code == 400
    answer = send_list(statistician, other_table())
    assert answer.status_code == 303, answer.text
    row = loaded(live)
    assert row is not None
    assert not row.dummy
    page = statistician.get(statistician.lit("list")).text
    assert "This list is not live in REDCap." in page
    assert "DUMMY" not in page
    with pytest.raises(Refusal, match="is not a dummy list"):
        confirm(live, "pharmacist")


def test_a_dummy_of_another_protocol_does_not_count(study: LitStudy) -> None:
    confirm(study, "pharmacist", "checker")
    live = live_twin(study)
    text = (
        "UPDATE protocol_version SET toml_text = replace(toml_text, :old, :new) WHERE study_id=:s"
    )
    with live.trial.act("administrator") as act:
        said = {"old": 'code = "MIGHT"', "new": 'code = "OTHER"', "s": study.study_id}
        assert act.uow.session.execute(sa.text(text), said).rowcount == 1
        act.record("changed_by_test", "study")
    with live.trial.look("statistician") as act:
        assert "No dummy list of MIGHT is confirmed yet" in sealed_list.ready_to_load(act)


def test_the_dummy_list_itself_is_never_loaded_live(study: LitStudy) -> None:
    """The loader's own keys open the practice study's opening, and the rows are the same."""
    confirm(study, "pharmacist", "checker")
    live = live_twin(study)
    with pytest.raises(Refusal, match="This is the dummy list of the practice study MIGHT-TRY"):
        live.load()
    assert loaded(live) is None
    live.load("1122" * 3)


def test_a_live_list_is_never_tried_out(study: LitStudy) -> None:
    """The other way round: a practice study refuses the list that counts."""
    confirm(study, "pharmacist", "checker")
    live = live_twin(study)
    live.load("1122" * 3)
    with study.trial.act("statistician") as act:
        for table in ("lit_dummy_confirmation", "lit_list", "lit_stratum"):
            act.uow.session.execute(
                sa.text(f"DELETE FROM {table} WHERE study_id = :s"), {"s": study.study_id}
            )
        act.record("changed_by_test", "list")
    with pytest.raises(Refusal, match="This is the list of the live study MIGHT"):
        study.load("1122" * 3, rules=RULES)


def test_what_the_loader_holds_no_key_of_is_not_seen(study: LitStudy) -> None:
    """The limit that the docstring names, so that nobody relies on more."""
    confirm(study, "pharmacist", "checker")
    live = live_twin(study)
    statistician = study.trial.ids["statistician"]
    with study.trial.act("statistician") as act:
        wraps = "DELETE FROM lit_key_wrap WHERE study_id = :s AND recipient = :r"
        act.uow.session.execute(sa.text(wraps), {"s": study.study_id, "r": statistician})
        act.record("changed_by_test", "keys")
    live.load()
    assert loaded(live) is not None


def test_a_live_list_may_be_made_here(study: LitStudy) -> None:
    confirm(study, "pharmacist", "checker")
    live = live_twin(study)
    row = make(live)
    assert (row.dummy, row.source) == (False, "made")
    words = live.passphrases["statistician"]
    assert live.do(
        "statistician", list_derivation.derive_again, RULES, words, "form-of-16-letters", PEPPER
    )


def test_an_unticked_statement_names_the_statement(study: LitStudy) -> None:
    confirm(study, "pharmacist", "checker")
    live = live_twin(study)
    words = live.passphrases["statistician"]
    with pytest.raises(BadForm, match="This list is not live in REDCap"):
        live.do("statistician", list_derivation.make, RULES, PASSWORD, words, False, PEPPER)
