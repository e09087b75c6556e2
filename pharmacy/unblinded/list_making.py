"""Making a list: permuted blocks from a 32-byte seed and nothing else, by the list rules.

For each stratum, in the order of the rules, a stream of its own (`pharmacy.crypto.streams`) whose
context names this procedure, the rules and the stratum. From it, in this order:

1.  The lengths of the blocks. A fixed order, or a single length, draws nothing. Of several lengths
    each next one is drawn among those after which the stratum can still be filled to its last row,
    each equally likely.
2.  Block by block the arms: every arm as often as its share asks, in the order of the rules, then
    shuffled. Each place takes one of those that are left, each equally likely.

Without blocks an exact ratio makes each stratum one block; otherwise each row is drawn by the
shares on its own. The same seed and rules give the same bytes for ever: a change here is another
procedure and gets another name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pharmacy.crypto.context import context
from pharmacy.crypto.streams import Stream
from pharmacy.unblinded.rules import GROUP_COLUMN, Blocks, ListRules, sums

PROCEDURE = "list-made-1"
SEED_LENGTH = 32


def made_table(seed: bytes, rules: ListRules) -> bytes:
    """The allocation table of a seed, as REDCap takes it: the group, then the strata columns.

    It has no randomization numbers. Reading it back by `read_table` under the same rules is what
    shows that it follows them. A seed of another length is a ValueError.
    """
    strata = [column.column for column in rules.strata]
    lines = [",".join([GROUP_COLUMN, *strata])]
    for stratum in rules.stratum_names:
        levels = stratum.split("/") if strata else []
        groups = made_groups(_stream(seed, rules, stratum), rules)
        lines += [",".join([group, *levels]) for group in groups]
    return "\r\n".join([*lines, ""]).encode()


def made_groups(stream: Stream, rules: ListRules) -> list[str]:
    """The groups of one stratum in allocation order."""
    if rules.blocks is None and not rules.exact_ratio:
        once = _in_shares(rules, rules.share_total)
        return [once[stream.below(len(once))] for _ in range(rules.rows_per_stratum)]
    groups: list[str] = []
    for length in made_lengths(stream, rules):
        groups += _shuffled(_in_shares(rules, length), stream)
    return groups


def made_lengths(stream: Stream, rules: ListRules) -> Sequence[int]:
    """The lengths of a stratum's blocks in order; together they are its rows."""
    if rules.blocks is None:
        return (rules.rows_per_stratum,)
    return rules.blocks.order or tuple(_drawn_lengths(stream, rules.blocks, rules))


def _drawn_lengths(stream: Stream, blocks: Blocks, rules: ListRules) -> Iterator[int]:
    fillable = sums(blocks.lengths, rules.rows_per_stratum)
    left = rules.rows_per_stratum
    while left:
        fitting = [length for length in sorted(blocks.lengths) if left - length in fillable]
        drawn = fitting[stream.below(len(fitting))] if len(fitting) > 1 else fitting[0]
        left -= drawn
        yield drawn


def _in_shares(rules: ListRules, rows: int) -> list[str]:
    """`rows` groups in the ratio of the shares, not yet in any order."""
    times = rows // rules.share_total
    return [rule.group for rule in rules.arms for _ in range(rule.share * times)]


def _shuffled(groups: list[str], stream: Stream) -> list[str]:
    left, order = list(groups), []
    while left:
        order.append(left.pop(stream.below(len(left))))
    return order


def _stream(seed: bytes, rules: ListRules, stratum: str) -> Stream:
    return Stream(seed, context(PROCEDURE, rules.canonical, stratum))
