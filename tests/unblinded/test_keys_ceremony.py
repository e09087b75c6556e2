"""The whole ceremony as people do it in their browsers, from no keys to a loaded list."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask

from pharmacy.crypto.commitments import join
from pharmacy.crypto.words import words_to_secret
from pharmacy.crypto.wrapping import key_pair
from pharmacy.unblinded import contexts
from tests.support.builders import PASSWORD, add_person, make_trial
from tests.support.lit_builders import HOLDERS, LIT_PEOPLE, Browser, LitStudy, table_of
from tests.support.world import build_app


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study whose lit room nobody has touched yet."""
    made = LitStudy(make_trial(sqlite_url))
    for name, (full_name, role) in LIT_PEOPLE.items():
        made.trial.ids[name] = add_person(made.trial, name, full_name, role)
    return made


@pytest.fixture
def app(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Flask:
    """The product on the study's database."""
    return build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)


def _words(page: str) -> list[str]:
    return [
        " ".join(re.findall(r"<li>([a-z-]+)</li>", words))
        for words in re.findall(r'<ol class="words[^"]*">(.*?)</ol>', page, re.S)
    ]


def _make_keys(browser: Browser) -> str:
    shown = browser.post(browser.lit("keys/make"))
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    (passphrase,) = _words(shown.text)
    confirmed = browser.post(browser.lit("keys/confirm"), passphrase=passphrase)
    assert confirmed.status_code == 303, confirmed.text
    browser.study.passphrases[browser.who] = passphrase
    return passphrase


def test_the_whole_ceremony(study: LitStudy, app: Flask, sqlite_url: str) -> None:
    """Two secrets, compared fingerprints, keys for four holders, a sealed list (C1, H5)."""
    statistician = study.browser(app, "statistician")
    blocked = statistician.get(statistician.lit("list"))
    assert "keys are not made yet" in blocked.text

    passphrase = _make_keys(statistician)
    assert len(passphrase.split()) == 6
    sheets = statistician.post(statistician.lit("holders/found"), passphrase=passphrase)
    printed = _words(sheets.text)
    assert len(printed) == 4
    assert sheets.headers["Cache-Control"] == "no-store"
    _check_recovery(study, sqlite_url, printed)
    assert "At least 2 pharmacists" in statistician.get(statistician.lit("list")).text

    for who in HOLDERS:
        holder = study.browser(app, who)
        _make_keys(holder)
        (heard,) = _words(holder.get(holder.lit("keys")).text)
        assert heard == study.six_words(who)
        page = statistician.lit(f"holders/{study.trial.ids[who]}")
        assert heard not in statistician.get(page).text, "what is typed is what was heard"
        granted = statistician.post(page, words=heard, passphrase=passphrase)
        assert granted.status_code == 303, granted.text
        opened = holder.open_room()
        assert opened.status_code == 303, opened.text

    assert statistician.open_room().status_code == 303
    loaded = statistician.post(
        statistician.lit("list"),
        table=(BytesIO(table_of()), "list.csv"),
        statement="y",
        password=PASSWORD,
        passphrase=passphrase,
    )
    assert loaded.status_code == 303, loaded.text
    certificate = statistician.get(statistician.lit("list"))
    assert "UNBLINDED - PHARMACY ONLY" in certificate.text
    assert "This is a dummy list and will never be used for people." in certificate.text
    for who in ("statistician", *HOLDERS):
        assert study.six_words(who) in certificate.text
    _check_nothing_kept(sqlite_url, [*printed, *study.passphrases.values()])


def _check_recovery(study: LitStudy, url: str, printed: list[str]) -> None:
    """Either pair is the private half of the stored recovery key, and nothing else is (H8)."""
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as database:
        ((stored,),) = database.execute("SELECT recovery_public FROM lit_study_keys")
    a1, b1, a2, b2 = (
        words_to_secret(words, contexts.recovery_half(study.study_id, stored, name))
        for words, name in zip(printed, ("A1", "B1", "A2", "B2"), strict=True)
    )
    assert key_pair(join(a1, b1))[1] == stored
    assert key_pair(join(a2, b2))[1] == stored
    for one, other in ((a1, a2), (a1, b2), (b1, a2), (b1, b2)):
        assert key_pair(join(one, other))[1] != stored
    for alone in (a1, b1, a2, b2):
        assert key_pair(alone)[1] != stored


