"""Reading an allocation table: one list, in its own order, however it is written (C3, C4, C5)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pharmacy.unblinded.arm import reveal
from pharmacy.unblinded.list_table import canonical_list_bytes, read_table
from pharmacy.unblinded.rules import parse_list_rules
from tests.unblinded import list_examples as examples
from tests.unblinded.list_examples import GOOD, GROUP, NUMBER, broken_rule, csv_of

MIGHT = parse_list_rules(examples.MIGHT_TOML)
WITHOUT_BLOCKS = parse_list_rules(examples.WITHOUT_BLOCKS_TOML)
TWO_SITES = parse_list_rules(examples.TWO_SITES_TOML)


def _arms(read) -> str:
    return "".join({"ivig": "1", "saline": "2"}[reveal(row.arm)] for row in read.rows)


def test_the_open_list_in_allocation_order():
    read = read_table(examples.redcap("might_open.csv"), MIGHT)

    assert _arms(read) == "211221212112"
    assert [row.number for row in read.rows][:3] == ["R-6SW67", "R-ETQBY", "R-3RQHX"]
    assert {row.stratum for row in read.rows} == {""}


def test_the_list_as_excel_saves_it():
    assert _arms(read_table(examples.redcap("might_open_excel.csv"), MIGHT)) == "12" * 6


def test_a_list_of_groups_only():
    read = read_table(examples.redcap("might_group_only.csv"), MIGHT)

    assert _arms(read) == "121211221221"
    assert {row.number for row in read.rows} == {""}


def test_a_concealed_list_and_its_code_list():
    """The row order is the table's; the code list's own order means nothing."""
    codes = examples.redcap("concealed_code_list.csv")
    read = read_table(examples.redcap("concealed_codes.csv"), MIGHT, codes)
    heading, *lines = codes.splitlines(keepends=True)

    assert [row.number for row in read.rows][:3] == ["R-GDAS8", "R-DZKBT", "R-D7HZ2"]
    assert _arms(read) == "211212212121"
    other = read_table(
        examples.redcap("concealed_codes.csv"), MIGHT, heading + b"".join(sorted(lines))
    )
    assert canonical_list_bytes(other) == canonical_list_bytes(read)


def test_a_code_list_may_have_redcaps_headings():
    codes = examples.redcap("concealed_code_list.csv").replace(
        b"code,arm", f"{NUMBER},{GROUP}".encode()
    )

    assert read_table(examples.redcap("concealed_codes.csv"), MIGHT, codes).rows


def test_a_table_from_before_14_7_open_and_concealed():
    """Its heading is the target field's own name, which the rules state."""
    older = examples.redcap("might_target_field_header.csv")
    codes = examples.redcap("concealed_code_list.csv")
    concealed = examples.redcap("concealed_codes.csv").replace(NUMBER.encode(), b"treatment")

    assert _arms(read_table(older, MIGHT)) == "212111222112"
    assert read_table(concealed, MIGHT, codes).rows[0].number == "R-GDAS8"


def test_only_the_field_that_the_rules_name_is_the_group():
    """Another column of ones and twos is not the arm."""
    older = examples.redcap("might_target_field_header.csv")

    assert broken_rule(older.replace(b"treatment", b"sex")) == "missing_column"
    assert broken_rule(older, WITHOUT_BLOCKS) == "missing_column"
    assert broken_rule(csv_of(GOOD, heading=f"treatment,{GROUP}")) == "unknown_column"


def test_a_table_saved_with_semicolons():
    """As a spreadsheet with a decimal comma saves it."""
    saved = examples.redcap("might_open_excel.csv").replace(b",", b";")

    assert _arms(read_table(saved, MIGHT)) == "12" * 6
    assert broken_rule(saved.replace(b";", b",", 1)) == "ragged_row"


def test_two_sites_keep_the_order_of_the_file():
    read = read_table(examples.redcap("two_sites_stratum.csv"), TWO_SITES)

    assert [row.stratum for row in read.rows] == ["101/1"] * 16 + ["102/1"] * 16
    assert read.rows[0].number == "R-NY7VH"


def test_rows_of_two_strata_may_stand_mixed_and_are_not_sorted():
    lines = examples.redcap("two_sites_stratum.csv").decode().splitlines()
    mixed = [line for pair in zip(lines[1:17], lines[17:], strict=True) for line in pair]
    read = read_table("\n".join([lines[0], *mixed]).encode(), TWO_SITES)

    assert [row.stratum for row in read.rows] == ["101/1", "102/1"] * 16


