"""What a load certificate says is signed, or said to be not (C5, C7, E4).

The form of earlier versions, which signed less, still proves and says what it does not cover.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pharmacy.cli import cli
from pharmacy.crypto.signing import sign, signing_key_pair
from pharmacy.domain.errors import BadForm
from pharmacy.unblinded import (
    list_opening,
    list_parts,
    list_proof,
    load_certificate,
    sealed_list,
)
from pharmacy.unblinded.holders import unlock_own
from pharmacy.unblinded.list_facts import said_bytes, seed_digest
from tests.support.builders import PASSWORD
from tests.support.growth_builders import BLOCK, grow
from tests.support.lit_builders import ARMS, BREAK_KEY, PEPPER, LitStudy, open_study, table_of
from tests.support.world import build_app
from tests.unblinded import list_examples as examples

NOT_HELD = "signature does not hold"
ALTERED: dict[str, object] = {
    "statement": "This list is live.",
    "loaded_at": "2020-01-01T00:00:00+00:00",
    "loader_name": "Somebody Else",
    "loader_id": "0" * 32,
    "loader_exchange_public": "00" * 32,
    "study_code": "OTHER",
    "study_title": "Another study",
    "meaning": "I read this study's allocation list.",
    "slots": 16,
    "strata": [["", 16]],
    "list_key": "00" * 32,
    "record_key": "00" * 32,
    "key_version": 2,
    "before": "00" * 32,
    "dummy": False,
    "source": "made",
}


@pytest.fixture(scope="module")
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LitStudy:
    """A list of two parts; the tests only read it."""
    path = tmp_path_factory.mktemp("covers") / "twinbag.db"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    made = open_study(f"sqlite:///{path}")
    grow(made, BLOCK)
    return made


def _file(study: LitStudy, part: int = 1) -> dict[str, object]:
    with study.trial.look("statistician") as act:
        text = load_certificate.certificate_file(act, part)
    raw: dict[str, object] = json.loads(text)
    return raw


@pytest.fixture(scope="module")
def openings(study: LitStudy) -> dict[int, str]:
    """The opening of each part."""
    words = study.passphrases["statistician"]
    return {
        part: study.do(
            "statistician",
            list_opening.reveal_opening,
            "drill",
            words,
            f"reveal-operation-{part}",
            PEPPER,
            part,
        )
        for part in (1, 2)
    }


def _prove(
    folder: Path, raw: object, table: bytes, opening: str, codes: bytes | None = None
) -> Result:
    (folder / "certificate.json").write_text(json.dumps(raw))
    (folder / "table.csv").write_bytes(table)
    given = [str(folder / "certificate.json"), "--list", str(folder / "table.csv")]
    if codes is not None:
        (folder / "codes.csv").write_bytes(codes)
        given += ["--codes", str(folder / "codes.csv")]
    rules = ["--rules", str(examples.MIGHT_PATH), "--opening", opening]
    return CliRunner().invoke(cli, ["list", "prove", *given, *rules])


def _refused(said: Result, sentence: str) -> None:
    assert said.exit_code == 1
    assert sentence in said.stderr
    assert said.stdout == ""


@pytest.mark.parametrize("part", [1, 2])
@pytest.mark.parametrize("name", ALTERED)
def test_an_altered_word_is_refused(
    study: LitStudy, openings: dict[int, str], tmp_path: Path, name: str, part: int
) -> None:
    """E4: each field, of the list and of a part; nothing of an altered one is printed."""
    raw, table = _file(study, part), table_of(ARMS if part == 1 else BLOCK)
    assert raw[name] != ALTERED[name]
    said = _prove(tmp_path, {**raw, name: ALTERED[name]}, table, openings[part])
    _refused(said, NOT_HELD)


def test_every_field_of_the_file_is_altered_somewhere(study: LitStudy) -> None:
    """A field added later cannot be forgotten: it is altered here, or in the byte's own test."""
    elsewhere = {"form", "study_id", "part", "commitment", "slots_digest", "seed_digest"}
    elsewhere |= {"signature", "facts_signature", "loader_signing_public"}
    assert _file(study).keys() == ALTERED.keys() | elsewhere


@pytest.mark.parametrize("part", [1, 2])
def test_what_is_printed_is_what_was_signed(
    study: LitStudy, openings: dict[int, str], tmp_path: Path, part: int
) -> None:
    """The control, for the list and for a part through the command (C5, J11)."""
    raw, table = _file(study, part), table_of(ARMS if part == 1 else BLOCK)
    said = _prove(tmp_path, raw, table, openings[part])
    assert said.exit_code == 0, said.output
    for name in ("study_code", "study_title", "statement", "meaning", "loaded_at", "loader_name"):
        assert str(raw[name]) in said.stdout
    assert study.six_words("statistician") in said.stdout
    assert ("part 2 of its list" in said.stdout) is (part == 2)


def test_a_certificate_signed_again_by_other_keys_shows_other_words(
    study: LitStudy, openings: dict[int, str], tmp_path: Path
) -> None:
    """A file can name any key: that is what the six words on paper are for."""
    private, public = signing_key_pair(bytes(range(32)))
    real = list_proof.read(json.dumps(_file(study)))
    forged = replace(real, loader_signing_public=public, loader_name="Somebody Else")
    sealed = forged.before + forged.commitment + forged.slots_digest
    context = list_parts.signature_context(forged.study_id, forged.key_version, forged.part)
    forged = replace(forged, signature=sign(private, context, sealed))
    half = json.loads(list_proof.written(forged))
    _refused(_prove(tmp_path, half, table_of(ARMS), openings[1]), NOT_HELD)
    whole = replace(forged, facts_signature=sign(private, *list_proof.certified(forged)))
    said = _prove(tmp_path, json.loads(list_proof.written(whole)), table_of(ARMS), openings[1])
    assert said.exit_code == 0
    assert study.six_words("statistician") not in said.stdout


