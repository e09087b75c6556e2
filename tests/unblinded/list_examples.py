"""Lists and rules that the tests of the list share."""

from __future__ import annotations

from pathlib import Path

import pytest

import pharmacy.unblinded.rules
from pharmacy.unblinded.list_refusals import ListRefused
from pharmacy.unblinded.list_table import read_table
from pharmacy.unblinded.rules import ListRules, parse_list_rules

MIGHT_PATH = Path(pharmacy.unblinded.rules.__file__).parent / "list_rules" / "might.toml"
MIGHT_TOML = MIGHT_PATH.read_text(encoding="utf-8")
REDCAP = Path(__file__).parents[1] / "data" / "redcap"
NUMBER, GROUP = "redcap_randomization_number", "redcap_randomization_group"
GOOD = "211221122112"

_ARMS = """
[[arms]]
arm = "ivig"
group = "1"
share = 1
product = "immune_globulin_10"

[[arms]]
arm = "saline"
group = "2"
share = 1
product = "sodium_chloride_0_9"
"""

WITHOUT_BLOCKS_TOML = f"""
study = "UNEVEN"
planned_enrolment = 12
rows_per_stratum = 12
exact_ratio = false
{_ARMS}"""

TWO_SITES_PATH = Path(__file__).parents[1] / "data" / "list_rules" / "two_sites.toml"
TWO_SITES_TOML = TWO_SITES_PATH.read_text(encoding="utf-8")


def with_blocks(blocks: str, rows: int = 12) -> str:
    """Rules like MIGHT's with other blocks, such as 'lengths = [2, 4]'."""
    text = WITHOUT_BLOCKS_TOML.replace("exact_ratio = false", "exact_ratio = true")
    text = text.replace("rows_per_stratum = 12", f"rows_per_stratum = {rows}")
    text = text.replace("planned_enrolment = 12", f"planned_enrolment = {rows}")
    return f"{text}\n[blocks]\n{blocks}\n"


def csv_of(groups: str, prefix: str = "R-", heading: str | None = None) -> bytes:
    """A plain list with one row for each character of `groups`."""
    lines = [heading or f"{NUMBER},{GROUP}"]
    lines += [f"{prefix}{at:03},{group}" for at, group in enumerate(groups)]
    return ("\n".join(lines) + "\n").encode()


def redcap(name: str) -> bytes:
    """One of the invented allocation tables."""
    return (REDCAP / name).read_bytes()


def broken_rule(
    data: bytes, rules: ListRules | None = None, codes: bytes | None = None
) -> str:
    """The rule for which the list is refused, MIGHT's rules if no other."""
    with pytest.raises(ListRefused) as refused:
        read_table(data, rules or parse_list_rules(MIGHT_TOML), codes)
    return refused.value.rule
