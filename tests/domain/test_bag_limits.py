"""Whether the next bag of a day may follow the ones before it. A13, A14, K9."""

from __future__ import annotations

import pytest

from pharmacy.domain.bag_limits import day_may_go_on


@pytest.mark.parametrize(
    ("reasons", "may"),
    [
        ((), True),
        (("",), True),
        (("line",), True),
        (("bag", "time_limit", ""), True),
        (("reaction",), False),
        (("ordered",), False),
        (("wish",), False),
        (("", "reaction"), False),
        (("reaction", ""), False),
        (("wish", "line"), False),
    ],
)
def test_what_speaks_against_the_person_ends_the_day(reasons: tuple[str, ...], may: bool) -> None:
    """Trouble with line, pump, bag or time does not; the volume alone decides there."""
    assert day_may_go_on(reasons) is may
