"""What is drawn for a bag: one shape in both arms, exact, fewest vials (B3, B6, D1)."""

from __future__ import annotations

from decimal import Decimal
from itertools import product as combinations
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pharmacy.unblinded.products
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.unblinded.arm import Arm, reveal
from pharmacy.unblinded.products import PickList, pick_list
from pharmacy.unblinded.products_file import parse_products
from pharmacy.unblinded.rules import parse_list_rules
from tests.unblinded import list_examples

MIGHT_TOML = (
    Path(pharmacy.unblinded.products.__file__).parent / "products" / "might.toml"
).read_text(encoding="utf-8")
MIGHT = parse_products(MIGHT_TOML)
EVA = MIGHT.container("eva_1000")
IVIG, SALINE = Arm("ivig"), Arm("saline")


def _drawn(arm: Arm, volume_ml: str) -> list[tuple[str, int, Decimal]]:
    picked = pick_list(arm, Decimal(volume_ml), EVA, MIGHT)
    return [(line.product.key, line.count, line.volume_ml) for line in picked.lines]


@pytest.mark.parametrize(
    ("volume_ml", "vials"),
    [
        ("20", {"2g": 1}),
        ("40", {"2g": 2}),
        ("60", {"2g": 3}),
        ("80", {"2g": 4}),
        ("90", {"5g": 1, "2g": 2}),
        ("110", {"5g": 1, "2g": 3}),
        ("350", {"30g": 1, "5g": 1}),
        ("400", {"30g": 1, "10g": 1}),  # not 20 g twice: of equal counts the largest vial first
        ("600", {"30g": 2}),
        ("650", {"30g": 2, "5g": 1}),
        ("700", {"30g": 2, "10g": 1}),
        ("900.0", {"30g": 3}),
    ],
)
def test_whole_vials(volume_ml, vials):
    drawn = _drawn(IVIG, volume_ml)

    assert {key.removeprefix("octagam_10_"): count for key, count, _ in drawn} == vials
    assert sum(drawn_ml for _, _, drawn_ml in drawn) == Decimal(volume_ml)


def test_a_measured_part_of_a_bag():
    assert _drawn(SALINE, "650") == [("sodium_chloride_0_9_1000", 1, Decimal(650))]


