"""Papers that carry an arm: each kind is a file of one length, whatever it says."""

from __future__ import annotations

from collections.abc import Callable

from labels.errors import LabelRefused
from pharmacy.domain.errors import Refusal


def of_one_length(draw: Callable[[int], bytes], length: int) -> bytes:
    """The file that `draw` makes with as many blanks in its metadata as `length` needs.

    Refused (409) where a text has no room.
    """
    try:
        pdf = draw(length - len(draw(1)) + 1)
    except LabelRefused as refused:
        raise Refusal(refused.sentence) from None
    if len(pdf) != length:
        raise ValueError("a paper that carries an arm has one length")
    return pdf
