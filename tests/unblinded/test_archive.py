"""The archive of a closed study: whole, signed by two, readable without keys (E13, E14, J11)."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from pharmacy.cli import cli
from pharmacy.crypto.archive_verifier import (
    BLINDED,
    MANIFEST,
    SEALED,
    SIGNATURES,
    check,
    merkle_root,
    signed_bytes,
)
from pharmacy.crypto.context import context
from pharmacy.domain.audit import Frontier, leaf_hash
from pharmacy.domain.bag_code import Piece
from pharmacy.domain.errors import Refusal, WrongPassphrase
from pharmacy.persistence import break_cards as rows_of_cards
from pharmacy.persistence.break_cards import BreakCard
from pharmacy.services import break_cards as card_verbs
from pharmacy.services import participants
from pharmacy.services import reports as report_verbs
from pharmacy.services.break_cards import Opened
from pharmacy.unblinded import archive, bench, break_cards, contexts, sealed_reports
from pharmacy.unblinded.break_cards import Wanted
from pharmacy.unblinded.zipped import zip_bytes
from tests.support import closing_acts as acts
from tests.support.builders import PASSWORD
from tests.support.lit_builders import PEPPER, LitStudy, open_study

Files = dict[str, bytes]


@pytest.fixture(scope="module")
def study(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LitStudy:
    """A closed study in which a bag was begun, a code broken and a report written."""
    path = tmp_path_factory.mktemp("archive") / "twinbag.db"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    made = open_study(f"sqlite:///{path}", enrolled=("M-002", "M-003"))
    with made.trial.look("coordinator") as act:
        ids = {one.code: one.id for one in _participants(act)}
    course = made.plan(made.trial.order(ids["M-002"]))
    bag, inner = made.bags(course)[0].id, Piece.INNER_CONTAINER
    made.do("pharmacist", bench.apply_inner, bag, "inner-form-000001", made.trial.code(bag, inner))
    made.do("pharmacist", bench.open_bag, bag, "open-form-0000001")
    made.enrol_breaker()
    made.break_code(ids["M-003"], said="Fell at home")
    report = made.trial.do("nurse", report_verbs.report)
    made.trial.do(
        "nurse", report_verbs.add_words, report.id, "Saw a carton", sealed_reports.keep_words
    )
    card = Wanted("pharmacy", "TE-0001", "Safe", "T. Lang", "", "card-form-000000001")
    made.do("pharmacist", break_cards.open_card, ids["M-002"], card)
    made.trial.do("pharmacist", break_cards.put_in_place, _card(made).id, "TE-0001")
    acts.close(made)
    return made


def _card(study: LitStudy) -> BreakCard:
    with study.trial.look("coordinator") as act:
        (card,) = rows_of_cards.of_study(act.uow.session, study.study_id)
    return card


def _participants(act: object) -> list[object]:
    from pharmacy.persistence import participants as rows

    return list(rows.of_study(act.uow.session, act.in_study.id))


@pytest.fixture(scope="module")
def packed(study: LitStudy) -> bytes:
    """The archive, signed by the two who closed the study."""
    with pytest.raises(Refusal, match="One signature is missing"):
        acts.archived(study)
    acts.sign_archive(study, "statistician")
    with pytest.raises(Refusal, match="One signature is missing"):
        acts.archived(study)
    acts.sign_archive(study, "pharmacist")
    return acts.archived(study)


@pytest.fixture(scope="module")
def files(packed: bytes) -> Files:
    """What is in it."""
    with zipfile.ZipFile(io.BytesIO(packed)) as archive_:
        return {name: archive_.read(name) for name in archive_.namelist()}


def test_everything_of_the_study_is_in_it_and_open(files: Files) -> None:
    """E13: one file for each kind of record, and none of it is ciphertext but the trail's own."""
    assert {"README.txt", "verify.py", "list/list.csv", "list/proof.json", "people.json"} <= set(
        files
    )
    assert {"tables/participant.csv", "tables/signature.csv", "protocol/1.toml"} <= set(files)
    bags = [json.loads(line) for line in files["bags.jsonl"].decode().splitlines()]
    assert [bag["record"]["stage"] for bag in bags if bag["record"]["stage"] != "planned"] == [
        "opened"
    ]
    inbox = [json.loads(line) for line in files["inbox.jsonl"].decode().splitlines()]
    assert {one["said"] for one in inbox} == {"Fell at home", "Saw a carton"}
    names = {one["name"]: one for one in json.loads(files["people.json"])}
    assert names["Sam Statham"]["roles"] == ["statistician"]
    assert len(names["Sam Statham"]["six_words"].split()) == 6
    events = [json.loads(json.loads(x)["body"])["event"] for x in _lines(files, BLINDED)]
    assert events[-1] == "study_closed"
    assert "membership" not in "".join(files)


