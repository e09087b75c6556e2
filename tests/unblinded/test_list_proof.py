"""The certificate as a file, its opening, and the proof on any computer (C5, H1)."""

from __future__ import annotations

import hashlib
import json
from itertools import product
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from flask import Flask

from pharmacy.cli import cli
from pharmacy.crypto.commitments import commit
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.unblinded import list_opening, list_parts, list_proof
from pharmacy.unblinded.list_table import canonical_list_bytes, read_table
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables import SealedList
from tests.support.lit_builders import ARMS, PEPPER, Browser, LitStudy, open_study, table_of
from tests.support.world import build_app
from tests.unblinded import list_examples as examples
from tests.unblinded.list_acts import (
    blinded_events,
    confirm,
    live_twin,
    loaded,
    make,
    sealed_events,
)

RULES = rules_of("MIGHT")
BLOCKS = ["1122", "1212", "1221", "2112", "2121", "2211"]
ALL_216 = ["".join(three) for three in product(BLOCKS, repeat=3)]


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A practice study whose dummy list is loaded."""
    return open_study(sqlite_url)


@pytest.fixture
def browser(study: LitStudy, sqlite_url: str, tmp_path: Path) -> Browser:
    """The statistician with the room open."""
    app: Flask = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    return study.lit_browser(app, "statistician")


def _reveal(browser: Browser, operation_id: str = "", **changes: str):
    said = {"reason": "drill", "passphrase": browser.study.passphrases["statistician"], **changes}
    return browser.post(browser.lit("list/opening"), operation_id, **said)


def _revealed(study: LitStudy) -> str:
    words = study.passphrases["statistician"]
    opening: str = study.do(
        "statistician", list_opening.reveal_opening, "drill", words, "form-of-16-letters", PEPPER
    )
    return opening


def _certificate(browser: Browser) -> str:
    answer = browser.get(browser.lit("list/certificate.json"))
    assert answer.status_code == 200
    assert "attachment" in answer.headers["Content-Disposition"]
    return answer.text


def _prove(folder: Path, certificate: str, table: bytes, opening: str, *more: str):
    (folder / "certificate.json").write_text(certificate)
    (folder / "list.csv").write_bytes(table)
    return CliRunner().invoke(
        cli,
        [
            "list",
            "prove",
            str(folder / "certificate.json"),
            "--list",
            str(folder / "list.csv"),
            "--rules",
            str(examples.MIGHT_PATH),
            "--opening",
            opening,
            *more,
        ],
    )


# The file ------------------------------------------------------------------------------------


def test_the_file_says_what_the_page_says_and_nothing_of_the_list(browser: Browser) -> None:
    study = browser.study
    text = _certificate(browser)
    shown = list_proof.read(text)
    row = loaded(study)
    assert row is not None
    assert (shown.commitment, shown.signature) == (row.commitment, row.signature)
    assert (shown.slots, shown.source, shown.dummy) == (12, "redcap", True)
    assert list_proof.six_words(shown) == study.six_words("statistician")
    assert list_proof.is_signed(shown)
    assert ARMS not in text
    assert "block" not in text
    assert "rules" not in text


def test_no_rules_digest_stands_on_the_certificate(browser: Browser) -> None:
    """Block lengths can be guessed, so a plain hash of the rules would be the rules (C4)."""
    page = browser.get(browser.lit("list")).text + _certificate(browser)
    for name in ("md5", "sha1", "sha256", "sha512"):
        for said in (RULES.canonical, examples.MIGHT_PATH.read_bytes()):
            assert hashlib.new(name, said).hexdigest() not in page.replace("<span>", "")


@pytest.mark.parametrize("who", ["pharmacist", "checker"])
def test_only_the_statistician_gets_it(
    study: LitStudy, sqlite_url: str, tmp_path: Path, who: str
) -> None:
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    other = study.lit_browser(app, who)
    for page in ("list/certificate.json", "list/opening", "list/derive"):
        assert other.get(other.lit(page)).status_code == 403


@pytest.mark.parametrize("name", ["commitment", "slots_digest", "seed_digest", "signature"])
def test_an_altered_byte_is_no_signature(browser: Browser, name: str) -> None:
    raw = json.loads(_certificate(browser))
    raw[name] = f"{int(raw[name][:2], 16) ^ 1:02x}{raw[name][2:]}"
    assert not list_proof.is_signed(list_proof.read(json.dumps(raw)))


@pytest.mark.parametrize(
    ("name", "value"), [("dummy", False), ("source", "made"), ("facts_signature", "")]
)
def test_what_the_list_is_for_and_where_it_came_from_is_signed(
    browser: Browser, name: str, value: object
) -> None:
    """A dummy's certificate does not become another's (C7)."""
    raw = json.loads(_certificate(browser))
    raw[name] = value
    assert not list_proof.is_signed(list_proof.read(json.dumps(raw)))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", "{" * 10_000, '{"form": "twinbag-load-certificate-1"}', "1" * 70_000],
)
def test_what_is_no_certificate_is_refused_by_one_sentence(text: str) -> None:
    with pytest.raises(BadForm, match="not a load certificate"):
        list_proof.read(text)


def test_fields_of_another_kind_are_refused(browser: Browser) -> None:
    raw = json.loads(_certificate(browser))
    for name, value in (("slots", "12"), ("dummy", 1), ("commitment", "xyz"), ("form", "2")):
        with pytest.raises(BadForm):
            list_proof.read(json.dumps({**raw, name: value}))
    with pytest.raises(BadForm):
        list_proof.read(json.dumps({**raw, "more": 1}))


# The opening ------------------------------------------------------------------------------------


def test_the_opening_is_shown_once_and_written_down_first(browser: Browser) -> None:
    """Both trails name who, and why from a closed list; no other page shows it (C8)."""
    study = browser.study
    warning = browser.get(browser.lit("list/opening")).text
    assert "anybody can test guesses" in warning
    answer = _reveal(browser)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    opening = _revealed(study)
    assert opening[:4] in answer.text
    (said, _) = blinded_events(study, "list_opening_revealed")
    assert b"A drill: the certificate is proved once with a dummy list" in said
    assert opening.encode() not in said
    sealed = [one for one in sealed_events(study) if one["event"] == "list_opening_revealed"]
    assert [one["reason"] for one in sealed] == ["drill", "drill"]
    for page in ("list", "list/opening", "list/certificate.json"):
        text = browser.get(browser.lit(page)).text
        assert opening not in text.replace("</span><span>", "")


def test_one_form_is_one_showing(browser: Browser) -> None:
    for operation_id in ("reveal-again-0001", "reveal-again-0001", "reveal-again-0002"):
        assert _reveal(browser, operation_id).status_code == 200
    assert len(blinded_events(browser.study, "list_opening_revealed")) == 2


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"reason": ""}, "reason"),
        ({"reason": "curious"}, "reason"),
        ({"passphrase": "not the six words at all"}, "passphrase"),
        ({"passphrase": ""}, "passphrase"),
    ],
)
def test_reason_and_passphrase_are_needed(
    browser: Browser, changes: dict[str, str], field: str
) -> None:
    answer = _reveal(browser, **changes)
    assert answer.status_code in (400, 403)
    assert f'id="{field}-error"' in answer.text
    assert blinded_events(browser.study, "list_opening_revealed") == []


def test_an_opening_is_not_shown_before_it_is_written_down(
    study: LitStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the entry cannot be kept, nothing is opened (J4)."""
    opened = []
    real = list_parts.opening_of
    monkeypatch.setattr(list_parts, "opening_of", lambda *a: opened.append(1) or real(*a))
    monkeypatch.setattr("pharmacy.persistence.unit_of_work.UnitOfWork.commit", _no_commit)
    with pytest.raises(OSError, match="disk"):
        _revealed(study)
    assert opened == []


