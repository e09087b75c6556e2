"""The products file of a study: read, checked, each error naming its field."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from pharmacy.domain.errors import BadForm
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.products import STEPS_PER_ML, Container, Product, Products, Supply
from pharmacy.unblinded.source_codes import is_gtin

_KEY = re.compile(r"[a-z][a-z0-9_]{0,30}\Z")
_MOST_ML = Decimal(5_000)
_SUPPLY_FIELDS = {"key", "arm", "draw", "products", "protocol_arm"}


def parse_products(toml_text: str) -> Products:
    """Read and check a products file; BadForm maps the first wrong field to what is wrong."""
    try:
        table = tomllib.loads(toml_text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as wrong:
        raise BadForm({"file": f"The products file is not valid TOML: {wrong}."}) from None
    _only(table, {"study", "open_label_arm", "supplies", "containers"}, "")
    containers = [
        Container(*_named(part, where), _volume(part, "fill_limit_ml", where))
        for where, part in _tables(table, "containers", "", {"key", "name", "fill_limit_ml"})
    ]
    supplies = [
        _supply(part, where)
        for where, part in _tables(table, "supplies", "", _SUPPLY_FIELDS)
    ]
    shelf = [product for supply in supplies for product in supply.products]
    _unique([container.key for container in containers], "containers.key")
    _unique([supply.key for supply in supplies], "supplies.key")
    _unique([supply.arm.to_bytes() for supply in supplies], "supplies.arm")
    _unique([product.key for product in shelf], "supplies.products.key")
    _unique([gtin for product in shelf for gtin in product.gtins], "supplies.products.gtins")
    return Products(
        _text(table, "study", ""), tuple(supplies), tuple(containers), _open_label(table, supplies)
    )


def _open_label(table: Mapping[str, Any], supplies: Sequence[Supply]) -> Arm | None:
    if "open_label_arm" not in table:
        return None
    try:
        arm = Arm(table["open_label_arm"])
    except ValueError as wrong:
        raise _wrong("open_label_arm", str(wrong)) from None
    if not any(supply.arm == arm for supply in supplies):
        raise _wrong("open_label_arm", "names an arm for which nothing is drawn")
    return arm


def _supply(table: Mapping[str, Any], where: str) -> Supply:
    try:
        arm = Arm(table.get("arm", ""))
    except ValueError as wrong:
        raise _wrong(f"{where}arm", str(wrong)) from None
    draw = table.get("draw")
    if draw not in ("whole", "part"):
        raise _wrong(f"{where}draw", 'needs "whole" or "part"')
    fields = {"key", "name", "volume_ml", "gtins"}
    products = [_product(part, at) for at, part in _tables(table, "products", where, fields)]
    named = _text(table, "protocol_arm", where) if "protocol_arm" in table else ""
    return Supply(_key(table, where), arm, draw, tuple(products), named)


def _product(table: Mapping[str, Any], where: str) -> Product:
    gtins = table.get("gtins")
    if not isinstance(gtins, list) or not gtins or not all(map(is_gtin, gtins)):
        raise _wrong(f"{where}gtins", "needs GTINs of 14 digits with a right check digit")
    return Product(*_named(table, where), _volume(table, "volume_ml", where), tuple(gtins))


def _wrong(field: str, what: str) -> BadForm:
    return BadForm({field: f"Products, {field}: {what}."})


def _only(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for field in table:
        if field not in known:
            raise _wrong(f"{where}{field}", "is not a field of the products file")


def _tables(
    table: Mapping[str, Any], field: str, where: str, known: set[str]
) -> list[tuple[str, Mapping[str, Any]]]:
    parts = table.get(field)
    if not isinstance(parts, list) or not parts or not all(isinstance(p, dict) for p in parts):
        raise _wrong(f"{where}{field}", "needs at least one table")
    named = [(f"{where}{field}[{at}].", part) for at, part in enumerate(parts)]
    for at, part in named:
        _only(part, known, at)
    return named


def _named(table: Mapping[str, Any], where: str) -> tuple[str, str]:
    return _key(table, where), _text(table, "name", where)


def _key(table: Mapping[str, Any], where: str) -> str:
    value = table.get("key")
    if not isinstance(value, str) or not _KEY.match(value):
        raise _wrong(f"{where}key", "needs 1 to 31 of a-z, 0-9 and _")
    return value


def _text(table: Mapping[str, Any], field: str, where: str) -> str:
    value = table.get(field)
    if not isinstance(value, str) or not value.isprintable() or not 1 <= len(value) <= 80:
        raise _wrong(f"{where}{field}", "needs text of at most 80 characters")
    return value


def _volume(table: Mapping[str, Any], field: str, where: str) -> Decimal:
    value = table.get(field)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise _wrong(f"{where}{field}", "needs a number of mL")
    volume_ml = Decimal(value)
    if not volume_ml.is_finite() or not 0 < volume_ml <= _MOST_ML or (volume_ml * STEPS_PER_ML) % 1:
        raise _wrong(f"{where}{field}", "needs mL above 0, at most 5,000, in steps of 0.1")
    return volume_ml


def _unique(values: Sequence[object], field: str) -> None:
    if len(set(values)) != len(values):
        raise _wrong(field, "names the same thing twice")
