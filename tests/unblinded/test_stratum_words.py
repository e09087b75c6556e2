"""A stratum in the words of the pages."""

from __future__ import annotations

import pytest

from pharmacy.unblinded.rules import parse_list_rules
from pharmacy.unblinded.stratum_words import stratum_words
from tests.unblinded import list_examples as examples

TWO_SITES = parse_list_rules(examples.TWO_SITES_TOML)


@pytest.mark.parametrize(
    ("stratum", "words"),
    [
        ("101/1", "Site UAB, age_group 1"),
        ("102/1", "Site VUMC, age_group 1"),
        ("103/1", "103/1"),
        ("", ""),
    ],
)
def test_sites_by_their_code_and_other_columns_by_name_and_value(stratum, words):
    assert stratum_words(TWO_SITES, stratum) == words


def test_without_strata_there_is_everybody():
    assert stratum_words(parse_list_rules(examples.MIGHT_TOML), "") == "All participants"
