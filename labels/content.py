"""What a label or paper may carry: a closed list of finished texts, and one code on a label.

Every text is final when it arrives here: quantities carry their units, times their zone, dates
their spelled month. There is no field for a brand, a lot, a vial, a weight, an arm or a name, so
none can be printed (requirements B1 to B15). The only thing refused is an empty text.

Phone numbers, the investigator and the code come bare; their captions are in `layout`.
`product_note` comes without a full stop.
`route`, `device`, `storage`, `handling`, `flush` and each warning are whole sentences with their
full stop, because they are set one after another as running text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields

from labels.errors import LabelIncomplete, LabelUnreadable

_CODE = re.compile(r"[0-9A-Z]{20}")


@dataclass(frozen=True)
class BagLabel:
    """The outer label of one bag, the same in both arms (A1 to A17)."""

    pharmacy_name: str
    pharmacy_address: str
    pharmacy_phone: str
    unblinding_phone: str
    protocol_code: str
    investigator: str
    participant: str
    visit_and_day: str
    volume: str
    bag_n_of_n: str
    product_line: str
    product_note: str
    route: str
    device: str
    rate_steps: tuple[tuple[str, str], ...]
    start_by: str
    stop_by: str
    storage: str
    handling: str
    flush: str
    warnings: tuple[str, ...]
    caution: str
    trial_use: str
    prescription: str
    date_prepared: str
    staff_codes: str
    template_version: str
    code: str
    watermark: str = ""

    def __post_init__(self) -> None:
        _refuse_gaps(self)


@dataclass(frozen=True)
class InnerLabel:
    """The label on the empty container before the first puncture: arm-free, not yet released."""

    protocol_code: str
    participant: str
    visit_and_day: str
    bag_n_of_n: str
    volume: str
    caution: str
    not_released: str
    pharmacy_name: str
    pharmacy_phone: str
    code: str
    watermark: str = ""

    def __post_init__(self) -> None:
        _refuse_gaps(self)


@dataclass(frozen=True)
class ParticipantCard:
    """The card a participant keeps: two phone numbers, warnings of either arm, one code."""

    protocol_code: str
    participant: str
    pharmacy_name: str
    pharmacy_phone: str
    unblinding_phone: str
    warnings: tuple[str, ...]
    code: str
    watermark: str = ""

    def __post_init__(self) -> None:
        _refuse_gaps(self)


@dataclass(frozen=True)
class PackedBag:
    """One bag as the packing list names it; `code` is the grouped text of its cover's code."""

    bag_n_of_n: str
    code: str
    volume: str
    start_by: str


@dataclass(frozen=True)
class PackingList:
    """The paper that travels with the bags of one participant's infusion day (K1, K7, K12).

    It says what is in the box and to whom it goes by code alone: nobody's name, no address of a
    home, no weight, no product, nothing that was done in the pharmacy. `bags` are those that
    travel; `not_with_it` says which of the day do not, and is empty when all do.
    """

    pharmacy_name: str
    pharmacy_phone: str
    unblinding_phone: str
    protocol_code: str
    participant: str
    visit_and_day: str
    bag_count: str
    bags: tuple[PackedBag, ...]
    stop_by: str
    storage: str
    not_with_it: str = ""
    watermark: str = ""

    def __post_init__(self) -> None:
        _refuse_gaps(self)


Label = BagLabel | InnerLabel | ParticipantCard
Content = Label | PackingList

# A study may have no product warning, all bags of a day may travel together, and only a
# practice study has a watermark.
_MAY_BE_EMPTY = frozenset({"warnings", "not_with_it", "watermark"})


def _refuse_gaps(content: Content) -> None:
    """Raise `LabelIncomplete` for an empty text, `LabelUnreadable` for a malformed code."""
    for field in fields(content):
        value = getattr(content, field.name)
        if not value and field.name not in _MAY_BE_EMPTY:
            raise LabelIncomplete(field.name)
        if any(not text.strip() for text in _texts(value)):
            raise LabelIncomplete(field.name)
    for code in _codes(content):
        if not _CODE.fullmatch(code):
            raise LabelUnreadable(
                "The code is not 20 capital letters and digits: no label was made. "
                "Ask for a new code."
            )


def _codes(content: Content) -> list[str]:
    """The codes that stand on a piece: one on a label, one of each bag on a packing list."""
    if not isinstance(content, PackingList):
        return [content.code]
    return [bag.code.replace(" ", "") for bag in content.bags]


def _texts(value: str | tuple[str | PackedBag | tuple[str, ...], ...]) -> list[str]:
    """The single texts in a field's value; none for an empty one."""
    if isinstance(value, str):
        return [value] if value else []
    return [text for part in value for text in _parts(part)]


def _parts(part: str | PackedBag | tuple[str, ...]) -> list[str]:
    if isinstance(part, PackedBag):
        return [getattr(part, field.name) for field in fields(part)]
    return [part] if isinstance(part, str) else list(part)
