"""What the backup tests need: a study in full work, the commands, and a house after the fire."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from click.testing import CliRunner, Result

from pharmacy.cli import cli
from pharmacy.persistence.engine import make_engine
from pharmacy.services.units import Units
from tests.support.builders import Trial
from tests.support.lit_builders import PEPPER, LitStudy, open_study
from tests.unblinded.bench_acts import IVIG_FIRST, AtBench, a_bag

NewHouse = Callable[[str], "House"]
# The study, a bag at its bench, and the backup.
Worked = tuple[LitStudy, AtBench, Path]


@dataclass
class House:
    """An installation's folder, its database and its pepper, worked with by commands."""

    folder: Path
    url: str
    pepper: bytes = PEPPER

    def run(self, *words: str | Path) -> Result:
        """One operator's command."""
        environ = {
            "TWINBAG_DATABASE_URL": self.url,
            "TWINBAG_OWNER_DATABASE_URL": None,
            "TWINBAG_PEPPER": self.pepper.hex() or None,
            "TWINBAG_SECRET_KEY": None,
            "TWINBAG_INSTANCE": None,
            "TWINBAG_DEMO": None,
        }
        said = [*map(str, words), "--instance", str(self.folder)]
        return CliRunner().invoke(cli, said, env=environ)

    def backup(self, name: str = "house.twinbag") -> Path:
        """A backup that was taken without a word of complaint."""
        file = self.folder / name
        done = self.run("backup", file)
        assert (done.exit_code, done.stderr) == (0, ""), done.output
        return file


def study_at_the_bench(url: str) -> tuple[LitStudy, AtBench]:
    """A study with a loaded list and one bag covered, through the product's own verbs."""
    study = open_study(url, arms=IVIG_FIRST)
    at = a_bag(study)
    at.covered()
    return study, at


@contextmanager
def somebody_registers(study: LitStudy) -> Iterator[list[str]]:
    """One participant after the other, by another thread on connections of its own."""
    stop, done, broken = threading.Event(), [], []
    engine = make_engine(str(study.trial.engine.url.render_as_string(hide_password=False)))
    trial = study.trial
    other = Trial(
        Units(engine, trial.clock), engine, trial.clock, trial.chance, trial.study_id, trial.ids
    )

    def work() -> None:
        try:
            while not stop.is_set():
                code = f"W-{len(done) + 1:03d}"
                other.register(code)
                other.weigh(_id_of(other, code))
                done.append(code)
        except Exception as error:
            broken.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield done
    finally:
        stop.set()
        thread.join()
        engine.dispose()
    assert broken == []


def _id_of(trial: Trial, code: str) -> str:
    query = sa.text("SELECT id FROM participant WHERE code = :code")
    with trial.units.reading() as uow:
        return str(uow.session.execute(query, {"code": code}).scalar_one())


def moved(study: LitStudy, url: str) -> LitStudy:
    """The same people with their passphrases before another database; no room is open there."""
    trial, engine = study.trial, make_engine(url)
    there = Trial(
        Units(engine, trial.clock), engine, trial.clock, trial.chance, trial.study_id, trial.ids
    )
    return LitStudy(there, study.passphrases, study.recovery)


def parts_of(file: Path) -> dict[str, list[Any]]:
    """A backup's rows by table, each row as a map."""
    found: dict[str, list[Any]] = {}
    names: list[str] = []
    table = ""
    for line in lines_of(file):
        if isinstance(line, dict) and "table" in line:
            table, names = line["table"], [name for name, _kind in line["columns"]]
            found[table] = []
        elif isinstance(line, list):
            found[table].append(dict(zip(names, line, strict=True)))
    return found


def written_again(lines: list[Any], pepper: bytes = PEPPER) -> bytes:
    """The lines of a backup with every count and digest made right again, as a forger would.

    It follows the format as the guide describes it and calls nothing of the product's.
    """
    out, part, tables, rows, here = b"", b"", 0, 0, 0
    for line in lines[:-2]:
        if isinstance(line, dict) and "table" in line:
            part, here, tables = b"", 0, tables + 1
        elif isinstance(line, dict) and "end" in line:
            digest = hashlib.sha256(part).hexdigest()
            line, rows = {"end": line["end"], "rows": here, "sha256": digest}, rows + here
        elif isinstance(line, list):
            here += 1
        part, out = part + _said(line), out + _said(line)
    body = b"twinbag-backup|" + hashlib.sha256(out).digest()
    mac = hmac.digest(mac_key(pepper), body, "sha256").hex()
    out += _said({"end": "backup", "tables": tables, "rows": rows, "mac": mac})
    return out + _said({"sha256": hashlib.sha256(out).hexdigest()})


def _said(line: Any) -> bytes:
    return (json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def mac_key(pepper: bytes) -> bytes:
    """RFC 5869 with SHA-256, one block: no salt, the context as info."""
    info = b"t" + (10).to_bytes(4, "big") + b"backup-mac" + b"\x01"
    extracted = hmac.digest(bytes(32), pepper, "sha256")
    return hmac.digest(extracted, info, "sha256")


def lines_of(file: Path) -> list[Any]:
    """A backup's lines as JSON values."""
    return [json.loads(line) for line in file.read_bytes().splitlines()]
