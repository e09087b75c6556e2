"""What the tests of growing lists do: tables of rows to add, and the two ways to add them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pharmacy.services.studies import protocol_of
from pharmacy.unblinded import list_growing, list_parts
from pharmacy.unblinded.list_growing import Sealing
from pharmacy.unblinded.list_parts import Part
from pharmacy.unblinded.rules import ListRules
from pharmacy.unblinded.study_files import rules_of
from tests.support.builders import PASSWORD
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, table_of

BLOCK = "2112"
ANOTHER = "1221"


def sealing_of(study: LitStudy, part: int = 0, **changes: Any) -> Sealing:
    """What the statistician types for a part, the next one if none is named."""
    with study.trial.look("statistician") as act:
        number = part or list_growing.next_part(act)
    words = study.passphrases["statistician"]
    made = Sealing(number, PASSWORD, words, True, PEPPER, BREAK_KEY)
    return replace(made, **changes)


def grow(
    study: LitStudy,
    groups: str = BLOCK,
    part: int = 0,
    table: bytes | None = None,
    codes: bytes | None = None,
    **changes: Any,
) -> Part:
    """The statistician adds rows from a table."""
    sealing = sealing_of(study, part, **changes)
    data = table if table is not None else table_of(groups)
    added: Part = study.do(
        "statistician", list_growing.add, data, rules_for(study), sealing, codes
    )
    return added


def make_rows(study: LitStudy, rows: dict[str, int], part: int = 0, **changes: Any) -> Part:
    """The statistician has rows made here."""
    sealing = sealing_of(study, part, **changes)
    made: Part = study.do("statistician", list_growing.make, rows, rules_for(study), sealing)
    return made


def rules_for(study: LitStudy) -> ListRules:
    """The list rules of the study's protocol."""
    with study.trial.look("statistician") as act:
        return rules_of(protocol_of(act)[1].code)


def parts_of(study: LitStudy) -> list[Part]:
    """Every part of the list."""
    with study.trial.look("statistician") as act:
        return list_parts.parts(act)