def test_a_part_is_not_the_first_list_nor_another_part(
    study: LitStudy, openings: dict[int, str], tmp_path: Path
) -> None:
    """The number is signed; in the earlier form a part cannot even be numbered as the first."""
    for number in (1, 3):
        raw = {**_file(study, 2), "part": number}
        table = table_of(BLOCK * 3 if number == 1 else BLOCK)
        _refused(_prove(tmp_path, raw, table, openings[2]), NOT_HELD)
    old = list_proof.read(json.dumps(_file(study, 2)))
    renumbered = replace(old, form=list_proof.PART_FORM, part=1)
    with pytest.raises(BadForm, match="not a load certificate"):
        list_proof.read(list_proof.written(renumbered))


def test_the_form_is_not_called_an_earlier_one(
    study: LitStudy, openings: dict[int, str], tmp_path: Path
) -> None:
    """The signature over everything is none over less, so nothing is stripped from it."""
    for form, part in ((list_proof.FORM, 1), (list_proof.PART_FORM, 2)):
        shown = replace(list_proof.read(json.dumps(_file(study, part))), form=form)
        table = table_of(ARMS if part == 1 else BLOCK)
        raw = json.loads(list_proof.written(shown))
        _refused(_prove(tmp_path, raw, table, openings[part]), NOT_HELD)


@pytest.mark.parametrize(
    "strata", [None, "12", [["", "12"]], [["", True]], [["a", 1, 2]], [12], {"": 12}]
)
def test_strata_of_another_kind_are_no_certificate(study: LitStudy, strata: object) -> None:
    with pytest.raises(BadForm, match="not a load certificate"):
        list_proof.read(json.dumps({**_file(study), "strata": strata}))


# Lists of earlier versions ---------------------------------------------------------------------


def _as_before(study: LitStudy) -> None:
    """Every part signed as earlier versions did: source, purpose and seed, nothing else."""
    with study.trial.act("statistician") as act:
        private = unlock_own(act, study.passphrases["statistician"], PEPPER)[1].record
        for one in list_parts.parts(act):
            said = said_bytes(one.commitment, one.source, one.dummy, seed_digest(one.seed_wrap))
            context = list_parts.facts_context(one.study_id, one.part)
            one.facts_signature = sign(private.signing_private, context, said)
        act.record("changed_by_test", "list")


def test_a_list_of_before_still_proves_and_says_what_is_not_covered(
    sqlite_url: str, tmp_path: Path
) -> None:
    """Rows and files of earlier versions: an altered name is not printed, and said to be open."""
    study = open_study(sqlite_url)
    grow(study, BLOCK)
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.browser(app, "statistician")
    for path in ("list", "list/parts/2"):
        page = browser.get(browser.lit(path)).text
        assert "over everything on this page" in page
        assert "loaded by an earlier version" not in page
    _as_before(study)
    words = study.passphrases["statistician"]
    for part, form, table in (
        (1, list_proof.FORM, table_of(ARMS)),
        (2, list_proof.PART_FORM, table_of(BLOCK)),
    ):
        raw, reveal = _file(study, part), f"reveal-operation-{part}"
        assert raw["form"] == form
        opening = study.do(
            "statistician", list_opening.reveal_opening, "drill", words, reveal, PEPPER, part
        )
        said = _prove(tmp_path, {**raw, "loader_name": "Somebody Else"}, table, opening)
        assert said.exit_code == 0, said.output
        assert "Somebody Else" not in said.stdout
        assert "do not cover the study's code, the name, the time" in said.stdout
        assert study.six_words("statistician") in said.stdout
        _refused(_prove(tmp_path, {**raw, "slots": 99}, table, opening), "another number of rows")
        _refused(_prove(tmp_path, {**raw, "source": "made"}, table, opening), NOT_HELD)
    for path in ("list", "list/parts/2"):
        page = browser.get(browser.lit(path)).text
        assert "loaded by an earlier version" in page
        assert "over everything on this page" not in page


# A concealed list ------------------------------------------------------------------------------


def test_a_concealed_list_is_proved_with_its_code_list(sqlite_url: str, tmp_path: Path) -> None:
    """Both files together are the list; another code list is another one, and none is refused."""
    study = open_study(sqlite_url, loaded=False)
    table = examples.redcap("concealed_codes.csv")
    listed = examples.redcap("concealed_code_list.csv")
    room, words = study.room("statistician"), study.passphrases["statistician"]
    with study.trial.act("statistician") as act:
        rules = sealed_list.rules_for(act)
        sealed_list.load(act, room, table, rules, PASSWORD, words, True, PEPPER, listed, BREAK_KEY)
    reveal = "reveal-operation-1"
    opening = study.do("statistician", list_opening.reveal_opening, "drill", words, reveal, PEPPER)
    raw = _file(study)
    assert _prove(tmp_path, raw, table, opening, listed).exit_code == 0
    swapped = {b"1": b"2", b"2": b"1"}
    heading, *lines = listed.splitlines()
    other = b"\r\n".join([heading, *(one[:-1] + swapped[one[-1:]] for one in lines), b""])
    _refused(_prove(tmp_path, raw, table, opening, other), "not what the certificate commits to")
    _refused(_prove(tmp_path, raw, table, opening), "concealed")
