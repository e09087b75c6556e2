"""A stratum as people call it: the site of its data access group, then column and value."""

from __future__ import annotations

from pharmacy.unblinded.rules import SITE_COLUMN, ListRules

EVERYBODY = "All participants"


def stratum_words(rules: ListRules, stratum: str) -> str:
    """A stratum's name in words, such as `Site UAB, age_group 1`; as it stands if not of the rules.

    A study without strata has one, of everybody.
    """
    rules = rules.grown
    if not rules.strata and not stratum:
        return EVERYBODY
    if stratum not in rules.stratum_names:
        return stratum
    sites = {one.number: one.site for one in rules.data_access_groups}
    words = []
    for column, level in zip(rules.strata, stratum.split("/"), strict=True):
        is_site = column.column == SITE_COLUMN and level in sites
        words.append(f"Site {sites[level]}" if is_site else f"{column.column} {level}")
    return ", ".join(words)
