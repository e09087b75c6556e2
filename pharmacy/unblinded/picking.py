"""A bag's pick list: met here first, after the envelope was opened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence.bags import Bag
from pharmacy.services.act import Act
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.at_bench import BenchBag
from pharmacy.unblinded.bag_record import Record, SourceLine
from pharmacy.unblinded.products import PickList, Product, Products, pick_list
from pharmacy.unblinded.study_files import products_of


def pick_list_of(act: Act, record: Record, bag: Bag) -> PickList:
    """What to draw for a bag whose envelope was opened; refused (409) before."""
    if record.arm is None:
        raise Refusal("Open the bag's envelope first.")
    products = products_of(act.in_study.code)
    return pick_list(record.arm, bag.volume_ml, products.container_for(bag.volume_ml), products)


def open_label_arm(act: Act, on_bench: BenchBag) -> Arm | None:
    """What an open-label course is drawn from, without any envelope; None for a blinded one.

    Everybody gets the same there, so that the past arm stays sealed. Refused (409) when the
    study's products do not say what that is.
    """
    if on_bench.blinded:
        return None
    arm = products_of(act.in_study.code).open_label
    if arm is None:
        raise Refusal("The study's products do not say what is given open label.")
    return arm


def product_of(act: Act, picked: PickList, gtin: str | None, typed_product: str) -> Product:
    """The product of the pick list that was scanned or named; anything else is refused (409)."""
    on_list = {line.product.key: line.product for line in picked.lines}
    if gtin is None:
        if typed_product not in on_list:
            raise BadForm({"product": "Choose the product that stands on the container."})
        return on_list[typed_product]
    for product in on_list.values():
        if gtin in product.gtins:
            return product
    known = _known(products_of(act.in_study.code), gtin)
    if known is not None:
        raise Refusal(f"Wrong product: {known.name} is not on this pick list. Put it back.")
    raise Refusal("This product number (GTIN) is not one of this study's. Put it back.")


def missing(picked: PickList, lines: Sequence[SourceLine]) -> dict[str, int]:
    """How many containers of each product of the pick list are still to be entered."""
    entered = Counter(line.product for line in lines)
    return {
        line.product.key: max(0, line.count - entered[line.product.key]) for line in picked.lines
    }


def _known(products: Products, gtin: str) -> Product | None:
    shelf = [product for supply in products.supplies for product in supply.products]
    return next((product for product in shelf if gtin in product.gtins), None)
