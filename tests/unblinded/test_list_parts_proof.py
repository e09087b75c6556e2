"""The proof of a list with several parts: each by its own table, certificate and opening (C5, J11).

Exported after the end-of-study unblinding, and proved by the command on any computer.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pharmacy.cli import cli
from tests.support import closing_acts as acts
from tests.support.growth_builders import ANOTHER, BLOCK, grow, make_rows
from tests.support.lit_builders import ARMS, LitStudy, open_study
from tests.unblinded import list_examples as examples
from tests.unblinded.test_growing import numbered

_MADE = 8


@pytest.fixture
def grown(sqlite_url: str) -> LitStudy:
    """A list of three parts, two from tables and one made here; one participant has a slot."""
    study = open_study(sqlite_url, enrolled=["M-001"])
    grow(study, BLOCK)
    make_rows(study, {"": _MADE})
    return study


def _exported(study: LitStudy) -> dict[str, bytes]:
    acts.unblind(study)
    with zipfile.ZipFile(io.BytesIO(acts.exported(study))) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def _names(part: int) -> tuple[str, str]:
    number = "" if part == 1 else f"-part{part}"
    return f"allocation-table{number}.csv", f"load-certificate{number}.json"


def _prove(folder: Path, certificate: bytes, table: bytes, opening: str) -> Result:
    (folder / "certificate.json").write_bytes(certificate)
    (folder / "table.csv").write_bytes(table)
    given = [str(folder / "certificate.json"), "--list", str(folder / "table.csv")]
    rules = ["--rules", str(examples.MIGHT_PATH), "--opening", opening]
    return CliRunner().invoke(cli, ["list", "prove", *given, *rules])


def test_every_part_of_an_exported_list_proves_itself(grown: LitStudy, tmp_path: Path) -> None:
    files = _exported(grown)
    proofs = json.loads(files["proof.json"])["lists"]
    assert [one["part"] for one in proofs] == [1, 2, 3]
    for one in proofs:
        table, certificate = _names(one["part"])
        assert one["proved_by_allocation_table"] is True
        assert f"{certificate} --list {table}" in one["how"]
        said = _prove(tmp_path, files[certificate], files[table], one["opening"])
        assert said.exit_code == 0, said.output
        assert grown.six_words("statistician") in said.output
    rows = list(csv.DictReader(io.StringIO(files["list.csv"].decode("utf-8-sig"))))
    assert [int(row["number"]) for row in rows] == list(
        range(1, len(ARMS) + len(BLOCK) + _MADE + 1)
    )
    assert [row["slot"] for row in rows].count("taken") == 1


def test_no_part_proves_another(grown: LitStudy, tmp_path: Path) -> None:
    """Neither another part's table nor its opening fits a certificate."""
    files = _exported(grown)
    openings = {one["part"]: one["opening"] for one in json.loads(files["proof.json"])["lists"]}
    for part, other in ((1, 2), (2, 1), (2, 3), (3, 2)):
        (table, certificate), (other_table, _) = _names(part), _names(other)
        for shown, opening in ((other_table, openings[part]), (table, openings[other])):
            said = _prove(tmp_path, files[certificate], files[shown], opening)
            assert said.exit_code == 1
            assert said.stdout == ""


def test_a_part_with_randomization_numbers_is_proved_with_its_original_table(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The numbers are not kept, so the export says which parts its own tables do not prove."""
    study = open_study(sqlite_url)
    original = numbered(ANOTHER)
    grow(study, table=original)
    files = _exported(study)
    first, second = json.loads(files["proof.json"])["lists"]
    told = (first["proved_by_allocation_table"], second["proved_by_allocation_table"])
    assert told == (True, False)
    assert "prove the original table with this opening" in second["how"]
    table, certificate = _names(2)
    assert _prove(tmp_path, files[certificate], original, second["opening"]).exit_code == 0
    assert _prove(tmp_path, files[certificate], files[table], second["opening"]).exit_code == 1