@pytest.mark.parametrize("groups", ["1" * 12, "2" * 12, "111111122222", "121212121211"])
def test_an_unbalanced_list_is_read_under_rules_without_blocks(groups):
    assert _arms(read_table(csv_of(groups), WITHOUT_BLOCKS)) == groups


@pytest.mark.parametrize(
    ("blocks", "groups", "holds"),
    [
        ("lengths = [2, 4]", "121122211221", True),
        ("lengths = [2, 4]", "112212121212", True),
        ("lengths = [2, 4]", "111222121212", False),
        ("lengths = [2, 6]", "111222121212", True),
        ("lengths = [6]", "111222121212", True),
        ("lengths = [4]", "111222121212", False),
        ("lengths = [2, 4]\norder = [4, 4, 2, 2]", "112222111212", True),
        ("lengths = [2, 4]\norder = [2, 2, 4, 4]", "112222111212", False),
    ],
)
def test_blocks_of_several_lengths(blocks, groups, holds):
    rules = parse_list_rules(examples.with_blocks(blocks))
    if holds:
        assert _arms(read_table(csv_of(groups), rules)) == groups
    else:
        assert broken_rule(csv_of(groups), rules) == "blocks"


def test_two_to_one_lists():
    rules = parse_list_rules(
        examples.with_blocks("lengths = [3]", rows=6).replace("share = 1", "share = 2", 1)
    )

    assert _arms(read_table(csv_of("112211"), rules)) == "112211"
    assert broken_rule(csv_of("112212"), rules) == "ratio"
    assert broken_rule(csv_of("111122"), rules) == "blocks"


def test_three_arms_are_each_counted():
    third = '[[arms]]\narm = "third"\ngroup = "3"\nshare = 1\nproduct = "other"\n[blocks]'
    rules = parse_list_rules(
        examples.with_blocks("lengths = [3, 6]", rows=6).replace("[blocks]", third)
    )

    read = read_table(csv_of("123312"), rules)
    assert [reveal(row.arm) for row in read.rows][:3] == ["ivig", "saline", "third"]
    assert broken_rule(csv_of("112223"), rules) == "ratio"


@st.composite
def _writings(draw):
    """The same list in another writing: columns, quotes, blanks, line ends, mark, last lines."""
    columns = draw(st.permutations([NUMBER, GROUP, "notes"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    note = draw(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
    blanks = st.sampled_from(["", " ", "  "])

    def cell(text: str, pad: bool) -> str:
        if pad:
            text = draw(blanks) + text + draw(blanks)
        quoted = draw(st.booleans()) or any(c in text for c in '",\r\n')
        return '"' + text.replace('"', '""') + '"' if quoted else text

    lines = [",".join(cell(name, True) for name in columns)]
    for at, group in enumerate(GOOD):
        values = {NUMBER: f"R-{at:03}", GROUP: group, "notes": note}
        lines.append(",".join(cell(values[name], name != "notes") for name in columns))
    mark = b"\xef\xbb\xbf" if draw(st.booleans()) else b""
    last = draw(st.sampled_from(["", end, end * 3, end + " " + end, end + ",," + end]))
    return mark + (end.join(lines) + last).encode()


@settings(deadline=None, max_examples=150)
@given(_writings())
def test_every_writing_of_a_list_gives_the_same_list(data):
    assert canonical_list_bytes(read_table(data, MIGHT)) == canonical_list_bytes(
        read_table(csv_of(GOOD), MIGHT)
    )


def test_a_read_list_does_not_tell_itself():
    read = read_table(csv_of(GOOD, "Zq7"), MIGHT)

    shown = f"{read} {read!r} {read.rows} {read.rows[0]}"
    assert "Zq7" not in shown
    assert "ivig" not in shown


def test_canonical_bytes_differ_with_anything_that_matters():
    lists = [
        read_table(csv_of(GOOD), MIGHT),
        read_table(csv_of("121221122112"), MIGHT),
        read_table(csv_of(GOOD, "S-"), MIGHT),
        read_table(csv_of(GOOD), WITHOUT_BLOCKS),
        read_table(csv_of(GOOD, heading=f"notes,{GROUP}"), MIGHT),
    ]

    assert len({canonical_list_bytes(one) for one in lists}) == len(lists)


def test_the_length_of_the_canonical_bytes_does_not_follow_the_arms():
    uneven = [read_table(csv_of(groups), WITHOUT_BLOCKS) for groups in ("1" * 12, "2" * 12, GOOD)]

    assert len({len(canonical_list_bytes(one)) for one in uneven}) == 1
