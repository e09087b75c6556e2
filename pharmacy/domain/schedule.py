"""When the visits of a participant are due."""

from __future__ import annotations

from datetime import date, timedelta

from pharmacy.domain.protocol_parts import Visit


def visit_window(allocated_on: date, visit: Visit) -> tuple[date, date, date]:
    """First day, due day and last day of a visit for someone allocated on a date."""
    due = allocated_on + timedelta(days=visit.day_offset)
    return (
        due - timedelta(days=visit.window_before_days),
        due,
        due + timedelta(days=visit.window_after_days),
    )
