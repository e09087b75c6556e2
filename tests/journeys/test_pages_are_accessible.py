"""Every main page in a real browser at 320, 390 and 1280 px: axe's rules, no sideways scrolling,
and targets that a gloved finger meets (P5).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.journeys.inspection import findings
from tests.journeys.practice import Practice
from tests.journeys.walks import WALKS, Stops


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
def test_every_page_of_a_walk_is_accessible(
    practice: Practice, walk: Callable[[Practice], Stops]
) -> None:
    found = {}
    for name, visitor in walk(practice):
        if wrong := findings(visitor.page):
            found[name] = wrong
        visitor.page.set_viewport_size({"width": 1280, "height": 900})
    assert found == {}
