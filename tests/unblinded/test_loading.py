"""Loading the list: refused files keep nothing, a loaded one is nowhere in the clear."""

from __future__ import annotations

import hashlib
import hmac
import tempfile
from collections.abc import Iterable
from html import unescape
from io import BytesIO
from itertools import combinations, product
from pathlib import Path

import flask
import pytest
import sqlalchemy as sa
from flask import Flask

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import commit, proves
from pharmacy.crypto.deriving import passphrase_key
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.signing import verify
from pharmacy.domain.errors import Refusal
from pharmacy.persistence.base import Base
from pharmacy.unblinded import contexts, sealed_list
from pharmacy.unblinded.in_memory import InMemoryRequest
from pharmacy.unblinded.list_table import canonical_list_bytes, read_table
from pharmacy.unblinded.rules import parse_list_rules
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables import ARM_SIZE, KEY_SIZE, HolderKeys, SealedList, Slot, Stratum
from tests.support.builders import PASSWORD
from tests.support.lit_builders import ARMS, PEPPER, Browser, LitStudy, open_study, table_of
from tests.support.world import build_app, make_config
from tests.unblinded.list_examples import TWO_SITES_TOML

REDCAP = Path(__file__).parents[1] / "data" / "redcap"
MALFORMED = sorted((REDCAP / "malformed").glob("*.csv"))


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


def _load(browser: Browser, data: bytes, **changes: str) -> flask.wrappers.Response:
    said = {
        "statement": "y",
        "password": PASSWORD,
        "passphrase": browser.study.passphrases["statistician"],
        **changes,
    }
    typed = {name: value for name, value in said.items() if value}
    return browser.post(browser.lit("list"), table=(BytesIO(data), "list.csv"), **typed)


def _stored(study: LitStudy) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table."""
    tables = [table for table in Base.metadata.sorted_tables if table.name != "lit_session"]
    with study.trial.engine.connect() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table))]
            for table in tables
        }


@pytest.mark.parametrize(
    "name",
    [
        "might_open.csv",
        "might_open_excel.csv",
        "might_group_only.csv",
        "might_target_field_header.csv",
    ],
)
def test_a_real_list_is_loaded(browser: Browser, name: str) -> None:
    """Headers in any order, byte-order mark, CRLF, quotes, the target field's own name (C5)."""
    answer = _load(browser, (REDCAP / name).read_bytes())
    assert answer.status_code == 303, answer.text
    with browser.study.trial.look("statistician") as act:
        slots = act.uow.session.scalars(sa.select(Slot).order_by(Slot.number)).all()
        (stratum,) = act.uow.session.scalars(sa.select(Stratum))
    assert [slot.number for slot in slots] == list(range(1, 13))
    assert (stratum.next_slot, stratum.slots) == (1, 12)


CONCEALED, CODE_LIST = "concealed_codes.csv", "concealed_code_list.csv"


def _files(*names: str) -> dict[str, tuple[BytesIO, str]]:
    """The named files as the two fields of the form."""
    return {
        field: (BytesIO((REDCAP / name).read_bytes()), name)
        for field, name in zip(("table", "codes"), names, strict=False)
    }


def _said(browser: Browser) -> dict[str, str]:
    passphrase = browser.study.passphrases["statistician"]
    return {"statement": "y", "password": PASSWORD, "passphrase": passphrase}


def test_a_concealed_list_comes_in_two_files(browser: Browser) -> None:
    """Two custodians, one form; the certificate says so (C5)."""
    answer = browser.post(browser.lit("list"), **_files(CONCEALED, CODE_LIST), **_said(browser))
    assert answer.status_code == 303, answer.text
    page = browser.get(browser.lit("list")).text
    assert "concealed table and the second custodian" in page
    assert len(_stored(browser.study)["lit_slot"]) == 12
    again = browser.post(browser.lit("list"), **_files(CONCEALED, CODE_LIST), **_said(browser))
    assert again.status_code == 303, "the same two files again are the same list"


