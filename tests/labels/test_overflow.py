"""A text that does not fit is refused by name; whatever is printed is printed whole (A25)."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labels.errors import LabelOverflow
from labels.pdf import inner_label_pdf, outer_label_pdf, participant_card_pdf
from tests.labels.paper import words_of
from tests.labels.samples import BAG, CARD, INNER, TRAINING

PIECES = [(BAG, outer_label_pdf), (INNER, inner_label_pdf), (CARD, participant_card_pdf)]
TEXTS = [
    (content, render, field.name)
    for content, render in PIECES
    for field in fields(content)
    if field.name != "code"
]


def with_text(content, field, text):
    """The content with `text` in that field, in the field's own shape."""
    shapes = {"rate_steps": ((text, "then"),), "warnings": (text,)}
    return replace(content, **{field: shapes.get(field, text)})


@pytest.mark.parametrize(("content", "render", "field"), TEXTS)
@pytest.mark.parametrize("text", ["W" * 300, "long words " * 150], ids=["a word", "words"])
def test_the_field_that_does_not_fit_is_named(content, render, field, text) -> None:
    """A25: the error and its sentence name the field, and do not quote the text."""
    with pytest.raises(LabelOverflow) as refused:
        render(with_text(content, field, text))
    assert refused.value.field == field
    assert field.replace("_", " ") in refused.value.sentence
    assert "long words" not in refused.value.sentence


def test_too_many_rate_steps_or_warnings_are_refused() -> None:
    """A25: more rows than the label has room for."""
    with pytest.raises(LabelOverflow) as refused:
        outer_label_pdf(replace(BAG, rate_steps=(("35 mL/hour", "for 30 minutes, then"),) * 12))
    assert refused.value.field == "rate_steps"
    with pytest.raises(LabelOverflow) as refused:
        outer_label_pdf(replace(BAG, warnings=BAG.warnings * 8))
    assert refused.value.field == "warnings"
    with pytest.raises(LabelOverflow) as refused:
        participant_card_pdf(replace(CARD, warnings=CARD.warnings * 4))
    assert refused.value.field == "warnings"


def test_a_long_second_text_of_a_rate_step_is_refused() -> None:
    """A25: the right column of the rates too."""
    with pytest.raises(LabelOverflow) as refused:
        outer_label_pdf(replace(BAG, rate_steps=(("35 mL/hour", "slowly " * 200),)))
    assert refused.value.field == "rate_steps"


@given(
    piece=st.sampled_from(TEXTS),
    words=st.lists(st.text(alphabet="AaWwil19", min_size=1, max_size=12), min_size=1, max_size=40),
    practice=st.booleans(),
)
@settings(max_examples=120, deadline=None)
def test_printed_whole_or_not_at_all(piece, words, practice) -> None:
    """A25: for any text of any field."""
    content, render, field = piece
    text = " ".join(words)
    changed = with_text(replace(content, watermark=TRAINING if practice else ""), field, text)
    try:
        pdf = render(changed)
    except LabelOverflow:
        return
    assert text in words_of(pdf)
