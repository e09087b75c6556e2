"""What a scanner types, or a person, for a source container: product number, lot, expiry, serial.

GS1 element strings as in the GS1 General Specifications: application identifiers (AIs) 01, 10,
17 and 21 are read, other common ones are passed over. Lit room only: every part of it tells.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from pharmacy.domain.errors import Refusal
from pharmacy.unblinded.products import Product

GROUP_SEPARATOR = "\x1d"
_GS1_PREFIXES = ("]C1", "]d2", "]Q3", "]e0")
_LONGEST = 400
_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_TEXT = re.compile(r"[!\"%-?A-Z_a-z]+\Z")  # GS1 character set 82
_DIGITS = re.compile(r"[0-9]+\Z")
_AI_IN_BRACKETS = re.compile(r"\(([0-9]{2,4})\)")

# The AI's first digits -> digits of the whole AI, longest value, whether its length is fixed.
_AIS: dict[str, tuple[int, int, bool]] = {
    **dict.fromkeys(("01", "02", "03"), (2, 14, True)),
    **dict.fromkeys(("11", "12", "13", "15", "16", "17"), (2, 6, True)),
    "00": (2, 18, True),
    "20": (2, 2, True),
    **dict.fromkeys(("31", "32", "33", "34", "35", "36"), (4, 6, True)),
    "41": (3, 13, True),
    **dict.fromkeys(("10", "21", "22"), (2, 20, False)),
    **dict.fromkeys(("30", "37"), (2, 8, False)),
    **dict.fromkeys(("240", "241", "250", "251", "253", "400", "403"), (3, 30, False)),
    **dict.fromkeys(("243", "254", "710", "711", "712", "713", "714", "715"), (3, 20, False)),
    "7003": (4, 10, False),
    "90": (2, 30, False),
    **{str(ai): (2, 90, False) for ai in range(91, 100)},
}


@dataclass(frozen=True, slots=True, repr=False)
class SourceScan:
    """One source container. `typed` marks an entry by hand, whose `gtin` may be unknown (None).

    `expiry` is the last day of use; `serial` is '' where the container has none.
    """

    gtin: str | None
    lot: str
    expiry: date
    serial: str = ""
    typed: bool = False

    def __repr__(self) -> str:
        return "<source scan>"


def parse_scan(text: str, today: date) -> SourceScan:
    """The container that a scanner read: an element string, raw or with its AIs in brackets.

    `today` settles the century of the expiry date. Raises Refusal naming what is wrong.
    """
    text = text.strip(" \t\r\n")
    _readable(text)
    if text.startswith(_GS1_PREFIXES):
        text = text[3:]
    elif text.startswith("]"):
        raise Refusal(
            "This is not a GS1 code. Scan the container's other code, or type its lot and "
            "expiry. If every code is refused, see that Caps Lock is off."
        )
    elements = _unique(_bracketed(text) if text.startswith("(") else _plain(text))
    gtin = _gtin(elements)
    for ai, what in (("10", "lot (10)"), ("17", "expiry date (17)")):
        if ai not in elements:
            raise Refusal(
                f"The code has no {what}. Scan the container's other code, or type its lot and "
                "expiry. If every code is refused, see that the scanner sends group separators."
            )
    return SourceScan(gtin, elements["10"], _expiry(elements["17"], today), elements.get("21", ""))


def typed_source(lot: str, expiry: str, gtin: str | None = None) -> SourceScan:
    """A container whose code cannot be read: its lot, and its expiry as YYYY-MM-DD or MM/YYYY.

    A month alone means its last day. Raises Refusal naming what is wrong.
    """
    lot = lot.strip(" ")
    if len(lot) > 20 or not _TEXT.match(lot):
        raise Refusal("The lot needs 1 to 20 letters, digits or marks, without blanks.")
    if gtin is not None and not is_gtin(gtin):
        raise Refusal("The product number (GTIN) is mistyped: its check digit is wrong.")
    return SourceScan(gtin, lot, _typed_date(expiry.strip(" ")), typed=True)


def check_source(scan: SourceScan, product: Product, needed_until: date) -> None:
    """Refuse a container that is another product, or that expires before `needed_until`.

    A typed entry without a product number is taken for the product that the person read.
    """
    if scan.gtin is not None and scan.gtin not in product.gtins:
        raise Refusal(
            f"Wrong product: this is not {product.name}. Put it back and scan the one on the "
            "pick list."
        )
    if scan.expiry < needed_until:
        raise Refusal(
            f"Expired: this container may be used until {_day(scan.expiry)} and is needed until "
            f"{_day(needed_until)}. Put it aside and take another."
        )


def is_gtin(text: object) -> bool:
    """Whether `text` is a GTIN of 14 digits whose check digit is right."""
    if not isinstance(text, str) or len(text) != 14 or not _DIGITS.match(text):
        return False
    weighted = (int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(text))
    return sum(weighted) % 10 == 0


def _readable(text: str) -> None:
    if not text:
        raise Refusal("Nothing was scanned. Scan the container again.")
    if len(text) > _LONGEST:
        raise Refusal("The scan is too long for one container. Scan one container at a time.")
    if not all(char == GROUP_SEPARATOR or " " <= char <= "~" for char in text):
        raise Refusal("The scan has characters that no GS1 code has. Scan the container again.")
    if _DIGITS.match(text) and len(text) in (8, 12, 13, 14):
        raise Refusal(
            "This code has the product number only. Scan the container's other code, or type "
            "its lot and expiry."
        )


def _bracketed(text: str) -> Iterator[tuple[str, str]]:
    parts = _AI_IN_BRACKETS.split(text)
    if parts[0]:
        raise _unreadable()
    for ai, value in zip(parts[1::2], parts[2::2], strict=True):
        width, longest, fixed = _shape(ai)
        if len(ai) != width:
            raise _unreadable()
        yield ai, _checked(ai, value.strip(f" {GROUP_SEPARATOR}"), longest, fixed)


def _plain(text: str) -> Iterator[tuple[str, str]]:
    left = text.lstrip(GROUP_SEPARATOR)
    while left:
        width, longest, fixed = _shape(left)
        ai, rest = left[:width], left[width:]
        if fixed:
            value, left = rest[:longest], rest[longest:]
        else:
            value, _, left = rest.partition(GROUP_SEPARATOR)
        yield ai, _checked(ai, value, longest, fixed)
        left = left.lstrip(GROUP_SEPARATOR)


def _shape(text: str) -> tuple[int, int, bool]:
    for width in (2, 3, 4):
        if text[:width] in _AIS:
            return _AIS[text[:width]]
    raise _unreadable()


def _checked(ai: str, value: str, longest: int, fixed: bool) -> str:
    pattern = _DIGITS if fixed else _TEXT
    if not pattern.match(value) or len(value) > longest or (fixed and len(value) != longest):
        raise Refusal(
            f"The part ({ai}) of the code is too long, too short or has characters that may not "
            "be there. Scan again; if it stays, see that the scanner sends group separators."
        )
    return value


def _unreadable() -> Refusal:
    return Refusal(
        "The scan is not a GS1 code that this pharmacy reads. Scan the container's other code, "
        "or type its lot and expiry."
    )


def _unique(elements: Iterator[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for ai, value in elements:
        if found.setdefault(ai, value) != value:
            raise Refusal(
                f"The scan has two different parts ({ai}), as when two codes are read at once. "
                "Scan one container at a time."
            )
    return found


def _gtin(elements: dict[str, str]) -> str:
    gtin = elements.get("01")
    if gtin is None:
        raise Refusal(
            "The code has no product number (01). Scan the code on the container itself, not on "
            "its case."
        )
    if not is_gtin(gtin):
        raise Refusal("The product number (01) has a wrong check digit. Scan the code again.")
    return gtin


def _expiry(digits: str, today: date) -> date:
    """YYMMDD, the year within 49 years back and 50 years on, day 00 the last of the month.

    GS1 General Specifications 7.12.
    """
    year = today.year - today.year % 100 + int(digits[:2])
    if year - today.year >= 51:
        year -= 100
    elif year - today.year <= -50:
        year += 100
    return _date(year, int(digits[2:4]), int(digits[4:]), "The expiry date (17) is no date")


def _typed_date(text: str) -> date:
    if match := re.fullmatch(r"(20[0-9]{2})-([0-9]{2})-([0-9]{2})", text):
        year, month, day = map(int, match.groups())
        if day:
            return _date(year, month, day, "The expiry is no date of the calendar")
    elif match := re.fullmatch(r"([0-9]{2})/(20[0-9]{2})", text):
        return _date(int(match[2]), int(match[1]), 0, "The expiry is no date of the calendar")
    raise Refusal("Type the expiry as YYYY-MM-DD, or as MM/YYYY if the container has no day.")


def _date(year: int, month: int, day: int, wrong: str) -> date:
    if not 1 <= month <= 12 or day > monthrange(year, month)[1]:
        raise Refusal(f"{wrong}. Compare it with the container and enter it again.")
    return date(year, month, day or monthrange(year, month)[1])


def _day(day: date) -> str:
    return f"{day.year}-{_MONTHS[day.month - 1]}-{day.day:02}"
