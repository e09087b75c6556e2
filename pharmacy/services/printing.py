"""Finished texts to a PDF; what does not fit or does not read back is refused with its sentence."""

from __future__ import annotations

from labels.content import BagLabel, Content, InnerLabel, PackingList
from labels.errors import LabelRefused
from labels.packing import packing_list_pdf
from labels.pdf import inner_label_pdf, outer_label_pdf, participant_card_pdf
from pharmacy.domain.errors import Refusal

WATERMARK = "TRAINING - NOT FOR HUMAN USE"


def to_pdf(content: Content) -> bytes:
    """The PDF of a label, card or packing list, looked at by an independent decoder before it goes.

    Refused (409): a label whose codes do not read back, a packing list on which any code is found.
    """
    try:
        if isinstance(content, BagLabel):
            return outer_label_pdf(content)
        if isinstance(content, InnerLabel):
            return inner_label_pdf(content)
        if isinstance(content, PackingList):
            return packing_list_pdf(content)
        return participant_card_pdf(content)
    except LabelRefused as refused:
        raise Refusal(refused.sentence) from None
