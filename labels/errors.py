"""Why a label is not printed. Each says so in a sentence that may be shown to a person."""

from __future__ import annotations


class LabelRefused(Exception):
    """A label that must not be printed. `sentence` names what was wrong and what to do."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class LabelIncomplete(LabelRefused):
    """A required text is empty. `field` is the name of the empty field."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"The label has no text for: {field.replace('_', ' ')}. Nothing was printed. "
            "Complete it and print again."
        )
        self.field = field


class LabelOverflow(LabelRefused):
    """A text does not fit its place at its size (A25). `field` is the first that did not fit."""

    def __init__(self, field: str) -> None:
        super().__init__(
            f"There is no room on the label for: {field.replace('_', ' ')}. Nothing was printed. "
            "Shorten the text or use a larger label stock."
        )
        self.field = field


class LabelUnreadable(LabelRefused):
    """A code does not read back exactly, or a text has a character the typeface lacks (L8)."""
