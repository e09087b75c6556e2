"""The lit room's own data of a study: its list rules and what is drawn in each arm."""

from __future__ import annotations

from pathlib import Path

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded.products import Products
from pharmacy.unblinded.products_file import parse_products
from pharmacy.unblinded.rules import ListRules, parse_list_rules

_HERE = Path(__file__).parent


def rules_of(study_code: str) -> ListRules:
    """The list rules of a study; refused (409) when there are none."""
    return parse_list_rules(_read("list_rules", study_code, "list rules"))


def products_of(study_code: str) -> Products:
    """The supplies and containers of a study; refused (409) when there are none."""
    return parse_products(_read("products", study_code, "products"))


def _read(folder: str, study_code: str, what: str) -> str:
    known = {path.stem: path for path in (_HERE / folder).glob("*.toml")}
    path = known.get(study_code.lower())
    if path is None:
        raise Refusal(f"There is no file of {what} for this study. Ask the statistician.")
    return path.read_text(encoding="utf-8")
