"""What the practice study is made of: a list of chance alone, and slow functions asked once."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from pharmacy import demo
from pharmacy.demo.cast import PASSWORD
from pharmacy.demo.dummy_list import dummy_table
from pharmacy.demo.remembering import RememberingDeriver, RememberingHasher
from pharmacy.unblinded.list_table import read_table
from pharmacy.unblinded.rules import parse_list_rules
from pharmacy.unblinded.study_files import rules_of
from tests.support.cheap_derivation import CheapDeriver, CheapHasher
from tests.support.world import KeyedChance


def test_dummy_lists_follow_the_rules_and_are_all_different() -> None:
    """Each of the six arrangements of a block comes up, in every block."""
    rules, chance = rules_of("MIGHT"), KeyedChance("lists")
    blocks: list[Counter[str]] = [Counter(), Counter(), Counter()]
    for _ in range(200):
        table = dummy_table(rules, chance)
        assert len(read_table(table, rules).rows) == 12
        groups = "".join(table.decode().split()[1:])
        for at, counted in enumerate(blocks):
            counted[groups[4 * at : 4 * at + 4]] += 1
    for counted in blocks:
        assert len(counted) == 6
        assert min(counted.values()) > 10


def test_a_dummy_list_of_other_rules_is_not_drawn() -> None:
    text = (Path(demo.__file__).parents[1] / "unblinded/list_rules/might.toml").read_text()
    rules = parse_list_rules(text.replace("lengths = [4]", "lengths = [2, 4]"))
    with pytest.raises(ValueError, match="one length"):
        dummy_table(rules, KeyedChance())


def test_remembering_never_takes_a_wrong_secret_for_a_right_one() -> None:
    hasher = RememberingHasher(CheapHasher())
    phc = hasher.hash(PASSWORD, b"0" * 16)
    assert hasher.verify(phc, PASSWORD)
    assert not hasher.verify(phc, PASSWORD + "!")
    assert not hasher.verify(hasher.hash("another one", b"1" * 16), PASSWORD)
    deriver = RememberingDeriver(CheapDeriver())
    known = {deriver(words, salt) for words in ("a", "b") for salt in (b"0" * 16, b"1" * 16)}
    assert len(known) == 4
    assert deriver("a", b"0" * 16) == CheapDeriver()("a", b"0" * 16)
