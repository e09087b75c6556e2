"""The list rules: what a randomization list must look like (C3, C4, C5)."""

from __future__ import annotations

import pytest

from pharmacy.domain.errors import BadForm
from pharmacy.unblinded.arm import reveal
from pharmacy.unblinded.rules import parse_list_rules
from tests.unblinded import list_examples as examples

MIGHT = examples.MIGHT_TOML


def _field(text: str) -> str:
    with pytest.raises(BadForm) as refused:
        parse_list_rules(text)
    ((field, sentence),) = refused.value.errors.items()
    assert field in sentence or field == "file"
    return field


def test_the_rules_of_might():
    rules = parse_list_rules(MIGHT)

    assert rules.study == "MIGHT"
    assert [(reveal(r.arm), r.group, r.share, r.product) for r in rules.arms] == [
        ("ivig", "1", 1, "immune_globulin_10"),
        ("saline", "2", 1, "sodium_chloride_0_9"),
    ]
    assert rules.maximum_rows == rules.rows_per_stratum == rules.planned_enrolment == 12
    assert rules.blocks.lengths == (4,)
    assert rules.blocks.order is None
    assert rules.stratum_names == ("",)


def test_strata_are_every_combination_of_levels():
    rules = parse_list_rules(examples.TWO_SITES_TOML)

    assert rules.stratum_names == ("101/1", "102/1")
    assert rules.maximum_rows == 32


def test_data_access_groups_are_the_first_stratum_column_and_name_their_sites():
    rules = parse_list_rules(examples.TWO_SITES_TOML)

    assert [(one.number, one.site) for one in rules.data_access_groups] == [
        ("101", "UAB"),
        ("102", "VUMC"),
    ]
    assert [column.column for column in rules.strata] == ["redcap_data_access_group", "age_group"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('number = "102"', 'number = "101"', "data_access_groups.number"),
        ('number = "102"', 'number = "VUMC"', "data_access_groups[1].number"),
        ('site = "VUMC"', 'site = "UAB"', "data_access_groups.site"),
        ('site = "VUMC"', 'name = "VUMC"', "data_access_groups[1].name"),
        ('column = "age_group"', 'column = "redcap_data_access_group"', "strata.column"),
        ('levels = ["1"]', f'levels = ["{"x" * 31}", "{"y" * 31}"]', ""),
    ],
)
def test_data_access_group_errors_name_the_field(old, new, field):
    assert old in examples.TWO_SITES_TOML
    changed = examples.TWO_SITES_TOML.replace(old, new)
    if field:
        assert _field(changed) == field
    else:
        assert parse_list_rules(changed).maximum_rows == 64


def test_a_stratums_name_has_room_in_the_database():
    """Sixty characters, as the column of strata has."""
    second = '\n[[strata]]\ncolumn = "sex"\nlevels = ["' + "z" * 31 + '"]\n'
    changed = examples.TWO_SITES_TOML.replace('levels = ["1"]', f'levels = ["{"x" * 31}"]')

    assert _field(changed + second) == "strata"


def test_more_strata_than_any_list_are_refused_without_being_counted_out():
    many = "".join(
        f'\n[[strata]]\ncolumn = "s{at}"\nlevels = {[str(n) for n in range(30)]}\n'
        for at in range(14)
    )

    assert _field(MIGHT + many) == "rows_per_stratum"


@pytest.mark.parametrize(
    "name", ['"Treatment"', "3", '"notes"', '"redcap_randomization_group"', '"age_group"']
)
def test_a_target_field_is_a_variable_of_its_own(name):
    strata = '\n[[strata]]\ncolumn = "age_group"\nlevels = ["1"]\n'

    assert _field(MIGHT.replace('"treatment"', name) + strata) == "target_field"


def test_how_older_tables_are_headed_is_no_part_of_the_meaning():
    without = MIGHT.replace('target_field = "treatment"', "")

    assert parse_list_rules(without).canonical == parse_list_rules(MIGHT).canonical


def test_rules_without_blocks():
    assert parse_list_rules(examples.WITHOUT_BLOCKS_TOML).blocks is None


def test_the_repr_keeps_block_lengths_to_itself():
    assert repr(parse_list_rules(MIGHT)) == "<list rules>"


