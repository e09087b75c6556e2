"""Whether a site's texts fit on paper: the labels themselves are asked, before anybody needs one.

A count of characters cannot tell: a W is four times as wide as an i. So each text is set on every
label and card it will stand on, beside the shortest possible others (A25).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TypeVar

from labels.content import BagLabel, Content, InnerLabel, ParticipantCard
from labels.errors import LabelRefused
from labels.pdf import inner_label_pdf, need_room, outer_label_pdf, participant_card_pdf

Piece = TypeVar("Piece", bound=Content)

_NO_ROOM = "This does not fit on the labels, or has a letter they cannot print. Shorten it."
_CODE = "0" * 20
_COVER = BagLabel(
    **{field.name: "-" for field in fields(BagLabel) if field.name not in ("watermark", "code")}
    | {"rate_steps": (("-", "-"),), "warnings": (), "code": _CODE}  # type: ignore[arg-type]
)
_INNER = InnerLabel(
    **{field.name: "-" for field in fields(InnerLabel) if field.name not in ("watermark", "code")},
    code=_CODE,
)
_CARD = ParticipantCard(
    protocol_code="-",
    participant="-",
    pharmacy_name="-",
    pharmacy_phone="-",
    unblinding_phone="-",
    warnings=(),
    code=_CODE,
)


def too_long(texts: Mapping[str, str]) -> dict[str, str]:
    """A sentence for each text that some label cannot carry; empty when all fit together.

    `texts` maps the labels' field names, such as `pharmacy_name`, to finished texts.
    """
    if _fit(texts):
        return {}
    alone = {name: _NO_ROOM for name, text in texts.items() if not _fit({name: text})}
    # Each fits by itself, but the card sets name and telephones one under another.
    return alone or {"pharmacy_name": _NO_ROOM}


def room_for_participant(code: str) -> bool:
    """Whether a participant's code has room on both labels and on the card."""
    try:
        for content in (_COVER, _INNER, _CARD):
            need_room(_with(content, {"participant": code}))
    except LabelRefused:
        return False
    return True


def _fit(texts: Mapping[str, str]) -> bool:
    try:
        outer_label_pdf(_with(_COVER, texts))
        inner_label_pdf(_with(_INNER, texts))
        participant_card_pdf(_with(_CARD, texts))
    except LabelRefused:
        return False
    return True


def _with(content: Piece, texts: Mapping[str, str]) -> Piece:
    known = {field.name for field in fields(content)}
    return replace(content, **{name: text for name, text in texts.items() if name in known})