def _lines(files: Files, name: str) -> list[str]:
    return files[name].decode().splitlines()


def test_no_secret_of_anybody_is_in_it(study: LitStudy, files: Files) -> None:
    """E11: passphrases, password hashes, sessions and seeds are no records of the study."""
    everything = b"".join(files.values())
    for words in study.passphrases.values():
        assert words.encode() not in everything
    assert b"argon2" not in everything.replace(files["verify.py"], b"")
    assert not [name for name in files if "session" in name or "throttle" in name]


def test_it_is_checked_by_the_command_and_by_its_own_verifier(
    packed: bytes, files: Files, tmp_path: Path
) -> None:
    """The verifier in the archive runs in an empty folder, without a module of ours."""
    path = tmp_path / "study-archive.zip"
    path.write_bytes(packed)
    said = CliRunner().invoke(cli, ["archive", "check", str(path)])
    assert said.exit_code == 0, said.output
    assert "Signed by Sam Statham" in said.output
    (tmp_path / "verify.py").write_bytes(files["verify.py"])
    ran = subprocess.run(
        [sys.executable, "-I", "verify.py", path.name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "all signatures fit" in ran.stdout
    assert b"import pharmacy" not in files["verify.py"]
    assert b"from pharmacy" not in files["verify.py"]


def _swapped_signatures(files: Files) -> Files:
    told = json.loads(files[SIGNATURES])
    one, two = told["signatures"]
    one["signature"], two["signature"] = two["signature"], one["signature"]
    return {**files, SIGNATURES: json.dumps(told).encode()}


def _one_signature(files: Files) -> Files:
    told = json.loads(files[SIGNATURES])
    told["signatures"] = [told["signatures"][0]] * 2
    return {**files, SIGNATURES: json.dumps(told).encode()}


def _rehashed(name: str, change: Callable[[bytes], bytes]) -> Callable[[Files], Files]:
    """A file changed with its hash in the manifest: only signatures and trails can tell."""

    def put_in(files: Files) -> Files:
        told = json.loads(files[MANIFEST])
        content = change(files[name])
        for one in told["files"]:
            if one["name"] == name:
                one["sha256"] = hashlib.sha256(content).hexdigest()
        return {**files, name: content, MANIFEST: json.dumps(told).encode()}

    return put_in


def _without_third_line(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines[:2], *lines[3:]])


def _cut_off(content: bytes) -> bytes:
    return b"".join(content.splitlines(keepends=True)[:-1])


def _other_ciphertext(content: bytes) -> bytes:
    first, *rest = content.splitlines()
    line = json.loads(first)
    line["sealed"] = base64.b64encode(bytes(64)).decode()
    return b"\n".join([json.dumps(line).encode(), *rest, b""])


TAMPERED: dict[str, tuple[Callable[[Files], Files], str]] = {
    "a changed file": (lambda f: {**f, "list/list.csv": b"changed"}, "list.csv was changed"),
    "a missing file": (lambda f: {n: c for n, c in f.items() if n != "bags.jsonl"}, "is missing"),
    "an added file": (lambda f: {**f, "more.txt": b""}, "not in the manifest"),
    "a changed file and hash": (_rehashed("people.json", lambda c: c + b" "), "does not hold"),
    "an entry taken out": (_rehashed(BLINDED, _without_third_line), "gap"),
    "the last entry cut off": (_rehashed(BLINDED, _cut_off), "does not lead to the head"),
    "another ciphertext": (_rehashed(SEALED, _other_ciphertext), "unblinded trail was changed"),
    "signatures exchanged": (_swapped_signatures, "does not hold"),
    "one signature twice": (_one_signature, "Two different people"),
    "no manifest": (lambda f: {n: c for n, c in f.items() if n != MANIFEST}, "no archive"),
}


@pytest.mark.parametrize("tampered", TAMPERED)
def test_a_planted_change_is_found(files: Files, tampered: str) -> None:
    """E4: each way to change it, with a control that is whole."""
    change, sentence = TAMPERED[tampered]
    assert check(zip_bytes(files)).problems == ()
    problems = " ".join(check(zip_bytes(change(files))).problems)
    assert sentence in problems


@pytest.mark.parametrize("broken", [b"", b"PK", b"no zip at all"])
def test_what_is_no_archive_is_a_sentence(broken: bytes) -> None:
    assert "no archive" in check(broken).problems[0]


def test_the_verifier_counts_as_the_program_does() -> None:
    """RFC 6962: the stand-alone root is the one of the trail's own arithmetic, at every size."""
    leaves, frontier = [], Frontier()
    assert merkle_root([]) == frontier.root()
    for number in range(70):
        leaves.append(leaf_hash(b"%d" % number))
        frontier.append(leaves[-1])
        assert merkle_root(leaves) == frontier.root()
    said = signed_bytes("s" * 32, b"manifest")
    assert said == context("signature", contexts.study_archive("s" * 32), b"manifest")


def test_what_comes_after_the_closing_changes_nothing_of_it(study: LitStudy, packed: bytes) -> None:
    """A code is broken and a card opened in a closed study: the same archive, byte for byte."""
    with study.trial.look("coordinator") as act:
        one = _participants(act)[1]
    study.trial.clock.move(minutes=1)
    answer = study.break_code(one.id, said="Years later")
    assert answer.words
    told = Opened(_card(study).id, "", "Dr. Night", study.trial.clock(), "treatment")
    study.trial.do("coordinator", card_verbs.tell_opened, told, PASSWORD)
    assert _card(study).state == rows_of_cards.OPENED
    again = study.do("pharmacist", archive.archive, "archive-form-00002")
    assert again == packed


def test_a_closed_study_is_only_read(study: LitStudy, packed: bytes) -> None:
    assert packed
    with study.trial.look("coordinator") as act:
        one = _participants(act)[0]
    for who, verb, given in (
        ("coordinator", participants.register, ("M-099", study.trial.today())),
        ("coordinator", participants.weigh, (one.id, "70", study.trial.today(), "CL")),
        ("nurse", report_verbs.report, ()),
    ):
        with pytest.raises(Refusal, match="only read"):
            study.trial.do(who, verb, *given)


def test_the_wrong_passphrase_signs_nothing(study: LitStudy, packed: bytes) -> None:
    assert packed
    with pytest.raises(WrongPassphrase):
        study.do("pharmacist", archive.sign_archive, "not these", "sign-form-wrong-1", PEPPER)


def test_before_the_closing_there_is_no_archive(sqlite_url: str) -> None:
    one = open_study(sqlite_url)
    acts.unblind(one)
    with pytest.raises(Refusal, match="when the study is closed"):
        acts.sign_archive(one, "statistician")
    with pytest.raises(Refusal, match="when the study is closed"):
        acts.archived(one)
