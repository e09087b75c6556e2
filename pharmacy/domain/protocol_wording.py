"""The words of a protocol file: what the label says, and which values are marked defaults."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from pharmacy.domain.protocol_fields import Fields
from pharmacy.domain.protocol_parts import LabelWording, MarkedDefault, Protocol, Visit
from pharmacy.domain.quantities import format_grams, format_volume

# 21 CFR 312.6(a), word for word, with its em dash and full stop (requirement A1).
CAUTION_21_CFR_312_6 = (
    "Caution: New Drug\u2014Limited by Federal (or United States) law to investigational use."
)
# 21 CFR 312.6(b): no claim of safety or efficacy (requirement A2).
_CLAIMS = re.compile(r"\b(safe|safely|effective|efficacy|treats|cures)\b", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\{[^}]*\}|[{}]")


def read_label(fields: Fields) -> LabelWording:
    """Read `[label]`; every sentence is checked for its placeholders and for claims."""
    if fields.text("caution") != CAUTION_21_CFR_312_6:
        raise fields.error("caution", "must be the statement of 21 CFR 312.6(a), word for word")
    return LabelWording(
        caution=CAUTION_21_CFR_312_6,
        product_line_blinded=_sentence(fields, "product_line_blinded", "{grams}", "{volume}"),
        product_line_open=_sentence(fields, "product_line_open", "{grams}", "{volume}"),
        marking_blinded=_sentence(fields, "marking_blinded"),
        marking_open=_sentence(fields, "marking_open"),
        route=_sentence(fields, "route"),
        dosage_form=_sentence(fields, "dosage_form"),
        device=_sentence(fields, "device"),
        next_bag=_sentence(fields, "next_bag", "{bag}"),
        later_bag=_sentence(fields, "later_bag", "{rate}", "{minutes}"),
        handling=_sentences(fields, "handling"),
        warnings=_sentences(fields, "warnings", empty=True),
    )


def _sentence(fields: Fields, name: str, *placeholders: str) -> str:
    text = fields.text(name)
    if set(_PLACEHOLDER.findall(text)) != set(placeholders):
        wanted = " and ".join(placeholders) or "no placeholder"
        raise fields.error(name, f"must contain {wanted} and nothing else in braces")
    _refuse_claims(fields, name, text)
    return text


def _sentences(fields: Fields, name: str, *, empty: bool = False) -> tuple[str, ...]:
    texts = fields.texts(name, empty=empty)
    for text in texts:
        _refuse_claims(fields, name, text)
    return texts


def _refuse_claims(fields: Fields, name: str, text: str) -> None:
    if claim := _CLAIMS.search(text):
        raise fields.error(name, f"may not claim safety or efficacy ('{claim[0]}')")


def read_marked_defaults(fields: Fields, raw: dict[str, Any]) -> tuple[MarkedDefault, ...]:
    """Read `[[marked_defaults]]`; the values shown for signature are those of the file itself."""

    def read(entry: Fields) -> MarkedDefault:
        paths = entry.texts("fields")
        for path in paths:
            if _value_at(raw, path) is None:
                raise entry.error("fields", f"names '{path}', which the file does not have")
        settings = tuple((path, _words(_value_at(raw, path))) for path in paths)
        source = entry.text("source") if entry.has("source") else ""
        return MarkedDefault(item=entry.text("item"), settings=settings, source=source)

    return fields.tables("marked_defaults", read)


def _value_at(raw: dict[str, Any], path: str) -> Any:
    value: Any = raw
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "; ".join(_words(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def product_line(protocol: Protocol, visit: Visit, grams: Decimal, volume_ml: Decimal) -> str:
    """The product line of a bag: either/or in a blinded phase, true for both arms (A3)."""
    label = protocol.label
    blinded = protocol.phase_of(visit).blinded
    line = label.product_line_blinded if blinded else label.product_line_open
    return line.format(grams=format_grams(grams), volume=format_volume(volume_ml))


def marking(protocol: Protocol, visit: Visit) -> str:
    """`Blinded study product`, or the open-label words, by the visit's phase."""
    blinded = protocol.phase_of(visit).blinded
    return protocol.label.marking_blinded if blinded else protocol.label.marking_open