@pytest.mark.parametrize(
    ("names", "field"),
    [
        ((CONCEALED,), "codes"),
        ((CODE_LIST,), "table"),
        ((CODE_LIST, CONCEALED), "table"),
        ((CONCEALED, CONCEALED), "codes"),
        (("might_open.csv", CODE_LIST), "codes"),
        *[((CONCEALED, f"malformed/{path.name}"), "codes") for path in MALFORMED],
    ],
    ids=lambda part: "+".join(Path(one).stem for one in part) if isinstance(part, tuple) else part,
)
def test_one_file_or_the_wrong_two_load_nothing(
    browser: Browser, names: tuple[str, ...], field: str
) -> None:
    """Either file alone is worth nothing; the sentence stands beside the file to look at (C6)."""
    answer = browser.post(browser.lit("list"), **_files(*names), **_said(browser))
    assert answer.status_code == 400
    assert f'id="{field}-error"' in answer.text
    for name in names:
        for line in (REDCAP / name).read_bytes().splitlines()[1:]:
            for cell in line.decode("latin-1").split(","):
                assert len(cell) < 3 or cell not in answer.text
    assert not _stored(browser.study)["lit_list"]


def test_a_list_of_two_sites_is_sealed_by_stratum(study: LitStudy) -> None:
    """Data access groups and strata become the strata of the sealed list, in file order (C3)."""
    rules = parse_list_rules(TWO_SITES_TOML)
    table = (REDCAP / "two_sites_stratum.csv").read_bytes()
    words = study.passphrases["statistician"]
    study.do("statistician", sealed_list.load, table, rules, PASSWORD, words, True, PEPPER)
    with study.trial.look("statistician") as act:
        strata = act.uow.session.scalars(sa.select(Stratum).order_by(Stratum.stratum)).all()
        slots = act.uow.session.scalars(sa.select(Slot)).all()
    assert [(row.stratum, row.next_slot, row.slots) for row in strata] == [
        ("101/1", 1, 16),
        ("102/1", 1, 16),
    ]
    assert len({(slot.stratum, slot.number) for slot in slots}) == 32


@pytest.mark.parametrize("path", MALFORMED, ids=lambda path: path.stem)
def test_a_refused_list_keeps_nothing(browser: Browser, path: Path) -> None:
    """Each broken rule has its sentence beside the file; the answer quotes no row (C5, G14)."""
    study, data = browser.study, path.read_bytes()
    before = _stored(study)
    answer = _load(browser, data)
    assert answer.status_code == 400
    with pytest.raises(Refusal) as refused:
        read_table(data, rules_of("MIGHT"))
    assert str(refused.value) in unescape(answer.text)
    assert 'id="table-error"' in answer.text
    assert "checked" in answer.text, "what was typed is kept"
    for line in data.splitlines()[1:]:
        for cell in line.decode("latin-1").split(","):
            assert len(cell) < 3 or cell not in answer.text
    assert _stored(study) == before
    assert _load(browser, table_of()).status_code == 303, "nothing is in the way of a good one"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"statement": ""}, "statement"),
        ({"password": "not the password of anybody"}, "password"),
        ({"password": ""}, "password"),
        ({"passphrase": "not the six words at all"}, "passphrase"),
        ({"passphrase": ""}, "passphrase"),
    ],
)
def test_both_secrets_and_the_statement_are_needed(
    browser: Browser, changes: dict[str, str], field: str
) -> None:
    """The sentence stands beside the field that was wrong, and nothing is loaded."""
    answer = _load(browser, table_of(), **changes)
    assert answer.status_code in (400, 403)
    assert f'id="{field}-error"' in answer.text
    assert not _stored(browser.study)["lit_list"]


def test_without_a_file(browser: Browser) -> None:
    """An empty form is told what to choose."""
    said = {"statement": "y", "password": "x", "passphrase": "y"}
    answer = browser.post(browser.lit("list"), **said)
    assert answer.status_code == 400
    assert "Choose the file" in answer.text


def test_the_same_list_twice_is_once_and_another_is_refused(browser: Browser) -> None:
    """A form sent again finds its list there; a loaded list is never replaced."""
    assert _load(browser, table_of()).status_code == 303
    before = _stored(browser.study)
    assert _load(browser, table_of()).status_code == 303
    other = _load(browser, table_of("1122" * 3))
    assert other.status_code == 409
    assert "cannot be replaced" in other.text
    assert _stored(browser.study) == before


