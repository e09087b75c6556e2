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

from collections.abc import Iterator, Mapping, Sequence

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
    return _table(seed, rules, dict.fromkeys(rules.stratum_names, rules.rows_per_stratum))


def made_part(seed: bytes, rules: ListRules, rows: Mapping[str, int]) -> bytes:
    """The same of a part that adds `rows` to the strata they name, by a seed of its own.

    A stratum that the rules do not know, or rows that are not whole blocks, is a ValueError.
    """
    known = rules.grown.stratum_names
    if not set(rows) <= set(known) or not all(map(rules.can_add, rows.values())):
        raise ValueError("a part adds whole blocks to strata of the rules")
    return _table(seed, rules, {name: rows[name] for name in known if name in rows})


def _table(seed: bytes, rules: ListRules, rows: Mapping[str, int]) -> bytes:
    strata = [column.column for column in rules.strata]
    lines = [",".join([GROUP_COLUMN, *strata])]
    for stratum, wanted in rows.items():
        levels = stratum.split("/") if strata else []
        groups = made_groups(_stream(seed, rules, stratum), rules, wanted)
        lines += [",".join([group, *levels]) for group in groups]
    return "\r\n".join([*lines, ""]).encode()


def made_groups(stream: Stream, rules: ListRules, rows: int | None = None) -> list[str]:
    """The groups of one stratum in allocation order, as many as the rules ask if not `rows`."""
    wanted = rules.rows_per_stratum if rows is None else rows
    if rules.blocks is None and not rules.exact_ratio:
        once = _in_shares(rules, rules.share_total)
        return [once[stream.below(len(once))] for _ in range(wanted)]
    groups: list[str] = []
    for length in made_lengths(stream, rules, wanted):
        groups += _shuffled(_in_shares(rules, length), stream)
    return groups


def made_lengths(stream: Stream, rules: ListRules, rows: int | None = None) -> Sequence[int]:
    """The lengths of a stratum's blocks in order; together they are its rows."""
    wanted = rules.rows_per_stratum if rows is None else rows
    if rules.blocks is None:
        return (wanted,)
    if rules.blocks.order is not None:
        return rules.blocks.order * (wanted // rules.rows_per_stratum)
    return tuple(_drawn_lengths(stream, rules.blocks, wanted))


def _drawn_lengths(stream: Stream, blocks: Blocks, rows: int) -> Iterator[int]:
    fillable = sums(blocks.lengths, rows)
    left = rows
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
