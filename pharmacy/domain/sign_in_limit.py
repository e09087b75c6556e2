"""What a sign-in is good for that lacks its second factor."""

from __future__ import annotations

from enum import StrEnum


class Limit(StrEnum):
    """The only doors of a sign-in that began with the password alone, where more is asked.

    `SECOND_STEP`: the page that asks for the rest. `CODE_BREAK`: besides that, breaking a code,
    which nothing may block.
    """

    SECOND_STEP = "second_step"
    CODE_BREAK = "code_break"