@pytest.mark.parametrize("granted", [(), ("pharmacist",), ("pharmacist", "checker")])
def test_two_pharmacists_must_hold_the_keys(
    sqlite_url: str, tmp_path: Path, granted: tuple[str, ...]
) -> None:
    """One holder who falls ill must not be the end of the study (H8)."""
    study = open_study(sqlite_url, granted=granted, loaded=False)
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.lit_browser(app, "statistician")
    assert "At least 2 pharmacists" in browser.get(browser.lit("list")).text
    answer = _load(browser, table_of())
    assert answer.status_code == 409
    assert not _stored(study)["lit_list"]
    assert not _stored(study)["lit_slot"]


@pytest.mark.parametrize("who", ["pharmacist", "checker"])
def test_who_prepares_never_loads(study: LitStudy, app: Flask, who: str) -> None:
    """Whoever loads never dispenses (C6)."""
    browser = study.lit_browser(app, who)
    answer = browser.post(browser.lit("list"), table=(BytesIO(table_of()), "list.csv"))
    assert answer.status_code == 403


def test_a_locked_room_loads_nothing(study: LitStudy, app: Flask) -> None:
    """The list key is inside."""
    browser = study.browser(app, "statistician")
    answer = _load(browser, table_of())
    assert answer.status_code == 303
    assert "/open" in answer.location
    assert not _stored(study)["lit_list"]


def test_more_than_256_kib_is_not_read(browser: Browser) -> None:
    """Refused by its length before anything is parsed, with the list's own sentence."""
    answer = _load(browser, b"x" * (256 * 1024))
    assert answer.status_code == 413
    assert "larger than 256 KiB" in answer.text


def _stream_type(request_class: type[flask.Request], app: Flask) -> type:
    data = {"table": (BytesIO(b"x" * 250 * 1024), "list.csv")}
    with app.test_request_context("/", method="POST", data=data) as context:
        request = request_class(context.request.environ)
        with request.files["table"].stream as stream:
            return type(stream)


def test_an_upload_never_touches_the_disk(app: Flask) -> None:
    """The library's own stream would move to a temporary file as it grows; this one cannot."""
    assert _stream_type(InMemoryRequest, app) is BytesIO
    assert _stream_type(flask.Request, app) is not BytesIO, "else this test shows nothing"
    assert app.request_class is InMemoryRequest


def test_nothing_of_the_list_is_written_in_the_clear(
    study: LitStudy, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Database, its log, and the temporary folder hold no number and no arm of the file (C1)."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.lit_browser(app, "statistician")
    data = (REDCAP / "might_open.csv").read_bytes()
    assert _load(browser, data).status_code == 303
    numbers = [line.split(b",")[0] for line in data.split()[1:]]
    assert len(numbers) == 12
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.name.endswith("-wal") for path in files)
    for path in files:
        stored = path.read_bytes()
        for secret in (*numbers, data, b"\n".join(data.split()[1:3])):
            assert secret not in stored, path.name
    assert not list(scratch.iterdir())


def test_the_commitment_is_proved_by_its_opening_alone(browser: Browser) -> None:
    """Later, by revealing the opening; the printed certificate tells nothing of the list (C5)."""
    study = browser.study
    _load(browser, table_of())
    page = browser.get(browser.lit("list")).text
    room = study.room("statistician")
    assert room.list_key is not None
    with study.trial.look("statistician") as act:
        loaded = act.uow.session.get_one(SealedList, study.study_id)
    opening = open_sealed(
        room.list_key, loaded.opening, KEY_SIZE, contexts.list_opening(study.study_id, 1)
    )
    said = canonical_list_bytes(read_table(table_of(), rules_of("MIGHT")))
    assert proves(loaded.commitment, opening, said)
    other = canonical_list_bytes(read_table(table_of("1122" * 3), rules_of("MIGHT")))
    assert not proves(loaded.commitment, opening, other)
    assert loaded.commitment.hex()[:4] in page
    assert opening.hex() not in page


# What 216 arrangements can be tried against ------------------------------------------------


def _arrangements() -> list[str]:
    """Every list that the rules allow: three balanced blocks of four."""
    blocks = [
        "".join("1" if at in chosen else "2" for at in range(4))
        for chosen in combinations(range(4), 2)
    ]
    found = ["".join(three) for three in product(blocks, repeat=3)]
    assert len(found) == 216
    return found


