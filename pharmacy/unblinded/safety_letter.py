"""The sealed letter of a safety unblinding: the letter, and the sheet that goes around it.

The outer sheet names the recipient and nothing of the study's participants or products.
"""

from __future__ import annotations

from labels import layout
from labels.layout import Stock, Zone
from labels.sheet import Sheet
from labels.typesetting import BOLD, Run
from pharmacy.persistence import studies
from pharmacy.services.act import Act
from pharmacy.services.printing import WATERMARK
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded.one_length import of_one_length
from pharmacy.unblinded.safety_unblinding import Request, Told

_DPI = 150
_LENGTH = 49152
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
    """Two pages of 210 x 279 mm. Refused (409) where a text has no room."""
    site = studies.sites(act.uow.session, act.in_study.id)[0]
    watermark = WATERMARK if act.in_study.practice else ""
    code = protocol_of(act)[1].code

    def draw(filling: int) -> bytes:
        sheet = Sheet(_LETTER, _DPI, filling)
        _letter(sheet, told, code, site.pharmacy_phone)
        sheet.next_page(_COVER, watermark)
        _cover(sheet, told.request)
        return sheet.finished_without_code(watermark)

    return of_one_length(draw, _LENGTH)


def _letter(sheet: Sheet, told: Told, code: str, phone: str) -> None:
    request = told.request
    sheet.column("title").paragraph([Run("title", "Safety unblinding", BOLD)], layout.HUGE)
    sheet.column("protocol").paragraph([Run("protocol", code, BOLD)], layout.LARGE)
    _to(sheet, request)
    why = sheet.column("why")
    why.paragraph([Run("why", f"{request.kind}.", BOLD), Run("why", request.when)], layout.KEY)
    why.paragraph([Run("why", f"{request.about}.")], layout.KEY)
    lines = sheet.column("lines")
    if told.lines:
        lines.rows("lines", told.lines, layout.KEY)
    if told.none:
        lines.paragraph([Run("lines", told.none, BOLD)], layout.KEY)
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
