"""A sealed code-break card as paper: the card itself, and the sheet that goes around it.

It is drawn here and not in `labels`, where nothing can carry an arm. The outer sheet says whose it
is and whom to call, and nothing of what stands inside. The file has the same length whatever the
card says.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from labels import layout
from labels.errors import LabelRefused
from labels.layout import Stock, Zone
from labels.sheet import Sheet
from labels.typesetting import BOLD, Run
from pharmacy.domain.errors import BadForm
from pharmacy.unblinded.one_length import of_one_length

_DPI = 150
_LENGTH = 49152
_BAND = Zone(14.0, 8.0, 182.0, 7.0, "center")
_PAGE = {"width_mm": 210.0, "height_mm": 279.0, "margin_mm": 14.0, "band": _BAND}

_CARD = Stock(
    name="code-break card, 210 x 279 mm",
    title="Code-break card",
    zones={
        "title": Zone(14.0, 20.0, 110.0, 9.0),
        "protocol": Zone(126.0, 22.0, 70.0, 7.0, "right"),
        "participant": Zone(14.0, 36.0, 182.0, 16.0),
        "receives": Zone(20.0, 62.0, 170.0, 24.0),
        "only": Zone(14.0, 106.0, 182.0, 44.0),
        "who": Zone(14.0, 160.0, 182.0, 6.0),
        "identity": Zone(14.0, 246.0, 182.0, 14.0),
    },
    symbols={},
    rules_mm=(32.0, 100.0, 242.0),
    frames={"receives": 4.0},
    **_PAGE,
)
_COVER = Stock(
    name="cover sheet, 210 x 279 mm",
    title="Code-break card",
    zones={
        "title": Zone(14.0, 20.0, 182.0, 20.0),
        "participant": Zone(14.0, 52.0, 110.0, 16.0),
        "protocol": Zone(126.0, 55.0, 70.0, 7.0, "right"),
        "facts": Zone(14.0, 79.0, 182.0, 44.0),
        "call": Zone(14.0, 128.0, 182.0, 34.0),
        "how": Zone(14.0, 172.0, 182.0, 70.0),
    },
    symbols={},
    rules_mm=(48.0, 72.0, 124.0, 168.0),
    **_PAGE,
)
_OPEN_ONLY = (
    "Open this card only when the treatment of an emergency depends on it and the investigator "
    "cannot break the code."
)
_RECORD = (
    "Tell the arm only to whoever treats this participant. Write below who opened it, when and "
    "why, and call the pharmacy at once: it records a broken code. Say that the card is open, and "
    "not what it says."
)
_NO_ROOM = (
    "Custodian and place have no room on the card, or no such character: shorten them, and write "
    "them in plain letters. Nothing was opened."
)
_LINES = ("Opened by", "Date and time", "Why", "Told to", "Signature")
_STEPS = (
    ("1", "Fold the card inwards twice, the print inside. Hold it to a lamp: nothing may be read."),
    ("2", "Put this sheet around it, this side outwards, and both into the tamper-evident "
          "envelope with the seal number above."),
    ("3", "Close the seal, read its number once more, and record in Twinbag that it is in its "
          "place."),
    ("4", "Every week the custodian's set is counted: each seal unbroken, each number as above."),
    ("5", "Opened, broken, missing? Call the pharmacy at once, at any hour."),
)  # fmt: skip


@dataclass(frozen=True, repr=False)
class CardText:
    """What stands on a card and its cover sheet. `receives` is the arm in the protocol's words."""

    protocol_code: str
    participant: str
    receives: str
    number: str
    seal_number: str
    set_title: str
    custodian: str
    place: str
    unblinding_phone: str
    pharmacy_phone: str
    watermark: str = field(default="")


def card_pdf(text: CardText) -> bytes:
    """Two pages of 210 x 279 mm: the card, then its cover sheet. Refused (409): no room for a text.

    Every file has one length: what the network carries does not tell what was printed.
    """
    return of_one_length(lambda filling: _drawn(text, filling), _LENGTH)


def need_room(text: CardText) -> None:
    """Refused (`BadForm`) when this card cannot be drawn; nothing of it is kept."""
    try:
        _drawn(text, 1)
    except LabelRefused:
        raise BadForm({"custodian": _NO_ROOM}) from None


def _drawn(text: CardText, filling: int) -> bytes:
    sheet = Sheet(_CARD, _DPI, filling)
    _card(sheet, text)
    sheet.next_page(_COVER, text.watermark)
    _cover(sheet, text)
    return sheet.finished_without_code(text.watermark)


def _card(sheet: Sheet, text: CardText) -> None:
    sheet.column("title").paragraph([Run("title", "Code-break card", BOLD)], layout.HUGE)
    _protocol(sheet, text)
    _participant(sheet, text)
    receives = sheet.column("receives")
    receives.paragraph([Run("receives", "receives")], layout.KEY)
    receives.paragraph([Run("receives", text.receives, BOLD)], layout.HUGE)
    only = sheet.column("only")
    only.paragraph([Run("only", _OPEN_ONLY, BOLD)], layout.LARGE)
    only.space(2)
    only.paragraph([Run("only", _RECORD)], layout.KEY)
    only.space(2)
    only.paragraph(_phones(text), layout.KEY)
    for row, caption in enumerate(_LINES):
        y_mm = 168.0 + row * 15
        sheet.cell(14.0, y_mm - 5, 40.0, 6).paragraph([Run("who", caption, BOLD)], layout.KEY)
        sheet.line(56.0, y_mm, 140.0)
    identity = sheet.column("identity")
    identity.paragraph([Run("identity", _identity(text))], layout.STRONG)


def _cover(sheet: Sheet, text: CardText) -> None:
    title = sheet.column("title")
    title.paragraph([Run("title", "Sealed code-break card", BOLD)], layout.HUGE)
    title.paragraph([Run("title", "Open only in an emergency.", BOLD)], layout.LARGE)
    _participant(sheet, text)
    _protocol(sheet, text)
    facts = sheet.column("facts")
    facts.rows(
        "facts",
        (
            ("Seal number", text.seal_number),
            ("Card number", text.number),
            ("Set", text.set_title),
            ("Custodian", text.custodian),
            ("Place", text.place),
        ),
        layout.LARGE,
    )
    call = sheet.column("call")
    call.paragraph([Run("call", "Before you open it", BOLD)], layout.LARGE)
    call.space(1)
    call.paragraph([Run("call", _OPEN_ONLY)], layout.KEY)
    call.space(1)
    call.paragraph(_phones(text), layout.KEY)
    how = sheet.column("how")
    how.paragraph([Run("how", "How it is sealed and kept", BOLD)], layout.LARGE)
    how.space(2)
    how.rows("how", _STEPS, layout.KEY)


def _participant(sheet: Sheet, text: CardText) -> None:
    column = sheet.column("participant")
    column.paragraph([Run("participant", layout.PARTICIPANT)], layout.PLAIN)
    column.paragraph([Run("participant", text.participant, BOLD)], layout.HUGE)


def _protocol(sheet: Sheet, text: CardText) -> None:
    run = Run("protocol_code", text.protocol_code, BOLD)
    sheet.column("protocol").paragraph([run], layout.LARGE)


def _phones(text: CardText) -> list[Run]:
    return [
        Run("call", layout.UNBLINDING),
        Run("call", f"{text.unblinding_phone} ·", BOLD),
        Run("call", layout.PHARMACIST),
        Run("call", text.pharmacy_phone, BOLD),
    ]


def _identity(text: CardText) -> str:
    return f"Card {text.number} · seal {text.seal_number} · {text.set_title}"
