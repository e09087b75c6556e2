"""When runs are and when visits are due. Runs are site times, returned as moments in UTC.

A practice study runs every few minutes, so that nobody has to wait to try things out.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from pharmacy.domain.protocol_parts import Visit
from pharmacy.domain.site_time import require_utc

_MINUTES_IN_DAY = 1440


def runs_on(
    day: date, run_times: tuple[time, ...], zone: ZoneInfo, every_minutes: int | None = None
) -> tuple[datetime, ...]:
    """The runs of a site day, in order, as UTC moments.

    Where the clock goes forward over a run time the run keeps the hour before the change (02:30
    is then 03:30); where it goes back the first of the two is meant, once. With `every_minutes`
    the run times are passed over.
    """
    midnights = [datetime.combine(d, time(), zone) for d in (day, day + timedelta(days=1))]
    if every_minutes is None:
        moments = {datetime.combine(day, at, zone).astimezone(UTC) for at in run_times}
        return tuple(sorted(moments))
    start, end = (midnight.astimezone(UTC) for midnight in midnights)
    runs = [_next_step(start - timedelta(microseconds=1), every_minutes)]
    while runs[-1] < end:
        runs.append(runs[-1] + timedelta(minutes=every_minutes))
    return tuple(runs[:-1])


def next_run(
    after: datetime,
    run_times: tuple[time, ...],
    zone: ZoneInfo,
    every_minutes: int | None = None,
) -> datetime:
    """The first run strictly after a moment (aware, UTC); `ValueError` if there are no runs."""
    require_utc(after)
    if every_minutes is not None:
        return _next_step(after, every_minutes)
    if not run_times:
        raise ValueError("a study has at least one run time")
    today = after.astimezone(zone).date()
    days = (today + timedelta(days=ahead) for ahead in range(-1, 3))
    return min(run for day in days for run in runs_on(day, run_times, zone) if run > after)


def _next_step(after: datetime, every_minutes: int) -> datetime:
    """The next of the moments that lie `every_minutes` apart, counted from midnight UTC."""
    if every_minutes < 1 or _MINUTES_IN_DAY % every_minutes:
        raise ValueError("practice runs must divide a day without remainder")
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    passed = (after - midnight) // timedelta(minutes=every_minutes)
    return midnight + timedelta(minutes=every_minutes * (passed + 1))


def visit_window(allocated_on: date, visit: Visit) -> tuple[date, date, date]:
    """First day, due day and last day of a visit for someone allocated on a date."""
    due = allocated_on + timedelta(days=visit.day_offset)
    return (
        due - timedelta(days=visit.window_before_days),
        due,
        due + timedelta(days=visit.window_after_days),
    )
