"""Finished texts to a PDF; what does not fit or does not read back is refused with its sentence."""

from __future__ import annotations

from labels.content import BagLabel, Content, InnerLabel
from labels.errors import LabelRefused
from labels.pdf import inner_label_pdf, outer_label_pdf, participant_card_pdf
from pharmacy.domain.errors import Refusal

WATERMARK = "TRAINING - NOT FOR HUMAN USE"


def to_pdf(content: Content) -> bytes:
    """The PDF of a label or card, read back by an independent decoder; refused (409) otherwise."""
    try:
        if isinstance(content, BagLabel):
            return outer_label_pdf(content)
        if isinstance(content, InnerLabel):
            return inner_label_pdf(content)
        return participant_card_pdf(content)
    except LabelRefused as refused:
        raise Refusal(refused.sentence) from None
