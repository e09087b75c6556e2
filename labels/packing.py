"""The packing list: one sheet that travels with the bags of one participant's infusion day.

It carries no barcode. A code on paper could be scanned in the place of a bag's own label, and the
answer would then be about a bag that nobody has in hand. So the bags' codes stand here as text
alone, to be compared with the covers, and the finished page is refused when a decoder finds a
symbol on it.
"""

from __future__ import annotations

from labels import layout
from labels.content import PackedBag, PackingList
from labels.errors import LabelOverflow
from labels.layout import PACKED_COLUMNS, PACKED_ROW_MM, PACKED_ROWS, PACKED_TOP_MM, PAPER
from labels.sheet import Sheet
from labels.typesetting import BASELINE, BOLD, Run

_BOX_MM = 5.0
_TO_WRITE_MM = 8.0
_LABELS_MM = 27.0
_ROW = {
    "bag_n_of_n": layout.KEY,
    "code": layout.STRONG,
    "volume": layout.KEY,
    "start_by": layout.KEY,
}


def packing_list_pdf(paper: PackingList, dpi: int = 300) -> bytes:
    """The packing list, 210 x 279 mm, on one page.

    Raises `LabelOverflow`, also for more than twelve bags, or `LabelUnreadable`; then nothing is
    returned.
    """
    sheet = Sheet(PAPER, dpi)
    _head(sheet, paper)
    _whose(sheet, paper)
    sheet.column("stop_by").paragraph([Run("stop_by", paper.stop_by, BOLD)], layout.LARGE)
    sheet.column("storage").paragraph([Run("storage", paper.storage, BOLD)], layout.KEY)
    if paper.not_with_it:
        sheet.column("not_with_it").paragraph(
            [Run("not_with_it", paper.not_with_it, BOLD)], layout.KEY
        )
    _bags(sheet, paper.bags)
    sheet.column("at_the_door").paragraph([Run("at_the_door", layout.AT_THE_DOOR)], layout.STRONG)
    _to_sign(sheet, "courier", layout.COURIER)
    _to_sign(sheet, "nurse", layout.NURSE)
    return sheet.finished_without_code(paper.watermark)


def _head(sheet: Sheet, paper: PackingList) -> None:
    sheet.column("title").paragraph([Run("title", layout.PACKING, BOLD)], layout.HUGE)
    sheet.column("protocol").paragraph(
        [Run("protocol_code", paper.protocol_code, BOLD)], layout.LARGE
    )
    pharmacy = sheet.column("pharmacy")
    pharmacy.paragraph([Run("pharmacy_name", paper.pharmacy_name, BOLD)], layout.KEY)
    pharmacy.paragraph(
        [
            Run("pharmacy_phone", layout.PHARMACIST),
            Run("pharmacy_phone", f"{paper.pharmacy_phone} ·", BOLD),
            Run("unblinding_phone", layout.UNBLINDING),
            Run("unblinding_phone", paper.unblinding_phone, BOLD),
        ],
        layout.KEY,
    )


def _whose(sheet: Sheet, paper: PackingList) -> None:
    left, right = sheet.column("participant"), sheet.column("bag_count")
    left.paragraph([Run("participant", layout.PARTICIPANT)], layout.PLAIN)
    left.paragraph([Run("participant", paper.participant, BOLD)], layout.HUGE)
    left.paragraph([Run("visit_and_day", paper.visit_and_day, BOLD)], layout.LARGE)
    right.paragraph([Run("bag_count", layout.IN_THE_BOX)], layout.PLAIN)
    right.paragraph([Run("bag_count", paper.bag_count, BOLD)], layout.HUGE)


def _bags(sheet: Sheet, bags: tuple[PackedBag, ...]) -> None:
    """One row a bag: what to compare in bold, and a square to tick when it is there."""
    if len(bags) > PACKED_ROWS:
        raise LabelOverflow("bags")
    captions = {
        "bag_n_of_n": layout.BAG,
        "code": layout.BAG_CODE,
        "volume": layout.BAG_VOLUME,
        "start_by": layout.START_BY,
        "arrived": layout.ARRIVED,
    }
    head = PAPER.zones["head"]
    for name, (x_mm, width_mm) in PACKED_COLUMNS.items():
        cell = sheet.cell(x_mm, head.y_mm, width_mm, head.height_mm)
        cell.paragraph([Run("bags", captions[name])], layout.PLAIN)
    for row, bag in enumerate(bags):
        top_mm = PACKED_TOP_MM + row * PACKED_ROW_MM
        for name, size in _ROW.items():
            x_mm, width_mm = PACKED_COLUMNS[name]
            # On one base line, whatever the size; the height of one line refuses a second.
            lower_mm = (layout.KEY - size) * BASELINE / layout.MM
            line_mm = size * layout.LEADING / layout.MM
            cell = sheet.cell(x_mm, top_mm + 0.7 + lower_mm, width_mm, line_mm)
            cell.paragraph([Run("bags", getattr(bag, name), BOLD)], size)
        sheet.box(PACKED_COLUMNS["arrived"][0] + 2, top_mm + 0.8, _BOX_MM)
        sheet.line(PAPER.margin_mm, top_mm + PACKED_ROW_MM - 1.2, PAPER.zones["head"].width_mm)


def _to_sign(sheet: Sheet, zone_name: str, who: str) -> None:
    """Who it is, then a line each for name, signature, date and time."""
    zone = PAPER.zones[zone_name]
    sheet.column(zone_name).paragraph([Run(zone_name, who, BOLD)], layout.KEY)
    for row, caption in enumerate((layout.NAME, layout.SIGNATURE, layout.DATE_AND_TIME), start=1):
        y_mm = zone.y_mm + 4 + row * _TO_WRITE_MM
        sheet.cell(zone.x_mm, y_mm - 4, _LABELS_MM, 5).paragraph(
            [Run(zone_name, caption)], layout.PLAIN
        )
        sheet.line(zone.x_mm + _LABELS_MM, y_mm, zone.width_mm - _LABELS_MM)
