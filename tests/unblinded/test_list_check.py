"""`list check`, run where the list was made (C5)."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from pharmacy.cli import cli
from tests.unblinded import list_examples as examples
from tests.unblinded.list_examples import REDCAP, csv_of

RULES = ["--rules", str(examples.MIGHT_PATH)]


def _run(*arguments: str, input: bytes | None = None):
    return CliRunner().invoke(cli, ["list", "check", *arguments], input=input)


@pytest.mark.parametrize("name", ["might_open.csv", "might_open_excel.csv"])
def test_a_good_list(name):
    result = _run(str(REDCAP / name), *RULES)

    assert (result.exit_code, result.output) == (0, "The list follows the rules.\n")


def test_a_list_from_standard_input():
    result = _run("-", *RULES, input=(REDCAP / "might_open.csv").read_bytes())

    assert (result.exit_code, result.output) == (0, "The list follows the rules.\n")


def test_a_concealed_list_is_checked_with_its_code_list():
    table, codes = str(REDCAP / "concealed_codes.csv"), str(REDCAP / "concealed_code_list.csv")

    assert _run(table, *RULES, "--codes", codes).exit_code == 0
    assert _run(table, *RULES).stderr.startswith("Error: concealed: ")
    assert _run(table, *RULES, "--codes", table).stderr.startswith("Error: codes_columns: ")


def test_a_list_of_two_sites_by_its_own_rules():
    table = str(REDCAP / "two_sites_stratum.csv")

    assert _run(table, "--rules", str(examples.TWO_SITES_PATH)).exit_code == 0


def test_a_broken_rule_is_named_on_standard_error_and_no_row_is():
    result = _run("-", *RULES, input=csv_of("1" * 6 + "2" * 6, "Zq7"))

    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("Error: blocks: The list is not made of balanced blocks")
    assert "Zq7" not in result.stderr
    assert result.exception.__context__ is None


@pytest.mark.parametrize("path", sorted((REDCAP / "malformed").iterdir()), ids=lambda p: p.name)
def test_every_malformed_file_ends_with_1(path):
    result = _run(str(path), *RULES)

    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_a_file_without_end_is_not_read_to_its_end():
    result = _run("-", *RULES, input=b"R" * 10_000_000)

    assert result.exit_code == 1
    assert result.stderr.startswith("Error: too_large")


def test_wrong_rules_are_named_by_their_field(tmp_path):
    rules = tmp_path / "rules.toml"
    rules.write_text(examples.MIGHT_TOML.replace("lengths = [4]", "lengths = [3]"))

    result = _run("-", "--rules", str(rules), input=csv_of("1212"))

    assert result.exit_code == 2
    assert "blocks.lengths" in result.stderr


def test_the_help_says_where_to_run_it():
    result = _run("--help")

    assert "where the list was made" in result.output
    assert "never on the server" in " ".join(result.output.split())
