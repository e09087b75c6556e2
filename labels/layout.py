"""Where each fact sits, in millimetres from the top left corner, for each label stock.

Places are fixed: the participant, the product, the time limits and the codes are in the same
position on every label of a stock (A24). A text that does not fit its place is refused, never
clipped or made smaller (A25). Type sizes are points; nothing is under 8, and the participant, the
product line and the volume are never under 12 (A20).

Floats are fit here: this is geometry on paper, and no clinical quantity passes through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from labels.codes import Symbol

Align = Literal["left", "center", "right"]

MM = 72 / 25.4
LEADING = 1.2

# Captions: the only words on a label that do not come from its content.
PHARMACIST = "24-hour pharmacist:"
UNBLINDING = "Emergency unblinding:"
INVESTIGATOR = "Investigator"
PARTICIPANT = "Participant"
VOLUME = "Volume in this bag"
BAG_CODE = "Bag code"
CARD = "Participant card"
CARD_CODE = "Card code"
PACKING = "Packing list"
IN_THE_BOX = "In this delivery"
BAG = "Bag"
BAG_VOLUME = "Volume"
START_BY = "Start by"
ARRIVED = "Arrived"
AT_THE_DOOR = (
    "At the door: compare each code with the label on the cover, then scan the label on each bag. "
    "Call the pharmacist if a bag is missing, or if a cover or a seal is open."
)
COURIER = "Courier"
NURSE = "Nurse who receives"
NAME = "Name"
SIGNATURE = "Signature"
DATE_AND_TIME = "Date and time"

HUGE = 20
LARGE = 14
KEY = 12
RATE = 10
STRONG = 10
PLAIN = 9
SMALL = 8.5
FINE = 8


@dataclass(frozen=True)
class Zone:
    """A rectangle for text: left, top, width, height in mm."""

    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float
    align: Align = "left"


@dataclass(frozen=True)
class Spot:
    """Top left corner of a symbol's dark square, in mm; its quiet zone lies outside."""

    x_mm: float
    y_mm: float


@dataclass(frozen=True)
class Stock:
    """One label stock: its size, its text zones, its symbols, its lines and its watermark band."""

    name: str
    width_mm: float
    height_mm: float
    margin_mm: float
    band: Zone
    zones: Mapping[str, Zone]
    symbols: Mapping[Symbol, Spot]
    rules_mm: tuple[float, ...] = ()
    frames: Mapping[str, float] = field(default_factory=dict)
    title: str = "Label"


OUTER = Stock(
    name="outer label, 4 x 6 in",
    width_mm=101.6,
    height_mm=152.4,
    margin_mm=4.5,
    band=Zone(4.5, 2.0, 92.6, 5.2, "center"),
    zones={
        "pharmacy": Zone(4.5, 8.4, 69.6, 4.0),
        "protocol": Zone(74.1, 7.6, 23, 5.2, "right"),
        "address": Zone(4.5, 12.3, 92.6, 3.6),
        "phones": Zone(4.5, 15.8, 53, 7.0),
        "investigator": Zone(57.5, 15.8, 39.6, 7.0, "right"),
        "participant": Zone(4.5, 24.6, 57.6, 16.4),
        "volume": Zone(62.1, 24.6, 35, 16.4, "right"),
        "product": Zone(4.5, 42.8, 92.6, 15.4),
        "time_limits": Zone(4.5, 59.3, 92.6, 10.3),
        "directions": Zone(4.5, 71.2, 92.6, 44.9),
        "code": Zone(41.5, 117.4, 55.6, 16.0),
        "caution": Zone(30.2, 134.2, 65.9, 7.4),
        "footer": Zone(4.5, 143.6, 92.6, 7.4),
    },
    symbols={Symbol.QR: Spot(4.5, 120.0), Symbol.DATA_MATRIX: Spot(29.2, 120.0)},
    rules_mm=(23.6, 41.8, 58.8, 70.3),
    frames={"caution": 1.0},
)

INNER = Stock(
    name="inner label, 4 x 3 in",
    width_mm=101.6,
    height_mm=76.2,
    margin_mm=4.5,
    band=Zone(4.5, 2.0, 92.6, 5.2, "center"),
    zones={
        "participant": Zone(4.5, 8.6, 57.6, 16.4),
        "volume": Zone(62.1, 8.6, 35, 16.4, "right"),
        "not_released": Zone(5.9, 27.8, 89.8, 8.6, "center"),
        "code": Zone(41.5, 39.4, 55.6, 16.0),
        "caution": Zone(30.2, 56.2, 65.9, 7.4),
        "pharmacy": Zone(4.5, 66.6, 72, 7.2),
        "protocol": Zone(76.5, 68.9, 20.6, 5.2, "right"),
    },
    symbols={Symbol.QR: Spot(4.5, 42.0), Symbol.DATA_MATRIX: Spot(29.2, 42.0)},
    frames={"not_released": 1.4, "caution": 1.0},
)

CARD_STOCK = Stock(
    name="participant card, 85.6 x 54 mm",
    width_mm=85.6,
    height_mm=54.0,
    margin_mm=4.0,
    band=Zone(4.0, 1.8, 77.6, 5.2, "center"),
    zones={
        "card": Zone(4.0, 7.8, 53.6, 12.9),
        "phones": Zone(4.0, 21.2, 53.6, 11.0),
        "warnings": Zone(4.0, 34.1, 77.6, 10.8),
        "card_code": Zone(4.0, 45.3, 77.6, 7.7),
    },
    symbols={Symbol.QR: Spot(61.9, 11.0)},
    rules_mm=(45.0,),
)

# As wide as A4 and as high as Letter, so that it prints whole on either.
PAPER = Stock(
    name="packing list, 210 x 279 mm",
    title="Packing list",
    width_mm=210.0,
    height_mm=279.0,
    margin_mm=14.0,
    band=Zone(14.0, 8.0, 182.0, 7.0, "center"),
    zones={
        "title": Zone(14.0, 20.0, 110.0, 9.0),
        "protocol": Zone(126.0, 22.0, 70.0, 7.0, "right"),
        "pharmacy": Zone(14.0, 33.0, 182.0, 16.0),
        "participant": Zone(14.0, 54.5, 122.0, 20.5),
        "bag_count": Zone(136.0, 54.5, 60.0, 20.5, "right"),
        "stop_by": Zone(14.0, 79.5, 182.0, 6.5),
        "storage": Zone(14.0, 86.5, 182.0, 11.0),
        "not_with_it": Zone(14.0, 98.0, 182.0, 5.5),
        "head": Zone(14.0, 108.0, 182.0, 4.5),
        "at_the_door": Zone(14.0, 221.5, 182.0, 10.5),
        "courier": Zone(14.0, 236.0, 86.0, 6.0),
        "nurse": Zone(110.0, 236.0, 86.0, 6.0),
    },
    symbols={},
    rules_mm=(52.0, 77.0, 106.0, 220.0),
)
# The table of bags: where each column begins and how wide it is, and how many rows there are.
# The column of codes takes twenty of the widest letter, since any code may be drawn.
PACKED_COLUMNS: Mapping[str, tuple[float, float]] = {
    "bag_n_of_n": (14.0, 25.0),
    "code": (39.0, 67.0),
    "volume": (106.0, 22.2),
    "start_by": (128.2, 54.2),
    "arrived": (182.5, 13.5),
}
PACKED_ROWS = 12
PACKED_TOP_MM = 113.5
PACKED_ROW_MM = 8.7