def _no_commit(_uow: object) -> None:
    raise OSError("the disk is full")


def test_a_live_lists_opening_stays_sealed(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """Until the data are locked: 216 lists could be tried with it (C1, C2)."""
    confirm(study, "pharmacist", "checker")
    live = live_twin(study)
    live.load("1122" * 3)
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = live.lit_browser(app, "statistician")
    page = browser.get(browser.lit("list/opening")).text
    assert "stays sealed until the data are locked" in page
    answer = _reveal(browser)
    assert answer.status_code == 409
    assert blinded_events(live, "list_opening_revealed") == []


def test_a_live_list_called_a_dummy_in_the_database_stays_sealed(study: LitStudy) -> None:
    """The sealed entry of its loading says what it is, and nobody else can write that."""
    confirm(study, "pharmacist", "checker")
    live = live_twin(study)
    live.load("1122" * 3)
    with live.trial.act("administrator") as act:
        act.uow.session.execute(sa.update(SealedList).values(dummy=True))
        act.uow.session.execute(sa.text("UPDATE study SET mode = 'practice'"))
        act.record("changed_by_test", "list")
    with pytest.raises(Refusal, match="stays sealed until the data are locked"):
        _revealed(live)
    assert blinded_events(live, "list_opening_revealed") == []


# The proof -----------------------------------------------------------------------------------


def test_certificate_list_rules_and_opening_prove_each_other(
    browser: Browser, tmp_path: Path
) -> None:
    certificate, opening = _certificate(browser), _revealed(browser.study)
    grouped = " ".join(opening[at : at + 4] for at in range(0, 64, 4))
    for said in (opening, opening.upper(), grouped):
        result = _prove(tmp_path, certificate, table_of(), said)
        assert result.exit_code == 0, result.output
        assert "The certificate is of this list and these rules." in result.output
        assert browser.study.six_words("statistician") in result.output


def test_nothing_else_proves_it(browser: Browser, tmp_path: Path) -> None:
    """Another list, opening or certificate ends with 1 and one sentence that quotes nothing."""
    certificate, opening = _certificate(browser), _revealed(browser.study)
    raw = json.loads(certificate)
    forged = json.dumps({**raw, "commitment": commit(bytes(32), b"x").hex()})
    no_match = "are not what the certificate commits to"
    for said, table, opened, told in (
        (certificate, table_of("1122" * 3), opening, no_match),
        (certificate, table_of(), "00" * 32, no_match),
        (certificate, table_of(), "no opening", no_match),
        (forged, table_of(), opening, "signature does not hold"),
        ("{}", table_of(), opening, "not a load certificate"),
        (certificate, table_of("1" * 12), opening, "ratio"),
    ):
        result = _prove(tmp_path, said, table, opened)
        assert result.exit_code == 1
        assert told in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert result.stdout == ""


def test_the_opening_is_asked_for_where_it_is_left_out(browser: Browser, tmp_path: Path) -> None:
    """So that it stands in no shell's history."""
    (tmp_path / "c.json").write_text(_certificate(browser))
    (tmp_path / "l.csv").write_bytes(table_of())
    arguments = [
        "list",
        "prove",
        str(tmp_path / "c.json"),
        "--list",
        str(tmp_path / "l.csv"),
        "--rules",
        str(examples.MIGHT_PATH),
    ]
    opening = _revealed(browser.study)
    result = CliRunner().invoke(cli, arguments, input=f"{opening}\n")
    assert result.exit_code == 0
    assert opening not in result.output


# What can be tried without the opening ---------------------------------------------------------


def _fitting(commitment: bytes, keys: list[bytes]) -> set[str]:
    """Which of the 216 lists fit a commitment under keys that a thief could try."""
    forms = {arms: canonical_list_bytes(read_table(table_of(arms), RULES)) for arms in ALL_216}
    return {arms for arms, form in forms.items() for key in keys if commit(key, form) == commitment}


def test_216_lists_fit_nothing_without_the_opening_and_one_with_it(browser: Browser) -> None:
    """Every key, digest and signature of the certificate is tried as the opening (C1)."""
    shown = list_proof.read(_certificate(browser))
    public = [
        value for value in vars(shown).values() if isinstance(value, bytes) and len(value) == 32
    ]
    tried = [*public, bytes(32), shown.signature[:32], shown.signature[32:], PEPPER]
    assert len(public) == 7
    assert _fitting(shown.commitment, tried) == set()
    opening = bytes.fromhex(_revealed(browser.study))
    assert _fitting(shown.commitment, [opening]) == {ARMS}


def test_a_planted_commitment_without_a_secret_is_found(browser: Browser) -> None:
    """Had the opening been the study's public digest, the certificate would be the list."""
    shown = list_proof.read(_certificate(browser))
    form = canonical_list_bytes(read_table(table_of(), RULES))
    planted = commit(shown.slots_digest, form)
    assert _fitting(planted, [shown.slots_digest]) == {ARMS}


def test_a_made_lists_certificate_is_signed_too(sqlite_url: str, tmp_path: Path) -> None:
    study = open_study(sqlite_url, loaded=False)
    make(study)
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    shown = list_proof.read(_certificate(study.lit_browser(app, "statistician")))
    assert shown.source == "made"
    assert list_proof.is_signed(shown)
    opening = bytes.fromhex(_revealed(study))
    assert len(_fitting(shown.commitment, [opening])) == 1
