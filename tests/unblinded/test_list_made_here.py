"""A list made here: sealed like a loaded one, its seed its maker's alone, made again on demand."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import proves
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.wrapping import unwrap, wrap
from pharmacy.domain.errors import Refusal
from pharmacy.unblinded import contexts, list_derivation
from pharmacy.unblinded.holders import keys_of, unlock_own
from pharmacy.unblinded.list_making import made_table
from pharmacy.unblinded.list_table import canonical_list_bytes, read_table
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables import KEY_SIZE, SealedList, Slot
from tests.support.builders import PASSWORD
from tests.support.lit_builders import PEPPER, Browser, LitStudy, open_study, table_of
from tests.support.world import build_app
from tests.unblinded import list_examples as examples
from tests.unblinded.list_acts import blinded_events, loaded, make, sealed_events, send_list, typed

RULES = rules_of("MIGHT")


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Everybody is enrolled and no list is loaded."""
    return open_study(sqlite_url, loaded=False)


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """The product on the study's database."""
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


@pytest.fixture
def browser(study: LitStudy, app: Flask) -> Browser:
    """The statistician with the room open."""
    return study.lit_browser(app, "statistician")


def _seed(study: LitStudy) -> bytes:
    """The seed as its maker alone can open it."""
    with study.trial.act("statistician") as act:
        keys, unlocked = unlock_own(act, study.passphrases["statistician"], PEPPER)
        row = act.uow.session.get_one(SealedList, study.study_id)
        assert row.seed_wrap is not None
        context = contexts.list_seed(study.study_id, keys.person_id, keys.exchange_public)
        return unwrap(unlocked.record.exchange_private, row.seed_wrap, context)


def test_a_list_is_made_and_follows_its_rules(browser: Browser) -> None:
    """Made on the page, sealed slot by slot, its commitment over what the seed gives (C3)."""
    study = browser.study
    answer = browser.post(browser.lit("list/make"), **typed(browser))
    assert answer.status_code == 303, answer.text
    page = browser.get(browser.lit("list")).text
    assert "Made here from a sealed seed" in page
    assert "I had this study&#39;s allocation list made here." in page
    row, room = loaded(study), study.room("statistician")
    assert row is not None
    assert room.list_key is not None
    made = read_table(made_table(_seed(study), RULES), RULES)
    context = contexts.list_opening(study.study_id, 1)
    opening = open_sealed(room.list_key, row.opening, KEY_SIZE, context)
    assert proves(row.commitment, opening, canonical_list_bytes(made))
    with study.trial.look("statistician") as act:
        assert len(act.uow.session.scalars(sa.select(Slot)).all()) == 12


def test_a_made_list_works_like_a_loaded_one(study: LitStudy) -> None:
    """Holders' pins accept it, and slots are given in order."""
    make(study)
    for who in ("pharmacist", "checker"):
        study.room(who)
    study.enrolled("M-002")


def test_two_studies_get_two_lists(sqlite_url: str, study: LitStudy) -> None:
    """The seed is drawn: another draw is another seed."""
    make(study)
    draw = study.trial.chance
    assert _seed(study) not in (draw("lit list seed", 32), bytes(32))


def test_nobody_but_the_maker_opens_the_seed(study: LitStudy) -> None:
    """Not a pharmacist who holds the list key, not the list key, not under another name (C6)."""
    row = make(study)
    assert row.seed_wrap is not None
    for who in ("pharmacist", "pharmacist2", "checker"):
        with study.trial.act(who) as act:
            keys, unlocked = unlock_own(act, study.passphrases[who], PEPPER)
            mine = contexts.list_seed(study.study_id, keys.person_id, keys.exchange_public)
            maker = keys_of(act, row.loaded_by)
            assert maker is not None
            makers = contexts.list_seed(study.study_id, maker.person_id, maker.exchange_public)
        room = study.room(who)
        known = [unlocked.record.exchange_private, room.record_key, room.list_key or bytes(32)]
        for key in known:
            for context in (mine, makers):
                with pytest.raises(CannotOpen):
                    unwrap(key, row.seed_wrap, context)


def test_sent_twice_it_is_made_once(browser: Browser) -> None:
    """A loaded list is never replaced by a made one, nor the other way round."""
    assert browser.post(browser.lit("list/make"), **typed(browser)).status_code == 303
    before = loaded(browser.study)
    assert browser.post(browser.lit("list/make"), **typed(browser)).status_code == 303
    refused = send_list(browser, table_of())
    assert refused.status_code == 409
    assert "cannot be replaced" in refused.text
    after = loaded(browser.study)
    assert before is not None
    assert after is not None
    assert (after.commitment, after.seed_wrap) == (before.commitment, before.seed_wrap)
    assert len(blinded_events(browser.study, "list_loaded")) == 1


def test_where_a_table_is_loaded_none_is_made(browser: Browser) -> None:
    assert send_list(browser, table_of()).status_code == 303
    refused = browser.post(browser.lit("list/make"), **typed(browser))
    assert refused.status_code == 409
    row = loaded(browser.study)
    assert row is not None
    assert (row.source, row.seed_wrap) == ("redcap", None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"statement": ""}, "statement"),
        ({"password": "not the password of anybody"}, "password"),
        ({"passphrase": "not the six words at all"}, "passphrase"),
    ],
)
def test_statement_and_both_secrets_are_needed(
    browser: Browser, changes: dict[str, str], field: str
) -> None:
    answer = browser.post(browser.lit("list/make"), **typed(browser, **changes))
    assert answer.status_code in (400, 403)
    assert f'id="{field}-error"' in answer.text
    assert ("checked" in answer.text) is (field != "statement"), "what was typed is kept"
    assert loaded(browser.study) is None


