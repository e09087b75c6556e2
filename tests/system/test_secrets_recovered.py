"""The restore drill without the old configuration: sheets, backup, and a clean machine (R8, H8)."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from config import load
from pharmacy.app import refuse_wrong_secrets
from pharmacy.cli import cli
from pharmacy.persistence.engine import make_engine
from pharmacy.services.units import Units
from pharmacy.unblinded import recovery_reissue
from pharmacy.unblinded.code_break import breaking
from pharmacy.unblinded.code_break.breaking import Asked
from pharmacy.unblinded.server_secrets import ServerSecrets
from tests.architecture.trails import trail_faults
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study
from tests.support.live_study import begun
from tests.support.world import KeyedChance, make_config
from tests.system.backup_drill import House, NewHouse, moved

NOTHING = b""


@pytest.fixture
def worked(sqlite_url: str, tmp_path: Path) -> tuple[LitStudy, Path]:
    """A study whose investigator can break a code, started once, and its backup."""
    study = open_study(sqlite_url, enrolled=("M-002",))
    study.enrol_breaker()
    assert refuse_wrong_secrets(make_config(sqlite_url, tmp_path))
    study.trial.units.close()
    return study, House(tmp_path, sqlite_url).backup()


def sheets(study: LitStudy, *names: str) -> tuple[str, ...]:
    assert study.recovery is not None
    return study.recovery.words(*names)


def recover(house: House, *typed: str, file: Path | None = None, study: str = "MIGHT") -> Result:
    """`secrets recover` with what two custodians type."""
    environ = {
        "TWINBAG_DATABASE_URL": house.url,
        "TWINBAG_OWNER_DATABASE_URL": None,
        "TWINBAG_PEPPER": None,
        "TWINBAG_BREAK_KEY": None,
        "TWINBAG_SECRET_KEY": None,
        "TWINBAG_INSTANCE": None,
        "TWINBAG_DEMO": None,
    }
    said = ["secrets", "recover", "--study", study, "--instance", str(house.folder)]
    said += ["--backup", str(file)] if file else []
    return CliRunner().invoke(cli, said, env=environ, input="".join(f"{one}\n" for one in typed))


def clean(new_house: NewHouse, engine: str) -> House:
    house = new_house(engine)
    house.pepper = NOTHING
    return house


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_two_sheets_and_a_backup_bring_the_study_back(
    worked: tuple[LitStudy, Path], new_house: NewHouse, engine: str
) -> None:
    """Backup, clean machine, two sheets, restore, start; a holder opens, a code is broken."""
    study, file = worked
    house = clean(new_house, engine)
    refused = house.run("restore", file)
    assert refused.exit_code == 2
    assert "secrets recover --backup" in refused.stderr
    done = recover(house, *sheets(study, "B2", "A2"), file=file)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    assert not set(sheets(study, "A2")[0].split()) & set(done.output.split())
    written = house.folder / "secrets.env"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    done = house.run("restore", file)
    assert (done.exit_code, done.stderr) == (0, ""), done.output

    config = load({"TWINBAG_DATABASE_URL": house.url}, house.folder)
    assert (config.pepper, config.break_key) == (PEPPER, BREAK_KEY)
    assert refuse_wrong_secrets(config)
    there = moved(study, house.url)
    assert there.room("pharmacist").list_key
    with there.trial.look("investigator") as act:
        participant = breaking.choices(act)[0].id
    passphrase = study.passphrases["investigator"]
    asked = Asked(participant, "treatment", "", passphrase, "after-the-fire-01", "192.0.2.7")
    with there.trial.units.acting() as uow:
        act = there.trial.bare_act(uow, "investigator")
        server = ServerSecrets(config.pepper, config.break_key)
        assert breaking.break_code(act, asked, server).words
    with there.trial.units.reading() as uow:
        assert trail_faults(uow.session) == []
    there.trial.engine.dispose()


def test_a_database_whose_secrets_file_is_lost(
    worked: tuple[LitStudy, Path], tmp_path: Path, sqlite_url: str
) -> None:
    """Straight from the database; it is written down, and no file is ever overwritten."""
    study, _file = worked
    house = House(tmp_path / "new", sqlite_url, NOTHING)
    house.folder.mkdir()
    done = recover(house, *sheets(study, "A1", "B1"))
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    config = load({"TWINBAG_DATABASE_URL": sqlite_url}, house.folder)
    assert (config.pepper, config.break_key) == (PEPPER, BREAK_KEY)
    kept = (house.folder / "secrets.env").read_bytes()
    again = recover(house, *sheets(study, "A1", "B1"))
    assert again.exit_code == 2
    assert "never overwritten" in again.stderr
    assert (house.folder / "secrets.env").read_bytes() == kept
    units = Units(make_engine(sqlite_url), study.trial.clock)
    with units.reading() as uow:
        query = sa.text("SELECT event FROM audit_entry WHERE trail = 'installation'")
        events = list(uow.session.scalars(query))
    units.close()
    assert events.count("secrets_recovered") == 1


@pytest.mark.parametrize("mode", ["live", "practice"])
def test_sheets_of_either_study_of_a_code(
    sqlite_url: str, tmp_path: Path, new_house: NewHouse, mode: str
) -> None:
    """R8: practice sheets that are newer do not stand before those of the live study."""
    both = begun(sqlite_url)
    assert refuse_wrong_secrets(make_config(sqlite_url, tmp_path))
    practice = both.practice
    said = (practice.passphrases["statistician"], ServerSecrets(PEPPER, BREAK_KEY))
    newer = practice.trial.do("statistician", recovery_reissue.reissue, *said)
    practice.trial.units.close()
    file = House(tmp_path, sqlite_url).backup()
    assert both.live.recovery is not None
    live = both.live.recovery.words("A2", "B2")
    house = clean(new_house, "sqlite")
    refused = recover(house, live[0], newer.words("A2", "B2")[1], file=file)
    assert refused.exit_code == 2
    assert "(live study): Second sheet" in refused.stderr
    assert "(practice study): First sheet" in refused.stderr
    typed = live if mode == "live" else newer.words("A2", "B2")
    done = recover(house, *typed, file=file)
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    config = load({"TWINBAG_DATABASE_URL": sqlite_url}, house.folder)
    assert (config.pepper, config.break_key) == (PEPPER, BREAK_KEY)


def other_words(study: LitStudy) -> tuple[str, ...]:
    a1, b1 = sheets(study, "A1", "B1")
    first = a1.split()
    return (" ".join(["zoom" if first[0] != "zoom" else "zone", *first[1:]]), b1)


@pytest.mark.parametrize(
    ("typed", "code", "told"),
    [
        (lambda study: sheets(study, "A1", "B2"), "MIGHT", "Only two of one pair make the key"),
        (other_words, "MIGHT", "First sheet: Word 1 is not the printed one."),
        (lambda study: sheets(study, "A1", "B1"), "OTHER", "There is no study OTHER; there is MI"),
        (lambda _study: ("one two", "three"), "MIGHT", "is not in the word list"),
    ],
)
def test_other_halves_open_nothing(
    worked: tuple[LitStudy, Path],
    new_house: NewHouse,
    typed: Callable[[LitStudy], tuple[str, ...]],
    code: str,
    told: str,
) -> None:
    study, file = worked
    house = clean(new_house, "sqlite")
    refused = recover(house, *typed(study), file=file, study=code)
    assert refused.exit_code == 2
    assert told in refused.stderr
    assert not (house.folder / "secrets.env").exists()


def test_sheets_of_another_study_are_refused(
    worked: tuple[LitStudy, Path], new_house: NewHouse, new_sqlite_url: Callable[[], str]
) -> None:
    _study, file = worked
    other = open_study(
        new_sqlite_url(), chance=KeyedChance("another house"), loaded=False, granted=()
    )
    assert other.recovery is not None
    refused = recover(clean(new_house, "sqlite"), *other.recovery.words("A1", "B1"), file=file)
    assert refused.exit_code == 2
    assert "on no sheet of this study" in refused.stderr


def test_status_says_who_is_left(
    worked: tuple[LitStudy, Path], tmp_path: Path, sqlite_url: str
) -> None:
    """Nobody under the secrets of now; all of them once others are configured."""
    house = House(tmp_path, sqlite_url)
    (tmp_path / "secrets.env").unlink(missing_ok=True)
    lines = (f"TWINBAG_PEPPER={PEPPER.hex()}", f"TWINBAG_BREAK_KEY={BREAK_KEY.hex()}")
    lines = (*lines, f"TWINBAG_SECRET_KEY=5f1e{PEPPER.hex()[4:]}")
    (tmp_path / "secrets.env").write_text("\n".join(lines) + "\n")
    (tmp_path / "secrets.env").chmod(0o600)
    done = house.run("secrets", "status")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    assert "TWINBAG_PEPPER: nothing is left under another pepper." in done.stdout
    house.pepper = bytes.fromhex("a7" + BREAK_KEY.hex()[2:])
    done = house.run("secrets", "status")
    assert done.exit_code == 1
    assert "TWINBAG_PEPPER: Tom Lang, private record" in done.stdout


def test_a_lost_secret_is_replaced_on_the_record(
    worked: tuple[LitStudy, Path], tmp_path: Path, sqlite_url: str
) -> None:
    """The start then takes the next one; said twice, there is nothing to replace."""
    next_one = bytes.fromhex("a7" + PEPPER.hex()[2:])
    house = House(tmp_path, sqlite_url, next_one)
    (tmp_path / "secrets.env").unlink(missing_ok=True)
    done = house.run("secrets", "replace-pepper", "--yes")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    assert refuse_wrong_secrets(make_config(sqlite_url, tmp_path, pepper=next_one))
    again = house.run("secrets", "replace-pepper", "--yes")
    assert again.exit_code == 2
    assert "nothing is to be replaced" in again.stderr
    done = house.run("secrets", "replace-break-key", "--yes")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
