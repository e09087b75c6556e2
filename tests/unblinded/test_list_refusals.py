"""One sentence for each rule that a list can break, and nothing of a row in it, in its causes or in
the frames that it came through (C5, E11, G14)."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded.list_refusals import SENTENCES, ListRefused, refusal
from pharmacy.unblinded.list_table import read_table
from pharmacy.unblinded.rules import parse_list_rules
from tests.unblinded import list_examples as examples
from tests.unblinded.list_examples import GOOD, GROUP, NUMBER, REDCAP, broken_rule, csv_of

MIGHT = parse_list_rules(examples.MIGHT_TOML)
TWO_SITES = parse_list_rules(examples.TWO_SITES_TOML)
FILES = {
    "blank_group.csv": "blank_group",
    "duplicate_number.csv": "duplicate_number",
    "eleven_rows.csv": "too_few_rows",
    "empty.csv": "empty",
    "formula.csv": "formula",
    "huge_row_count.csv": "too_many_rows",
    "missing_column.csv": "missing_column",
    "not_utf8.csv": "not_utf8",
    "sorted_by_arm.csv": "blocks",
    "unbalanced_block.csv": "blocks",
    "unknown_group.csv": "unknown_group",
}


def test_every_malformed_file_has_its_rule():
    found = {path.name for path in (REDCAP / "malformed").iterdir()}

    assert found == set(FILES)


@pytest.mark.parametrize(("name", "rule"), FILES.items())
def test_a_malformed_file_is_refused(name, rule):
    assert broken_rule(examples.redcap(f"malformed/{name}")) == rule


def test_either_file_of_a_concealed_list_alone_is_refused():
    """Two custodians: neither can load a list without the other."""
    assert broken_rule(examples.redcap("concealed_codes.csv")) == "concealed"
    assert broken_rule(examples.redcap("concealed_code_list.csv")) == "missing_column"


@pytest.mark.parametrize("name", FILES)
def test_every_malformed_file_is_refused_beside_a_code_list_and_as_one(name):
    data = examples.redcap(f"malformed/{name}")
    assert broken_rule(data, codes=examples.redcap("concealed_code_list.csv"))
    assert broken_rule(examples.redcap("concealed_codes.csv"), codes=data).startswith("codes_")


HEAD = f"{NUMBER},{GROUP}\n".encode()


def _with_row(row: bytes, groups: str = GOOD) -> bytes:
    """A good list whose sixth row is another."""
    lines = csv_of(groups).split(b"\n")
    lines[6] = row
    return b"\n".join(lines)


def _stratified(old: str, new: str) -> bytes:
    return examples.redcap("two_sites_stratum.csv").decode().replace(old, new, 1).encode()


# For each rule two lists that break it and have little else in common; both hold the secret `s`.
PAIRS: dict[str, tuple[Callable[[str], bytes], Callable[[str], bytes]]] = {
    "too_large": (
        lambda s: csv_of(GOOD, s) + b"\n" * 262_144,
        lambda s: (s * 262_144).encode()[:262_145],
    ),
    "empty": (lambda s: b"", lambda s: b"\xef\xbb\xbf \r\n\n"),
    "not_utf8": (
        lambda s: _with_row(s.encode() + b"\xff\xfe,1"),
        lambda s: csv_of("12" * 6, s).decode().encode("utf-16"),
    ),
    "nul": (
        lambda s: _with_row(s.encode() + b"\0,1"),
        lambda s: csv_of(GOOD, s).decode().encode("utf-16-le"),
    ),
    "line_too_long": (
        lambda s: _with_row((s * 4_000).encode()[:5_000] + b",1"),
        lambda s: (s * 4_000).encode(),
    ),
    "quotes": (
        lambda s: _with_row(f'"{s},1'.encode()),
        lambda s: _with_row(f'"{s}"{s},1'.encode(), "12" * 6),
    ),
    "duplicate_column": (
        lambda s: csv_of(GOOD, s, heading=f"{GROUP},{GROUP}"),
        lambda s: csv_of("12" * 6, s, heading=f" {NUMBER},{NUMBER} "),
    ),
    "concealed": (
        lambda s: f"{NUMBER}\n{s}1\n{s}2\n".encode(),
        lambda s: f"{NUMBER},notes\n{s},1\n".encode(),
    ),
    "missing_column": (
        lambda s: csv_of(GOOD, s, heading="randomised_to,notes"),
        lambda s: csv_of(GOOD, s, heading=f"{s}1,2"),
    ),
    "unknown_column": (
        lambda s: csv_of(GOOD, s, heading=f"sex,{GROUP}"),
        lambda s: csv_of("12" * 6, s, heading=f"{s},{GROUP}"),
    ),
    "blank_line": (
        lambda s: csv_of(GOOD, s).replace(b"\n", b"\n\n", 5),
        lambda s: csv_of("12" * 6, s).replace(b"\n", b"\n , \n", 1),
    ),
    "ragged_row": (
        lambda s: _with_row(f"{s},1,1".encode()),
        lambda s: _with_row(f"{s}".encode(), "12" * 6),
    ),
    "too_many_rows": (
        lambda s: csv_of(GOOD + "1", s),
        lambda s: csv_of("12" * 900, s),
    ),
    "too_few_rows": (lambda s: csv_of(GOOD[:11], s), lambda s: HEAD),
    "formula": (
        lambda s: _with_row(f"=HYPERLINK({s}),1".encode()),
        lambda s: _with_row(f'{s},"\t2"'.encode(), "12" * 6),
    ),
    "control_character": (
        lambda s: _with_row(f"{s}\x1b[2J,1".encode()),
        lambda s: _with_row(f'{s},"1\n2"'.encode(), "12" * 6),
    ),
    "number_too_long": (
        lambda s: _with_row((s * 30)[:65].encode() + b",1"),
        lambda s: _with_row((s * 900)[:900].encode() + b",1", "12" * 6),
    ),
    "number_characters": (
        lambda s: _with_row(f"{s}é,1".encode()),
        lambda s: _with_row(f"{s}|calc,2".encode(), "12" * 6),
    ),
    "blank_number": (
        lambda s: _with_row(b",1"),
        lambda s: csv_of("12" * 6, s).replace(f"{s}000".encode(), b" "),
    ),
    "duplicate_number": (
        lambda s: csv_of(GOOD, s).replace(b"011", b"000"),
        lambda s: csv_of("12" * 6, s).replace(b"002", b"003"),
    ),
    "blank_group": (
        lambda s: _with_row(f"{s},".encode()),
        lambda s: _with_row(f"{s}, ".encode(), "12" * 6),
    ),
    "unknown_group": (
        lambda s: _with_row(f"{s},3".encode()),
        lambda s: csv_of("AB" * 6, s),
    ),
    "unknown_stratum": (
        lambda s: _stratified("1,101,1", "1,103,1"),
        lambda s: _stratified("2,102,1", f"2,,{s}"),
    ),
    "stratum_size": (
        lambda s: _stratified("2,101,1", "2,102,1"),
        lambda s: _stratified("1,102,1", "1,101,1"),
    ),
    "ratio": (lambda s: csv_of("1" * 12, s), lambda s: csv_of("121212121222", s)),
    "blocks": (lambda s: csv_of("1" * 6 + "2" * 6, s), lambda s: csv_of("111222212112", s)),
}


def _codes(secret: str, groups: str = GOOD, heading: str = "code,arm") -> bytes:
    """The code list of `_concealed(secret)`."""
    return csv_of(groups, secret, heading)


def _concealed(secret: str) -> bytes:
    """A table of codes without groups."""
    return b"".join(line.split(b",")[0] + b"\n" for line in csv_of(GOOD, secret).splitlines())


# The same for rules of the second custodian's file, which comes with a good concealed table.
CODE_PAIRS: dict[str, tuple[Callable[[str], bytes], Callable[[str], bytes]]] = {
    "codes_unreadable": (
        lambda s: _codes(s) + b"\xff",
        lambda s: _codes(s, "12" * 6).replace(b"\n", b"\n\n", 4),
    ),
    "codes_columns": (
        lambda s: _codes(s, heading="code,treatment"),
        lambda s: csv_of("12" * 6, s, heading="arm,arm"),
    ),
    "codes_repeated": (
        lambda s: _codes(s).replace(b"011", b"000"),
        lambda s: _codes(s, "12" * 6).replace(f"{s}003".encode(), b" "),
    ),
    "codes_group": (
        lambda s: _codes(s, GOOD[:11] + "3"),
        lambda s: _codes(s, "12" * 6).replace(b"000,1", b"000,"),
    ),
    "codes_unmatched": (
        lambda s: _codes(s).replace(b"011", b"999"),
        lambda s: _codes(s, GOOD[:11]),
    ),
}
STRATIFIED = {"unknown_stratum", "stratum_size"}
CASES = [(rule, at) for rule in (*PAIRS, *CODE_PAIRS, "codes_not_needed") for at in (0, 1)]
# Of rows that a loaded list grows by; the tests of growing lists break them.
OF_PARTS = {"part_not_allowed", "part_without_rows", "part_too_many_rows", "part_number_used"}
SECRET = "Zq7"


def _case(rule: str, at: int, secret: str = SECRET):
    if rule == "codes_not_needed":
        return csv_of((GOOD, "12" * 6)[at], secret), MIGHT, _codes(secret, (GOOD, "1" * 12)[at])
    if rule in CODE_PAIRS:
        return _concealed(secret), MIGHT, CODE_PAIRS[rule][at](secret)
    return PAIRS[rule][at](secret), TWO_SITES if rule in STRATIFIED else MIGHT


def test_every_rule_is_broken_by_a_test():
    assert {rule for rule, _ in CASES} == set(SENTENCES) - OF_PARTS


def test_a_sentence_of_the_second_file_stands_at_the_second_file():
    for rule in SENTENCES:
        told = refusal(rule, MIGHT)
        assert told.of_code_list is ("code list" in told.sentence and rule != "concealed")


@pytest.mark.parametrize(("rule", "at"), CASES)
def test_a_list_that_breaks_a_rule_is_refused_for_it(rule, at):
    assert broken_rule(*_case(rule, at)) == rule


@pytest.mark.parametrize("rule", sorted(set(SENTENCES) - OF_PARTS))
def test_two_lists_that_break_a_rule_are_told_the_same(rule):
    sentences = set()
    for at, secret in ((0, SECRET), (1, SECRET), (0, "Kx4"), (1, "W8b")):
        with pytest.raises(Refusal) as refused:
            read_table(*_case(rule, at, secret))
        sentences.add(refused.value.sentence.encode())

    assert len(sentences) == 1


def leaks(reader: Callable, secret: str, *case: object) -> bool:
    """Whether a refusal shows the secret: in itself, its causes or its frames."""
    try:
        reader(*case)
    except Exception as refused:
        shown = traceback.TracebackException.from_exception(refused, capture_locals=True)
        shown.stack.pop(0)  # this function, which holds the file of course
        plain = "".join(traceback.format_exception(refused))
        told = "".join(shown.format()) + plain + repr(refused) + repr(vars(refused))
        chained = refused.__cause__ is not None or refused.__context__ is not None
        return secret in told or chained
    raise AssertionError("the list was not refused")


@pytest.mark.parametrize(("rule", "at"), CASES)
def test_no_refusal_shows_anything_of_the_list(rule, at):
    assert not leaks(read_table, SECRET, *_case(rule, at))


def _quoting(data, rules):
    row = data.decode().splitlines()[6]
    raise ListRefused("unknown_group", f"Unknown group in {row}.")


def _chaining(data, rules):
    try:
        raise ValueError(data.decode().splitlines()[6])
    except ValueError:
        raise ListRefused("unknown_group", SENTENCES["unknown_group"]) from None


def _keeping_frames(data, rules):
    """Says nothing, but a log of frames would show its locals."""
    row = data.decode().splitlines()[6]
    if row:
        raise ListRefused("unknown_group", SENTENCES["unknown_group"])


def _carrying(data, rules):
    refused = ListRefused("unknown_group", SENTENCES["unknown_group"])
    refused.row = data.decode().splitlines()[6]
    del data
    raise refused


@pytest.mark.parametrize("reader", [_quoting, _chaining, _keeping_frames, _carrying])
def test_a_reader_that_leaks_is_found(reader):
    assert leaks(reader, SECRET, *_case("unknown_group", 0))


@pytest.mark.parametrize(
    ("rule", "first", "second"),
    [
        ("ratio", "12" * 8, "12" * 7 + "11"),
        ("ratio", "12" * 7 + "11", "12" * 8),
        ("blocks", "12" * 8, "1" * 8 + "2" * 8),
        ("blocks", "1" * 8 + "2" * 8, "12" * 8),
        ("stratum_size", "12" * 9, "12" * 7),
    ],
)
def test_every_stratum_must_follow_the_rules(rule, first, second):
    lines = [f"{GROUP},age_group,redcap_data_access_group"]
    lines += [f"{group},1,101" for group in first] + [f"{group},1,102" for group in second]

    assert broken_rule("\n".join(lines).encode(), TWO_SITES) == rule


def _with_a_third_site() -> str:
    first = '[[data_access_groups]]\nnumber = "100"\nsite = "EMORY"\n\n'
    return examples.TWO_SITES_TOML.replace("[[data", first + "[[data", 1)


def test_strata_of_the_right_size_do_not_cover_for_others():
    three = parse_list_rules(_with_a_third_site())
    lines = [f"{GROUP},age_group,redcap_data_access_group"]
    lines += [
        f"{at % 2 + 1},1,{site}" for site, n in ((100, 16), (101, 18), (102, 14)) for at in range(n)
    ]

    assert broken_rule("\n".join(lines).encode(), three) == "stratum_size"


def test_quotation_marks_around_nothing_are_an_empty_list():
    assert broken_rule(b'""\n"",""\n') == "empty"


def test_limits_may_be_reached():
    data = csv_of(GOOD, heading=f"notes,{GROUP}").replace(b"R-000", b"n" * 4_093)
    read_table(data, MIGHT)
    read_table(csv_of(GOOD).replace(b"R-000", b"R" * 64), MIGHT)
    read_table(csv_of(GOOD).ljust(256 * 1024, b"\n"), MIGHT)


def test_a_refusal_is_the_domains_and_can_be_shown():
    with pytest.raises(Refusal) as refused:
        read_table(b"", MIGHT)

    assert refused.value.status == 409
    assert refused.value.sentence.startswith("The list is empty.")


def test_sentences_say_nothing_of_block_lengths():
    rules = parse_list_rules(examples.with_blocks("lengths = [2, 10]"))
    for rule in ("blocks", "ratio"):
        with pytest.raises(ListRefused) as refused:
            read_table(PAIRS[rule][0](SECRET), rules)
        assert not any(c.isdigit() for c in refused.value.sentence)


def test_broken_rules_are_named_in_a_fixed_order_not_in_the_order_of_rows():
    lines = csv_of(GOOD).split(b"\n")
    lines[3], lines[8] = b"R-900,", b"R-901,7"
    other = list(lines)
    other[3], other[8] = other[8], other[3]

    assert broken_rule(b"\n".join(lines)) == broken_rule(b"\n".join(other)) == "blank_group"


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=400))
def test_random_bytes_are_refused_and_nothing_else(data):
    broken_rule(data)


@settings(deadline=None, max_examples=300)
@given(
    st.integers(0, 400),
    st.integers(0, 20),
    st.binary(max_size=8) | st.sampled_from([b'"', b"\r", b",", b"\n\n", b"\xef\xbb\xbf", b"\0"]),
)
def test_a_damaged_list_is_read_or_refused_and_nothing_else(start, length, patch):
    data = csv_of(GOOD)
    with suppress(ListRefused):
        read_table(data[:start] + patch + data[start + length :], MIGHT)