def test_more_bags_when_one_is_not_enough():
    large = parse_products(MIGHT_TOML.replace("fill_limit_ml = 900", "fill_limit_ml = 2700"))
    for volume_ml, count in ((1000, 1), (1010, 2), (2000, 2), (2020, 3)):
        picked = pick_list(SALINE, Decimal(volume_ml), large.container("eva_1000"), large)
        assert [(line.count, line.volume_ml) for line in picked.lines] == [(count, volume_ml)]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.sampled_from([10, 20, 25, 30, 50, 70, 100]), min_size=1, max_size=4, unique=True),
    st.integers(1, 60).map(lambda steps: steps * 5),
)
@example([10, 25, 30], 50)  # where the largest vial first would take one vial too many
def test_fewest_vials_as_found_by_trying_everything(sizes_ml, volume_ml):
    products = _with_vials(sizes_ml)
    possible = [
        counts
        for counts in combinations(*(range(volume_ml // size + 1) for size in sizes_ml))
        if sum(n * size for n, size in zip(counts, sizes_ml, strict=True)) == volume_ml
    ]

    if not possible:
        with pytest.raises(Refusal):
            pick_list(IVIG, Decimal(volume_ml), products.containers[0], products)
        return
    picked = pick_list(IVIG, Decimal(volume_ml), products.containers[0], products)
    assert sum(line.volume_ml for line in picked.lines) == volume_ml
    assert all(line.volume_ml == line.count * line.product.volume_ml for line in picked.lines)
    assert sum(line.count for line in picked.lines) == min(map(sum, possible))


def _with_vials(sizes_ml: list[int]):
    vials = "".join(
        f'[[supplies.products]]\nkey = "vial_{size}"\nname = "Vial"\nvolume_ml = {size}\n'
        f'gtins = ["{_gtin(at)}"]\n'
        for at, size in enumerate(sizes_ml)
    )
    before, _, after = MIGHT_TOML.partition("[[supplies.products]]")
    return parse_products(before + vials + "[[supplies]]" + after.split("[[supplies]]")[1])


def _gtin(number: int) -> str:
    body = f"{number:013}"
    weighted = sum(int(c) * (3 if at % 2 == 0 else 1) for at, c in enumerate(body))
    return body + str(-weighted % 10)


@pytest.mark.parametrize("volume_ml", ["0", "-50", "10", "30", "655", "900.5", "900.01", "910"])
def test_a_volume_is_refused_in_both_arms_with_one_sentence(volume_ml):
    sentences = set()
    for arm in (IVIG, SALINE):
        with pytest.raises(Refusal) as refused:
            pick_list(arm, Decimal(volume_ml), EVA, MIGHT)
        sentences.add(refused.value.sentence)

    assert len(sentences) == 1
    told = sentences.pop().lower()
    assert not any(word in told for word in ("ivig", "globulin", "octagam", "saline", "sodium"))


def test_both_arms_go_into_the_same_container_in_one_shape():
    ivig, saline = (pick_list(arm, Decimal(700), EVA, MIGHT) for arm in (IVIG, SALINE))

    assert type(ivig) is type(saline) is PickList
    assert ivig.container == saline.container
    assert ivig.volume_ml == saline.volume_ml == sum(line.volume_ml for line in ivig.lines)


def test_a_pick_list_does_not_tell_itself():
    shown = {
        f"{picked!r}{picked.lines[0]!r}"
        for picked in (pick_list(arm, Decimal(300), EVA, MIGHT) for arm in (IVIG, SALINE))
    }

    assert shown == {"<pick list><pick line>"}


def test_an_arm_for_which_nothing_is_drawn():
    with pytest.raises(KeyError, match="draws nothing"):
        pick_list(Arm("other"), Decimal(700), EVA, MIGHT)


def test_the_list_rules_and_the_products_name_the_same_supplies():
    rules = parse_list_rules(list_examples.MIGHT_TOML)

    assert {reveal(rule.arm): rule.product for rule in rules.arms} == {
        reveal(supply.arm): supply.key for supply in MIGHT.supplies
    }
    assert rules.study == MIGHT.study


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ('study = "MIGHT"', "", "study"),
        ('study = "MIGHT"', 'study = "MIGHT"\nsize = 1', "size"),
        ("fill_limit_ml = 900", "fill_limit_ml = 0", "containers[0].fill_limit_ml"),
        ("fill_limit_ml = 900", 'fill_limit_ml = "900"', "containers[0].fill_limit_ml"),
        ("fill_limit_ml = 900", "fill_limit_ml = nan", "containers[0].fill_limit_ml"),
        ("fill_limit_ml = 900", "fill_limit_ml = inf", "containers[0].fill_limit_ml"),
        ('arm = "saline"', 'arm = "Saline"', "supplies[1].arm"),
        ('arm = "saline"', 'arm = "ivig"', "supplies.arm"),
        ('draw = "part"', 'draw = "some"', "supplies[1].draw"),
        ("volume_ml = 50", "volume_ml = true", "supplies[0].products[1].volume_ml"),
        ("volume_ml = 50", "volume_ml = 50.05", "supplies[0].products[1].volume_ml"),
        ('gtins = ["00368982850021"]', "gtins = []", "supplies[0].products[1].gtins"),
        ("00368982850021", "00368982850020", "supplies[0].products[1].gtins"),
        ("00368982850021", "00368982850014", "supplies.products.gtins"),
        ('key = "octagam_10_5g"', 'key = "octagam_10_2g"', "supplies.products.key"),
        ('key = "eva_1000"', 'key = "EVA"', "containers[0].key"),
        ('name = "Octagam 10%, 5 g in 50 mL"', "", "supplies[0].products[1].name"),
        ('draw = "whole"', 'draw = "whole', "file"),
    ],
)
def test_an_error_names_the_field(old, new, field):
    assert old in MIGHT_TOML

    with pytest.raises(BadForm) as refused:
        parse_products(MIGHT_TOML.replace(old, new, 1))

    ((named, sentence),) = refused.value.errors.items()
    assert named == field
    assert field in sentence or field == "file"


def test_vials_of_broken_millilitres_are_drawn_exactly():
    products = parse_products(MIGHT_TOML.replace("volume_ml = 50\n", "volume_ml = 52.5\n"))
    picked = pick_list(IVIG, Decimal("105"), EVA, products)

    assert [(line.count, line.volume_ml) for line in picked.lines] == [(2, Decimal("105.0"))]
