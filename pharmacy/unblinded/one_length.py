"""Papers that carry an arm: each kind is a file of one length, whatever it says."""

from __future__ import annotations

from collections.abc import Callable

from labels.errors import LabelRefused
from pharmacy.domain.errors import Refusal

# A longer file writes its own length with more digits, so that the first try may miss by one.
_TRIES = 3


def of_one_length(draw: Callable[[int], bytes], length: int) -> bytes:
    """The file that `draw` makes with as many blanks in its metadata as `length` needs.

    Refused (409) where a text has no room.
    """
    filling = 1
    try:
        pdf = draw(filling)
        for _ in range(_TRIES):
            filling += length - len(pdf)
            pdf = draw(filling)
            if len(pdf) == length:
                return pdf
    except LabelRefused as refused:
        raise Refusal(refused.sentence) from None
    raise ValueError("a paper that carries an arm has one length")
