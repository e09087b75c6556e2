"""`python -m pharmacy plan`: a dose plan without configuration or database. D1, D2."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pharmacy.cli import cli
from tests.domain.protocols import MIGHT_FILE, ROOT, SECOND_FILE, altered_text, plan_for


def run(*arguments: str, protocol: Path = MIGHT_FILE) -> Result:
    return CliRunner().invoke(cli, ["plan", "--protocol", str(protocol), *arguments])


def read(*arguments: str, protocol: Path = MIGHT_FILE) -> dict:
    result = run(*arguments, "--json", protocol=protocol)
    assert (result.exit_code, result.stderr) == (0, "")
    return json.loads(result.stdout)


def test_the_json_of_a_plan() -> None:
    found = read("--weight", "63.4")
    assert found == {
        "course_g": "125",
        "course_g_exact": "126.8",
        "course_ml": "1250",
        "days": [
            {
                "day": 1,
                "grams": "65",
                "volume_ml": "650",
                "duration_min": 295,
                "duration_min_exact": "294.0789473684210526315789474",
            },
            {
                "day": 2,
                "grams": "60",
                "volume_ml": "600",
                "duration_min": 275,
                "duration_min_exact": "274.3421052631578947368421053",
            },
        ],
        "bags": [
            {"day": 1, "number": 1, "volume_ml": "650"},
            {"day": 2, "number": 1, "volume_ml": "600"},
        ],
        "ladder": [
            step(0, "0.01", "38", "38.04"),
            step(30, "0.02", "76", "76.08"),
            step(60, "0.04", "152", "152.16"),
        ],
        "limited_by": "label",
    }


def step(start_min: int, per_kg: str, per_hour: str, exact: str) -> dict:
    return {
        "start_min": start_min,
        "rate_ml_per_kg_per_min": per_kg,
        "rate_ml_per_hour": per_hour,
        "rate_ml_per_hour_exact": exact,
    }


def test_bag_numbers_start_again_each_day() -> None:
    bags = read("--weight", "120")["bags"]
    assert [(bag["day"], bag["number"]) for bag in bags] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert {bag["volume_ml"] for bag in bags} == {"600"}


def test_the_risk_group_and_the_visit_are_options() -> None:
    found = read("--weight", "70", "--risk", "--visit", "W16")
    assert len(found["days"]) == 3
    assert found["limited_by"] == "risk"
    assert found["ladder"][-1]["rate_ml_per_kg_per_min"] == "0.03"


def test_without_json_the_arithmetic_is_printed() -> None:
    result = run("--weight", "59.6")
    assert result.stdout.splitlines() == list(plan_for("59.6").arithmetic)


def test_the_signed_choice_over_the_limit_is_an_option() -> None:
    """D2."""
    assert read("--weight", "130", "--over-limit", "dose_as_limit")["course_g"] == "240"
    assert read("--weight", "130", "--over-limit", "actual")["course_g"] == "260"


def test_a_protocol_that_adjusts_the_weight_asks_for_height_and_sex() -> None:
    assert "record height and sex" in run("--weight", "70", protocol=SECOND_FILE).stderr
    person = ("--height", "170", "--sex", "M")
    assert read("--weight", "61.3", *person, protocol=SECOND_FILE)["course_g"] == "25"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--weight", "154 lb"), "Pounds"),
        (("--weight", "70,5"), "comma"),
        (("--weight", "-70"), "sign"),
        (("--weight=-70",), "sign"),
        (("--weight", ""), "missing"),
        (("--weight", "400"), "plausible"),
        (("--weight", "7e1"), "not a weight"),
        (("--weight", "29.9"), "minimum of 30 kg"),
        (("--weight", "120.1"), "limit of 120 kg"),
        (("--weight", "130", "--over-limit", "skip"), "signed to skip"),
        (("--weight", "191.3", "--over-limit", "actual"), "the time limit is 480"),
        (("--weight", "70", "--visit", "W24"), "no infusion"),
        (("--weight", "70", "--visit", "W7"), "no visit W7"),
        (("--weight", "70", "--height", "tall", "--sex", "M"), "height"),
        (("--weight", "70", "--height", "119", "--sex", "M"), "from 120 to 220"),
        (("--weight", "70", "--height", "221", "--sex", "M"), "from 120 to 220"),
        (("--weight", "70", "--height", "170", "--sex", "x"), "sex"),
    ],
)
@pytest.mark.parametrize("form", ["text", "json"])
def test_a_refusal_is_status_1_and_one_sentence(
    arguments: tuple[str, ...], sentence: str, form: str
) -> None:
    result = run(*arguments, *(["--json"] if form == "json" else []))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert sentence in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.endswith(".\n")


def test_an_unusable_protocol_is_a_refusal(tmp_path: Path) -> None:
    missing = run("--weight", "70", protocol=tmp_path / "none.toml")
    assert (missing.exit_code, missing.stdout) == (1, "")
    broken = tmp_path / "broken.toml"
    broken.write_text(altered_text('grid_g = "5"', 'grid_g = "five"'), encoding="utf-8")
    refused = run("--weight", "70", protocol=broken)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "dose.grid_g" in refused.stderr
    latin = tmp_path / "latin.toml"
    latin.write_bytes("title = '\u00e9'".encode("latin-1"))
    assert "not UTF-8" in run("--weight", "70", protocol=latin).stderr


def test_protocol_check_tells_what_is_to_be_signed(tmp_path: Path) -> None:
    good = CliRunner().invoke(cli, ["protocol", "check", str(MIGHT_FILE)])
    assert good.exit_code == 0
    assert "318 minutes, at 31.3 kg" in good.stdout
    assert "split.bag_fill_limit_ml = 900" in good.stdout
    slow = tmp_path / "slow.toml"
    slow.write_text(altered_text("travel_min = 60", "travel_min = 90"), encoding="utf-8")
    refused = CliRunner().invoke(cli, ["protocol", "check", str(slow)])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "needs 503 minutes" in refused.stderr


_PLAN = (sys.executable, "-m", "pharmacy", "plan")


def test_the_program_runs_from_an_empty_environment() -> None:
    result = subprocess.run(
        [*_PLAN, "--protocol", str(MIGHT_FILE), "--weight", "70", "--json"],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stderr == ""
    assert json.loads(result.stdout)["course_g"] == "140"


def test_planning_needs_no_web_server_and_no_database() -> None:
    """The command imports the domain only, and the domain imports no library at all."""
    source = (ROOT / "pharmacy" / "cli" / "plan.py").read_text(encoding="utf-8")
    ours = set(re.findall(r"^from (pharmacy[\w.]*) import", source, re.MULTILINE))
    assert ours
    assert all(name.startswith("pharmacy.domain.") for name in ours)
    program = (
        f"import sys; import {', '.join(sorted(ours))}; "
        "print(sorted({'flask', 'sqlalchemy', 'cryptography', 'click'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "[]"