def test_a_locked_room_makes_nothing(study: LitStudy, app: Flask) -> None:
    locked = study.browser(app, "statistician")
    answer = locked.post(locked.lit("list/make"), **typed(locked))
    assert answer.status_code == 303
    assert "/open" in answer.location
    assert loaded(study) is None


@pytest.mark.parametrize("who", ["pharmacist", "checker"])
def test_who_prepares_never_makes_a_list(study: LitStudy, app: Flask, who: str) -> None:
    browser = study.lit_browser(app, who)
    assert browser.post(browser.lit("list/make"), **typed(browser)).status_code == 403


def test_the_pages_say_nothing_of_block_lengths(browser: Browser) -> None:
    """What a screen shows may be seen by others (C4)."""
    before = browser.get(browser.lit("list/make")).text
    browser.post(browser.lit("list/make"), **typed(browser))
    for page in (before, browser.get(browser.lit("list")).text):
        assert "block" not in page.casefold()


# Made again -----------------------------------------------------------------------------------


def _derive(browser: Browser, operation_id: str = "", **changes: str):
    said = {"passphrase": browser.study.passphrases[browser.who], **changes}
    return browser.post(browser.lit("list/derive"), operation_id, **said)


def test_the_list_made_again_is_the_same(browser: Browser) -> None:
    """Both trails say that it was done, and with what result; no row is shown (C5, C8)."""
    study = browser.study
    make(study)
    answer = _derive(browser)
    assert answer.status_code == 303, answer.text
    page = browser.get(answer.location).text
    assert "The same: made again from its seed" in page
    (said,) = blinded_events(study, "list_derived_again")
    assert b'"result":"the same"' in said
    sealed = [one for one in sealed_events(study) if one["event"] == "list_derived_again"]
    assert [one["result"] for one in sealed] == ["the same"]
    groups = "".join(line[:1] for line in made_table(_seed(study), RULES).decode().split()[1:])
    assert len(groups) == 12
    for shown in (page, browser.get(browser.lit("list/derive")).text):
        assert groups not in "".join(shown.split())


def test_one_form_is_written_down_once_and_two_forms_twice(browser: Browser) -> None:
    make(browser.study)
    for operation_id in ("derive-again-0001", "derive-again-0001", "derive-again-0002"):
        assert _derive(browser, operation_id).status_code == 303
    assert len(blinded_events(browser.study, "list_derived_again")) == 2


def _swap_seed(study: LitStudy) -> None:
    """Somebody who can write the database wraps another seed to the statistician."""
    with study.trial.act("statistician") as act:
        row = act.uow.session.get_one(SealedList, study.study_id)
        keys = keys_of(act, row.loaded_by)
        assert keys is not None
        context = contexts.list_seed(study.study_id, keys.person_id, keys.exchange_public)
        row.seed_wrap = wrap(keys.exchange_public, bytes(32), context)
        act.record("changed_by_test", "list")


def _damage_seed(study: LitStudy) -> None:
    with study.trial.act("statistician") as act:
        row = act.uow.session.get_one(SealedList, study.study_id)
        row.seed_wrap = bytes(80)
        act.record("changed_by_test", "list")


@pytest.mark.parametrize("change", [_swap_seed, _damage_seed])
def test_a_seed_of_another_list_is_found_and_written_down(browser: Browser, change) -> None:
    study = browser.study
    make(study)
    change(study)
    answer = _derive(browser)
    assert answer.status_code == 409
    assert "is not the one that is loaded" in answer.text
    (said,) = blinded_events(study, "list_derived_again")
    assert b"not the same" in said


def test_other_rules_than_then_are_found(study: LitStudy) -> None:
    """A rules file that was changed since gives another list."""
    make(study)
    rules = examples.parse_list_rules(
        examples.MIGHT_TOML.replace("lengths = [4]", "lengths = [4]\norder = [4, 4, 4]")
    )
    words = study.passphrases["statistician"]
    same = study.do(
        "statistician", list_derivation.derive_again, rules, words, "a-form-of-16-chars", PEPPER
    )
    assert same is False


def test_only_a_list_that_was_made_here_can_be_made_again(browser: Browser) -> None:
    send_list(browser, table_of())
    assert "No seed for you" in browser.get(browser.lit("list/derive")).text
    answer = _derive(browser)
    assert answer.status_code == 409
    assert "was not made here" in answer.text


def test_the_passphrase_is_needed_again(browser: Browser) -> None:
    make(browser.study)
    answer = _derive(browser, passphrase="not the six words at all")
    assert answer.status_code == 403
    assert 'id="passphrase-error"' in answer.text
    assert blinded_events(browser.study, "list_derived_again") == []


def test_another_statistician_cannot_make_it_again(study: LitStudy) -> None:
    """The list is whose it is: the row says so, and the wrap opens for nobody else."""
    row = make(study)
    with study.trial.act("statistician") as act:
        held = act.uow.session.get_one(SealedList, study.study_id)
        held.loaded_by = study.trial.ids["pharmacist"]
        act.record("changed_by_test", "list")
    words = study.passphrases["statistician"]
    with pytest.raises(Refusal, match="sealed to whoever made the list"):
        study.do(
            "statistician", list_derivation.derive_again, RULES, words, "form-of-16-letters", PEPPER
        )
    assert row.source == "made"


def test_the_password_signs_a_made_list(study: LitStudy) -> None:
    """Nobody who found an open room makes a list with the passphrase alone."""
    words = study.passphrases["statistician"]
    with pytest.raises(Refusal, match="not your password"):
        study.do("statistician", list_derivation.make, RULES, PASSWORD[:-1], words, True, PEPPER)
    assert loaded(study) is None
