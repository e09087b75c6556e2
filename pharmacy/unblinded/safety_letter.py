"""The sealed letter of a safety unblinding: the letter, and the sheet that goes around it.

The outer sheet names the recipient and nothing of the study's participants or products.
"""

from __future__ import annotations

from collections.abc import Callable

from labels import layout
from labels.errors import LabelRefused
from labels.layout import Stock, Zone
from labels.sheet import Sheet
from labels.typesetting import BOLD, Column, Run
from pharmacy.domain.errors import BadForm
from pharmacy.persistence import studies
from pharmacy.services.act import Act
from pharmacy.services.printing import WATERMARK
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded.one_length import of_one_length
from pharmacy.unblinded.safety_request import Request, Told

_DPI = 150
_LENGTH = 49152
_LINES_A_PAGE = 12
_BAND = Zone(14.0, 8.0, 182.0, 7.0, "center")
_PAGE = {"width_mm": 210.0, "height_mm": 279.0, "margin_mm": 14.0, "band": _BAND}
_LETTER = Stock(
    name="safety letter, 210 x 279 mm",
    title="Letter",
    zones={
        "title": Zone(14.0, 20.0, 130.0, 9.0),
        "protocol": Zone(146.0, 22.0, 50.0, 7.0, "right"),
        "to": Zone(14.0, 36.0, 182.0, 20.0),
        "why": Zone(14.0, 62.0, 182.0, 18.0),
        "lines": Zone(14.0, 84.0, 182.0, 116.0),
        "only": Zone(14.0, 206.0, 182.0, 34.0),
        "signed": Zone(14.0, 246.0, 182.0, 22.0),
    },
    symbols={},
    rules_mm=(32.0, 58.0, 80.0, 203.0, 242.0),
    **_PAGE,
)
_COVER = Stock(
    name="outer sheet, 210 x 279 mm",
    title="Letter",
    zones={
        "title": Zone(14.0, 20.0, 182.0, 20.0),
        "to": Zone(14.0, 60.0, 182.0, 40.0),
        "how": Zone(14.0, 112.0, 182.0, 40.0),
    },
    symbols={},
    rules_mm=(48.0, 106.0),
    **_PAGE,
)
_NO_ROOM = (
    "The letter has no room for this, or no such character: shorten name, organisation and "
    "contact, and write them in plain letters. Nothing was opened."
)
_ONLY = (
    "This is told to you alone, for the safety of the participants named above. Tell it only to "
    "whoever treats them, and to nobody who works in this study: its nurses, coordinators, "
    "investigators and sponsor stay blinded. Keep the letter locked away, outside the study's "
    "files."
)
_HOW = (
    "Put the letter inwards folded into this sheet, both into a tamper-evident envelope, and hand "
    "it over in person or by a courier who asks for a signature. Not by mail, not as a picture."
)


def letter_pdf(act: Act, told: Told) -> bytes:
    """The letter and its outer sheet, 210 x 279 mm; one page more for every further
    `_LINES_A_PAGE` participants whom the request covers. Refused (409) where a text has no room.
    """
    return of_one_length(_drawing(act, told), _LENGTH * _pages(told))


def need_room(act: Act, told: Told) -> None:
    """Refused (`BadForm`) when this letter cannot be drawn; nothing of it is kept."""
    try:
        _drawing(act, told)(1)
    except LabelRefused:
        raise BadForm({"name": _NO_ROOM}) from None


def _pages(told: Told) -> int:
    return max(1, -(-told.covered // _LINES_A_PAGE))


def _drawing(act: Act, told: Told) -> Callable[[int], bytes]:
    site = studies.sites(act.uow.session, act.in_study.id)[0]
    watermark = WATERMARK if act.in_study.practice else ""
    code = protocol_of(act)[1].code

    def draw(filling: int) -> bytes:
        sheet = Sheet(_LETTER, _DPI, filling)
        for page in range(_pages(told)):
            if page:
                sheet.next_page(_LETTER, watermark)
            _letter(sheet, told, page, code, site.pharmacy_phone)
        sheet.next_page(_COVER, watermark)
        _cover(sheet, told.request)
        return sheet.finished_without_code(watermark)

    return draw


def _letter(sheet: Sheet, told: Told, page: int, code: str, phone: str) -> None:
    request, pages = told.request, _pages(told)
    heading = "Safety unblinding" if pages == 1 else f"Safety unblinding, {page + 1} of {pages}"
    sheet.column("title").paragraph([Run("title", heading, BOLD)], layout.HUGE)
    sheet.column("protocol").paragraph([Run("protocol", code, BOLD)], layout.LARGE)
    _to(sheet, request)
    why = sheet.column("why")
    why.paragraph([Run("why", f"{request.kind}.", BOLD), Run("why", request.when)], layout.KEY)
    why.paragraph([Run("why", f"{request.about}.")], layout.KEY)
    _lines(sheet.column("lines"), told, page)
    only = sheet.column("only")
    only.paragraph([Run("only", _ONLY, BOLD)], layout.KEY)
    signed = sheet.column("signed")
    signed.paragraph(
        [Run("signed", f"Asked for by {request.asked_by}, signed by {request.signed_by}.")],
        layout.KEY,
    )
    signed.paragraph(
        [Run("signed", layout.PHARMACIST), Run("signed", phone, BOLD)],
        layout.KEY,
    )


def _lines(column: Column, told: Told, page: int) -> None:
    """One page's participants. How many pages there are follows from whom the request covers."""
    shown = told.lines[page * _LINES_A_PAGE : (page + 1) * _LINES_A_PAGE]
    if shown:
        column.rows("lines", shown, layout.KEY)
    elif told.none and not page:
        column.paragraph([Run("lines", told.none, BOLD)], layout.KEY)
    else:
        column.paragraph([Run("lines", "Nobody more.", BOLD)], layout.KEY)


def _cover(sheet: Sheet, request: Request) -> None:
    title = sheet.column("title")
    title.paragraph([Run("title", "Personal and confidential", BOLD)], layout.HUGE)
    title.paragraph([Run("title", "To be opened by the addressee alone.", BOLD)], layout.LARGE)
    _to(sheet, request)
    sheet.column("how").paragraph([Run("how", _HOW)], layout.KEY)


def _to(sheet: Sheet, request: Request) -> None:
    to = sheet.column("to")
    to.paragraph([Run("to", request.recipient, BOLD)], layout.LARGE)
    to.paragraph([Run("to", request.contact)], layout.KEY)
