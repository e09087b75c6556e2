"""Visit windows, counted from the allocation."""

from __future__ import annotations

from datetime import date

from pharmacy.domain.schedule import visit_window
from tests.domain.protocols import might, second


def test_visit_windows() -> None:
    week_12 = might().find_visit("W12")
    assert week_12 is not None
    assert visit_window(date(2026, 1, 1), week_12) == (
        date(2026, 3, 23),
        date(2026, 3, 26),
        date(2026, 3, 29),
    )
    month_0 = second().find_visit("M0")
    assert month_0 is not None
    day = date(2026, 2, 28)
    assert visit_window(day, month_0) == (day, day, date(2026, 3, 2))
