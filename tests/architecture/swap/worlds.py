"""The worlds: which arms the list holds, and how the lit room's life follows them.

The arms are exchanged, and everything that follows an arm in life with them: how long a step
takes, how many containers are scanned, what is refused, whether a bag is made again, which lots,
what unblinded people type.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations

from pharmacy.unblinded.rules import ListRules, parse_list_rules

IVIG, SALINE = "1", "2"
# The rest of the list is the same in every world: two more balanced blocks.
_REST = "21121221"
BLOCK_ARRANGEMENTS = tuple(sorted({"".join(p) for p in permutations("1122")}))


@dataclass(frozen=True)
class LitLife:
    """What happens around one bag in the lit room."""

    minutes_a_step: int
    refused_scans: tuple[str, ...]
    remade: bool
    lot: str
    expiry: str
    words: str


LIVES = {
    IVIG: LitLife(4, ("not a code", "(01)00303380049042(17)270331(10)X1"), True, "K230A7711",
                  "2027-03-31", "foam stood high, drawn again"),
    SALINE: LitLife(1, (), False, "P501X", "2029-11-30", "label crooked"),
}

# Long enough to be in no ciphertext by chance; whoever finds one of them outside a seal has learned
# what was drawn, or what was typed about it.
WORDS = tuple(word for life in LIVES.values() for word in (life.lot, life.words, life.expiry))


@dataclass(frozen=True)
class World:
    """One list of twelve; `rules` are the study's own unless the list breaks its blocks."""

    name: str
    arms: str
    rules: ListRules | None = None

    def life(self, slot: int) -> LitLife:
        """How the lit room lives with the participant of a slot, counted from 0."""
        return LIVES[self.arms[slot]]


def balanced() -> list[World]:
    """All six arrangements of the first block."""
    return [World(f"block {block}", block + _REST) for block in BLOCK_ARRANGEMENTS]


def unbalanced() -> list[World]:
    """Two lists whose totals differ, under rules without blocks: balance hides end totals."""
    rules = parse_list_rules(_WITHOUT_BLOCKS)
    lists = (("mostly 1", IVIG * 11 + SALINE), ("mostly 2", SALINE * 11 + IVIG))
    return [World(name, arms, rules) for name, arms in lists]



_WITHOUT_BLOCKS = """
study = "MIGHT"
planned_enrolment = 12
rows_per_stratum = 12
exact_ratio = false

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