def test_comments_and_layout_are_no_part_of_the_meaning():
    commented = "# another comment\n" + MIGHT.replace("lengths = [4]", "lengths = [  4 ]  # four")

    assert parse_list_rules(commented).canonical == parse_list_rules(MIGHT).canonical


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('study = "MIGHT"', 'study = "OTHER"'),
        ("lengths = [4]", "lengths = [4, 2]"),
        ("lengths = [4]", "lengths = [4]\norder = [4, 4, 4]"),
        ("planned_enrolment = 12", "planned_enrolment = 11"),
        ('group = "2"', 'group = "3"'),
    ],
)
def test_another_meaning_has_other_canonical_bytes(old, new):
    assert old in MIGHT
    changed = parse_list_rules(MIGHT.replace(old, new))

    assert changed.canonical != parse_list_rules(MIGHT).canonical


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('study = "MIGHT"', "", "study"),
        ('study = "MIGHT"', 'study = "the trial"', "study"),
        ('study = "MIGHT"', 'study = "MIGHT"\nsize = 3', "size"),
        ("planned_enrolment = 12", "planned_enrolment = 13", "planned_enrolment"),
        ("planned_enrolment = 12", 'planned_enrolment = "12"', "planned_enrolment"),
        ("rows_per_stratum = 12", "rows_per_stratum = 0", "rows_per_stratum"),
        ("rows_per_stratum = 12", "rows_per_stratum = true", "rows_per_stratum"),
        ("rows_per_stratum = 12", "rows_per_stratum = 5001", "rows_per_stratum"),
        ("rows_per_stratum = 12", "rows_per_stratum = 13", "rows_per_stratum"),
        ("rows_per_stratum = 12", "rows_per_stratum = 14", "blocks.lengths"),
        ("exact_ratio = true", "exact_ratio = false", "exact_ratio"),
        ("exact_ratio = true", "exact_ratio = 1", "exact_ratio"),
        ("exact_ratio = true", "", "exact_ratio"),
        ('arm = "saline"', 'arm = "Saline"', "arms[1].arm"),
        ('arm = "saline"', 'arm = "ivig"', "arms.arm"),
        ('group = "2"', 'group = "1"', "arms.group"),
        ('group = "2"', "group = 2", "arms[1].group"),
        ('group = "2"', 'group = "2"\ncolour = "red"', "arms[1].colour"),
        ('product = "sodium_chloride_0_9"', "", "arms[1].product"),
        ('product = "sodium_chloride_0_9"', 'product = "immune_globulin_10"', "arms.product"),
        ("lengths = [4]", "lengths = [3]", "blocks.lengths"),
        ("lengths = [4]", "lengths = [8]", "blocks.lengths"),
        ("lengths = [4]", "lengths = [4, 4]", "blocks.lengths"),
        ("lengths = [4]", "lengths = 4", "blocks.lengths"),
        ("lengths = [4]", "lengths = [4, 3]", "blocks.lengths"),
        ("lengths = [4]", 'lengths = [4, "2"]', "blocks.lengths"),
        ("lengths = [4]", "", "blocks.lengths"),
        ("lengths = [4]", "lengths = [4]\norder = [4, 4]", "blocks.order"),
        ("lengths = [4]", "lengths = [4]\norder = [4, 2, 6]", "blocks.order"),
        ("lengths = [4]", "lengths = [4]\nseed = 3", "blocks.seed"),
        ("lengths = [4]", "lengths = [4", "file"),
        ("[blocks]\nlengths = [4]", "[[blocks]]\nlengths = [4]", "blocks"),
    ],
)
def test_an_error_names_the_field(old, new, field):
    assert old in MIGHT

    assert _field(MIGHT.replace(old, new)) == field


@pytest.mark.parametrize(
    ("strata", "field"),
    [
        ('[[strata]]\ncolumn = "notes"\nlevels = ["1"]', "strata.column"),
        ('[[strata]]\ncolumn = "sex"\nlevels = []', "strata[0].levels"),
        ('[[strata]]\ncolumn = "sex"\nlevels = [1, 2]', "strata[0].levels"),
        ('[[strata]]\ncolumn = "sex"\nlevels = ["1", "1"]', "strata[0].levels"),
        ('[[strata]]\ncolumn = "sex"\nlevels = ["1/2"]', "strata[0].levels"),
        ('[[strata]]\nlevels = ["1"]', "strata[0].column"),
        ('[strata]\ncolumn = "sex"', "strata"),
    ],
)
def test_strata_errors_name_the_field(strata, field):
    assert _field(f"{MIGHT}\n{strata}\n") == field


def test_one_arm_is_no_trial():
    before, ivig, _ = MIGHT.split("[[arms]]")

    assert _field(f"{before}[[arms]]{ivig}") == "arms"