def _check_nothing_kept(url: str, secrets: list[str]) -> None:
    path = Path(url.removeprefix("sqlite:///"))
    stored = b"".join(part.read_bytes() for part in path.parent.glob(f"{path.name}*"))
    for secret in secrets:
        assert secret.encode() not in stored
        assert secret.split()[0].encode() + b" " + secret.split()[1].encode() not in stored


def test_keys_count_only_when_the_passphrase_was_typed_back(study: LitStudy, app: Flask) -> None:
    """Not confirmed: made anew on request, and of no use; confirmed: never made anew (H5)."""
    browser = study.browser(app, "statistician")
    lost = _words(browser.post(browser.lit("keys/make")).text)[0]
    refused = browser.post(browser.lit("holders/found"), passphrase=lost)
    assert refused.status_code == 409
    assert "Make them first" in refused.text
    kept = _words(browser.post(browser.lit("keys/make")).text)[0]
    assert kept != lost
    wrong = browser.post(browser.lit("keys/confirm"), passphrase=lost)
    assert wrong.status_code == 403
    assert 'id="passphrase-error"' in wrong.text
    typed = f"  {kept.upper().replace(' ', '  ')} "
    assert browser.post(browser.lit("keys/confirm"), passphrase=typed).status_code == 303
    assert browser.post(browser.lit("keys/confirm"), passphrase=kept).status_code == 303
    assert browser.post(browser.lit("keys/make")).status_code == 409
    assert kept not in browser.get(browser.lit("keys")).text


@pytest.mark.parametrize("typed", ["", "   ", "word " * 400, "six wrong words of no use"])
def test_a_passphrase_that_is_none_gets_a_sentence(study: LitStudy, app: Flask, typed: str) -> None:
    """Nothing, spaces, and a text longer than any passphrase are no bug."""
    browser = study.browser(app, "statistician")
    browser.post(browser.lit("keys/make"))
    answer = browser.post(browser.lit("keys/confirm"), passphrase=typed)
    assert answer.status_code in (400, 403)
    assert 'id="passphrase-error"' in answer.text


def test_passphrases_are_not_guessed_quickly(study: LitStudy, app: Flask) -> None:
    """After five misses the next try waits, whatever it says (G6)."""
    browser = study.browser(app, "statistician")
    passphrase = _words(browser.post(browser.lit("keys/make")).text)[0]
    for _ in range(5):
        assert browser.post(browser.lit("keys/confirm"), passphrase="a b c").status_code == 403
    early = browser.post(browser.lit("keys/confirm"), passphrase=passphrase)
    assert early.status_code == 409
    assert "Wait" in early.text
    study.trial.clock.move(seconds=61)
    assert browser.post(browser.lit("keys/confirm"), passphrase=passphrase).status_code == 303


def test_the_study_keys_are_made_once(study: LitStudy, app: Flask, sqlite_url: str) -> None:
    """A second founding is refused; new recovery sheets replace the old."""
    browser = study.browser(app, "statistician")
    passphrase = _make_keys(browser)
    wrong = browser.post(browser.lit("holders/found"), passphrase="a b c d e f")
    assert wrong.status_code == 403
    assert 'id="passphrase-error"' in wrong.text
    old = _words(browser.post(browser.lit("holders/found"), passphrase=passphrase).text)
    again = browser.post(browser.lit("holders/found"), passphrase=passphrase)
    assert again.status_code == 409
    assert not _words(again.text)
    new = _words(browser.post(browser.lit("recovery/reissue"), passphrase=passphrase).text)
    assert not set(old) & set(new)
    _check_recovery(study, sqlite_url, new)
    assert browser.open_room().status_code == 303, "the founder's pins still hold"


def test_a_pharmacist_enrols_but_does_not_found(study: LitStudy, app: Flask) -> None:
    """Keys are founded by whoever loads the list; any holder of a key may enrol others."""
    browser = Browser(app.test_client(), study, "pharmacist")
    assert browser.post(browser.lit("holders/found")).status_code == 403
    assert browser.post(browser.lit(f"holders/{study.trial.ids['checker']}")).status_code == 400


@pytest.mark.parametrize("who", ["administrator", "nurse"])
def test_only_people_of_the_lit_room_found_and_enrol(study: LitStudy, app: Flask, who: str) -> None:
    """The administrator least of all (C6, G22)."""
    browser = Browser(app.test_client(), study, "admin" if who == "administrator" else who)
    for page in ("holders", "holders/found", f"holders/{study.trial.ids['checker']}"):
        assert browser.post(browser.lit(page)).status_code in (403, 405)
    assert browser.get(browser.lit("holders")).status_code == 403
