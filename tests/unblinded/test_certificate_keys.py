"""A load certificate after its loader forgot the passphrase: still of the keys that signed it.

The public halves of given-up keys stay for what they signed (C5, E13, H6).
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner

from pharmacy.cli import cli
from pharmacy.unblinded import list_opening, list_proof, load_certificate, rekeying
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.tables import SealedList
from tests.support import closing_acts as acts
from tests.support.builders import PASSWORD
from tests.support.growth_builders import BLOCK, grow
from tests.support.lit_builders import ARMS, PEPPER, LitStudy, open_study, table_of
from tests.support.world import build_app
from tests.unblinded import list_examples as examples
from tests.unblinded.renewal_acts import forget

PARTS = {1: table_of(ARMS), 2: table_of(BLOCK)}


@pytest.fixture
def grown(sqlite_url: str) -> LitStudy:
    """A list of two parts, of which the statistician brought both."""
    study = open_study(sqlite_url)
    grow(study, BLOCK)
    return study


def _give_up(study: LitStudy) -> None:
    study.trial.clock.move(minutes=1)
    study.trial.do("statistician", rekeying.give_up_keys, PASSWORD, True)


def _forget(study: LitStudy) -> None:
    study.trial.clock.move(minutes=1)
    forget(study, "statistician")


def _file(study: LitStudy, part: int) -> str:
    with study.trial.look("statistician") as act:
        return load_certificate.certificate_file(act, part)


def _opening(study: LitStudy, part: int) -> str:
    words = study.passphrases["statistician"]
    form = f"reveal-operation-{part}"
    said: str = study.do(
        "statistician", list_opening.reveal_opening, "drill", words, form, PEPPER, part
    )
    return said


@pytest.mark.parametrize("lose", [_give_up, _forget])
@pytest.mark.parametrize("part", PARTS)
def test_every_part_proves_itself_by_the_keys_that_signed_it(
    grown: LitStudy, tmp_path: Path, lose: Callable[[LitStudy], None], part: int
) -> None:
    """C5: without any keys, and with new ones; the six words are those of the signature."""
    words, opening, before = grown.six_words("statistician"), _opening(grown, part), _file(grown, 1)
    lose(grown)
    assert _file(grown, 1) == before
    (tmp_path / "certificate.json").write_text(_file(grown, part))
    (tmp_path / "list.csv").write_bytes(PARTS[part])
    given = [str(tmp_path / "certificate.json"), "--list", str(tmp_path / "list.csv")]
    rules = ["--rules", str(examples.MIGHT_PATH), "--opening", opening]
    said = CliRunner().invoke(cli, ["list", "prove", *given, *rules])
    assert said.exit_code == 0, said.output
    assert words in said.output


@pytest.mark.parametrize("lose", [_give_up, _forget])
def test_the_page_prints_the_words_of_the_keys_that_signed(
    grown: LitStudy, sqlite_url: str, tmp_path: Path, lose: Callable[[LitStudy], None]
) -> None:
    """What is printed and what `list prove` says is compared by these words."""
    app = build_app(sqlite_url, tmp_path, grown.trial.clock, grown.trial.chance)
    browser, words = grown.browser(app, "statistician"), grown.six_words("statistician")
    lose(grown)
    for path in ("list", "list/parts/2"):
        page = browser.get(browser.lit(path))
        assert page.status_code == 200
        assert words in page.text
    for path in ("list/certificate.json", "list/parts/2/certificate.json"):
        shown = list_proof.read(browser.get(browser.lit(path)).text)
        assert list_proof.is_signed(shown)
        assert list_proof.six_words(shown) == words


def test_the_exported_list_has_the_certificate_of_the_keys_that_signed(grown: LitStudy) -> None:
    """J11, E13: the list is had, whatever happened to its loader's keys since."""
    before = [_file(grown, part) for part in PARTS]
    grown.room("pharmacist")
    _forget(grown)
    grown.grant("statistician", by="pharmacist")
    grown.room("statistician", enrolled_by="pharmacist")
    acts.unblind(grown)
    with zipfile.ZipFile(io.BytesIO(acts.exported(grown))) as packed:
        names = ("load-certificate.json", "load-certificate-part2.json")
        assert [packed.read(name).decode() for name in names] == before


def test_a_list_that_no_known_keys_signed_is_refused_in_words(
    grown: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """E4: a signature put in its place is no certificate of anybody, and no broken page."""
    with grown.trial.act("administrator") as act:
        act.uow.session.execute(sa.update(SealedList).values(signature=bytes(64)))
        act.record("changed_by_test", "list")
    app = build_app(sqlite_url, tmp_path, grown.trial.clock, grown.trial.chance)
    browser = grown.browser(app, "statistician")
    for path in ("list", "list/certificate.json"):
        answer = browser.get(browser.lit(path))
        assert answer.status_code == 409
        assert "not the ones you trusted" in answer.text


def test_the_planted_present_keys_would_not_prove_it(grown: LitStudy) -> None:
    """Were the file made with the loader's keys of now, it would name keys that never signed."""
    shown = json.loads(_file(grown, 1))
    _forget(grown)
    with grown.trial.look("statistician") as act:
        now = keys_of(act, grown.trial.ids["statistician"])
        assert now is not None
        shown["loader_signing_public"] = now.signing_public.hex()
    assert not list_proof.is_signed(list_proof.read(json.dumps(shown)))