def _spellings(arms: str) -> Iterable[bytes]:
    """The list as somebody might have hashed it."""
    yield arms.encode()
    yield ",".join(arms).encode()
    yield "\n".join(arms).encode()
    yield table_of(arms)
    yield table_of(arms).replace(b"\r\n", b"\n")
    yield canonical_list_bytes(read_table(table_of(arms), rules_of("MIGHT")))


def _digests(message: bytes, keys: Iterable[bytes]) -> Iterable[bytes]:
    for name in ("md5", "sha1", "sha256", "sha512", "blake2b", "sha3_256"):
        yield hashlib.new(name, message).digest()
    yield hashlib.sha256(b"\0" + message).digest()
    yield hashlib.sha256(hashlib.sha256(message).digest()).digest()
    for key in keys:
        yield hmac.digest(key, message, "sha256")
        yield commit(key, message)


def _find_list(study: LitStudy, keys: Iterable[bytes]) -> str | None:
    """The arrangement that stored bytes give away to somebody with the server's secrets."""
    values = [value for rows in _stored(study).values() for row in rows for value in row]
    stored = b"\n".join(
        value if isinstance(value, bytes) else str(value).encode() for value in values
    )
    with study.trial.look("statistician") as act:
        publics = [row.signing_public for row in act.uow.session.scalars(sa.select(HolderKeys))]
    signatures = [value for value in values if isinstance(value, bytes) and len(value) == 64]
    context = contexts.list_signature(study.study_id, 1)
    for arms in _arrangements():
        for message in _spellings(arms):
            if any(d in stored or d.hex().encode() in stored for d in _digests(message, keys)):
                return arms
            if any(
                verify(public, context, message, signature)
                for public in publics[:1]
                for signature in signatures
            ):
                return arms
    return None


def test_no_arrangement_fits_anything_stored(browser: Browser, tmp_path: Path) -> None:
    """216 lists by every hash, keyed with all the server has, against all that is stored (C1)."""
    assert _load(browser, table_of()).status_code == 303
    assert _find_list(browser.study, _server_secrets(tmp_path)) is None


@pytest.mark.parametrize("keyed", [False, True])
def test_a_planted_hash_is_found(browser: Browser, tmp_path: Path, keyed: bool) -> None:
    """A plain hash of the file, or one under the server's pepper, is the list."""
    assert _load(browser, table_of()).status_code == 303
    secrets = _server_secrets(tmp_path)
    plain = hashlib.sha256(table_of())
    planted = hmac.digest(secrets[0], ARMS.encode(), "sha256") if keyed else plain.digest()
    with browser.study.trial.act("statistician") as act:
        act.record("planted", "list", new={"list": planted.hex()})
    assert _find_list(browser.study, secrets) == ARMS


def _server_secrets(tmp_path: Path) -> tuple[bytes, ...]:
    config = make_config("sqlite://", tmp_path)
    assert config.pepper == PEPPER, "the very pepper of this installation"
    return (config.pepper, config.secret_key)


def test_database_and_configuration_open_nothing(browser: Browser, tmp_path: Path) -> None:
    """Every secret of the server, against every sealed column (H5)."""
    study = browser.study
    assert _load(browser, table_of()).status_code == 303
    known = _server_secrets(tmp_path)
    secrets = [*known, hashlib.sha256(known[0]).digest(), bytes(32)]
    with study.trial.look("statistician") as act:
        slots = act.uow.session.scalars(sa.select(Slot)).all()
    tried = 0
    for slot in slots:
        place = (study.study_id, 1, slot.stratum, slot.number)
        for context in (contexts.slot_key(*place), contexts.envelope(*place)):
            derived = [passphrase_key(one, other, context) for one in secrets for other in secrets]
            for key in (*secrets, *derived):
                for sealed, size in ((slot.slot_key, KEY_SIZE), (slot.envelope, ARM_SIZE)):
                    with pytest.raises(CannotOpen):
                        open_sealed(key, sealed, size, context)
                    tried += 1
    assert tried == 12 * 2 * 20 * 2
