"""Finished texts to PDF bytes: one label a file, the same bytes for the same content.

What stands where is in `layout`; here is what each zone says and how strongly.
"""

from __future__ import annotations

from labels import layout
from labels.content import BagLabel, InnerLabel, Label, ParticipantCard
from labels.layout import CARD_STOCK, INNER, OUTER
from labels.sheet import Sheet
from labels.typesetting import BOLD, Column, Run


def outer_label_pdf(label: BagLabel, dpi: int = 203) -> bytes:
    """The label on the bag's opaque cover, 4 x 6 in.

    `dpi` is the printer's. Raises `LabelOverflow` or `LabelUnreadable`; then nothing is returned.
    """
    return _outer(label, dpi).finished(label, layout.BAG_CODE)


def inner_label_pdf(label: InnerLabel, dpi: int = 203) -> bytes:
    """The label on the empty container, 4 x 3 in. `dpi` and errors as `outer_label_pdf`."""
    return _inner(label, dpi).finished(label, layout.BAG_CODE)


def need_room(label: Label) -> None:
    """Set every text of a label where it would stand, and print nothing; errors as when printed."""
    if isinstance(label, ParticipantCard):
        _card(label, 300).set_code_text(label, layout.CARD_CODE)
    elif isinstance(label, InnerLabel):
        _inner(label, 203).set_code_text(label, layout.BAG_CODE)
    else:
        _outer(label, 203).set_code_text(label, layout.BAG_CODE)


def _outer(label: BagLabel, dpi: int) -> Sheet:
    sheet = Sheet(OUTER, dpi)
    _head(sheet, label)
    _identity(sheet, label)
    sheet.column("product").paragraph([Run("product_line", label.product_line, BOLD)], layout.KEY)
    limits = sheet.column("time_limits")
    limits.paragraph([Run("start_by", label.start_by, BOLD)], layout.KEY)
    limits.paragraph([Run("stop_by", label.stop_by, BOLD)], layout.KEY)
    _directions(sheet, label)
    _caution(sheet, label)
    footer = sheet.column("footer")
    footer.paragraph([Run("trial_use", label.trial_use, BOLD)], layout.PLAIN)
    footer.paragraph(_footnotes(label), layout.FINE)
    return sheet


def _inner(label: InnerLabel, dpi: int) -> Sheet:
    sheet = Sheet(INNER, dpi)
    _identity(sheet, label)
    sheet.centred("not_released", label.not_released, layout.HUGE)
    _caution(sheet, label)
    pharmacy = sheet.column("pharmacy")
    pharmacy.paragraph([Run("pharmacy_name", label.pharmacy_name, BOLD)], layout.SMALL)
    pharmacy.paragraph(
        _phone("pharmacy_phone", layout.PHARMACIST, label.pharmacy_phone), layout.FINE
    )
    _protocol(sheet, label)
    return sheet


def participant_card_pdf(card: ParticipantCard, dpi: int = 300) -> bytes:
    """The participant's card, 85.6 x 54 mm, with a QR code. Errors as `outer_label_pdf`."""
    return _card(card, dpi).finished(card, layout.CARD_CODE)


def _card(card: ParticipantCard, dpi: int) -> Sheet:
    sheet = Sheet(CARD_STOCK, dpi)
    title = sheet.column("card")
    title.paragraph(
        [Run("protocol_code", card.protocol_code, BOLD), Run("protocol_code", layout.CARD)],
        layout.STRONG,
    )
    title.paragraph([Run("participant", card.participant, BOLD)], layout.HUGE)
    phones = sheet.column("phones")
    phones.paragraph([Run("pharmacy_name", card.pharmacy_name, BOLD)], layout.SMALL)
    _phones(phones, card, layout.SMALL)
    warnings = sheet.column("warnings")
    for warning in card.warnings:
        warnings.paragraph([Run("warnings", warning, BOLD)], layout.SMALL)
    return sheet


def _head(sheet: Sheet, label: BagLabel) -> None:
    sheet.column("pharmacy").paragraph(
        [Run("pharmacy_name", label.pharmacy_name, BOLD)], layout.PLAIN
    )
    sheet.column("address").paragraph(
        [Run("pharmacy_address", label.pharmacy_address)], layout.FINE
    )
    _protocol(sheet, label)
    _phones(sheet.column("phones"), label, layout.FINE)
    investigator = sheet.column("investigator")
    investigator.paragraph([Run("investigator", layout.INVESTIGATOR)], layout.FINE)
    investigator.paragraph([Run("investigator", label.investigator)], layout.FINE)


def _protocol(sheet: Sheet, label: BagLabel | InnerLabel) -> None:
    sheet.column("protocol").paragraph(
        [Run("protocol_code", label.protocol_code, BOLD)], layout.KEY
    )


def _phones(column: Column, content: BagLabel | ParticipantCard, size: float) -> None:
    column.paragraph(_phone("pharmacy_phone", layout.PHARMACIST, content.pharmacy_phone), size)
    column.paragraph(_phone("unblinding_phone", layout.UNBLINDING, content.unblinding_phone), size)


def _phone(field: str, caption: str, number: str) -> list[Run]:
    return [Run(field, caption), Run(field, number, BOLD)]


def _identity(sheet: Sheet, label: BagLabel | InnerLabel) -> None:
    """Who and how much: the two facts compared first at the bedside."""
    left, right = sheet.column("participant"), sheet.column("volume")
    left.paragraph([Run("participant", layout.PARTICIPANT)], layout.FINE)
    left.paragraph([Run("participant", label.participant, BOLD)], layout.HUGE)
    left.paragraph([Run("visit_and_day", label.visit_and_day, BOLD)], layout.STRONG)
    right.paragraph([Run("volume", layout.VOLUME)], layout.FINE)
    right.paragraph([Run("volume", label.volume, BOLD)], layout.HUGE)
    right.paragraph([Run("bag_n_of_n", label.bag_n_of_n, BOLD)], layout.STRONG)


def _directions(sheet: Sheet, label: BagLabel) -> None:
    column = sheet.column("directions")
    column.paragraph(
        [
            Run("product_note", f"{label.product_note}.", BOLD),
            Run("route", label.route, BOLD),
            Run("device", label.device),
        ],
        layout.PLAIN,
    )
    column.space(1)
    column.rows("rate_steps", label.rate_steps, layout.RATE)
    column.space(1)
    column.paragraph(
        [
            Run("storage", label.storage),
            Run("handling", label.handling),
            Run("flush", label.flush),
        ],
        layout.SMALL,
    )
    for warning in label.warnings:
        column.paragraph([Run("warnings", warning, BOLD)], layout.SMALL)


def _caution(sheet: Sheet, label: BagLabel | InnerLabel) -> None:
    sheet.column("caution").paragraph([Run("caution", label.caution, BOLD)], layout.SMALL)


def _footnotes(label: BagLabel) -> list[Run]:
    return [
        Run("prescription", f"{label.prescription} ·"),
        Run("date_prepared", f"{label.date_prepared} ·"),
        Run("staff_codes", f"{label.staff_codes} ·"),
        Run("template_version", label.template_version),
    ]
