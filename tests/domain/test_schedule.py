"""Runs and visits: site times as UTC moments, through clock changes; practice every minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pharmacy.domain.schedule import next_run, runs_on, visit_window
from tests.domain.protocols import might, second

CHICAGO = ZoneInfo("America/Chicago")
TIMES = (time(9), time(13))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "runs"),
    [
        (date(2026, 1, 15), ("2026-01-15T15:00", "2026-01-15T19:00")),
        (date(2026, 3, 7), ("2026-03-07T15:00", "2026-03-07T19:00")),
        (date(2026, 3, 8), ("2026-03-08T14:00", "2026-03-08T18:00")),
        (date(2026, 11, 1), ("2026-11-01T15:00", "2026-11-01T19:00")),
    ],
)
def test_runs_keep_the_sites_wall_clock(day: date, runs: tuple[str, str]) -> None:
    """D10."""
    assert runs_on(day, TIMES, CHICAGO) == tuple(utc(text) for text in runs)


def test_a_run_in_the_hour_that_is_skipped_or_repeated_happens_once() -> None:
    skipped = runs_on(date(2026, 3, 8), (time(2, 30),), CHICAGO)
    assert [run.astimezone(CHICAGO).time() for run in skipped] == [time(3, 30)]
    assert len(runs_on(date(2026, 3, 8), (time(2, 30), time(3, 30)), CHICAGO)) == 1
    repeated = runs_on(date(2026, 11, 1), (time(1, 30),), CHICAGO)
    assert repeated == (utc("2026-11-01T06:30"),)


@pytest.mark.parametrize(
    ("after", "run"),
    [
        ("2026-01-15T14:59:59", "2026-01-15T15:00"),
        ("2026-01-15T15:00", "2026-01-15T19:00"),
        ("2026-01-15T19:00", "2026-01-16T15:00"),
        ("2026-03-08T05:00", "2026-03-08T14:00"),
        ("2026-11-01T03:00", "2026-11-01T15:00"),
    ],
)
def test_the_next_run_is_strictly_later(after: str, run: str) -> None:
    assert next_run(utc(after), TIMES, CHICAGO) == utc(run)


@pytest.mark.parametrize(
    ("after", "run"),
    [
        ("2026-01-15T14:58:30", "2026-01-15T15:00"),
        ("2026-01-15T15:00", "2026-01-15T15:05"),
        ("2026-01-15T23:57", "2026-01-16T00:00"),
    ],
)
def test_practice_runs_every_five_minutes(after: str, run: str) -> None:
    every = might().runs.practice_every_minutes
    assert next_run(utc(after), TIMES, CHICAGO, every) == utc(run)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 1, 15), 24), (date(2026, 3, 8), 23), (date(2026, 11, 1), 25)]
)
def test_the_practice_runs_of_a_day_fill_it(day: date, hours: int) -> None:
    runs = runs_on(day, TIMES, CHICAGO, 5)
    assert len(runs) == hours * 12
    assert {run.astimezone(CHICAGO).date() for run in runs} == {day}
    assert {b - a for a, b in zip(runs, runs[1:], strict=False)} == {timedelta(minutes=5)}


@given(st.integers(0, 60 * 24 * 366), st.sampled_from([None, 5, 10]))
def test_there_is_no_run_between_a_moment_and_its_next_run(
    minute: int, every: int | None
) -> None:
    after = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    run = next_run(after, TIMES, CHICAGO, every)
    assert after < run
    day = after.astimezone(CHICAGO).date()
    around = [r for n in range(-1, 3) for r in runs_on(day + timedelta(n), TIMES, CHICAGO, every)]
    assert run in around
    assert not [other for other in around if after < other < run]


def test_impossible_runs_are_bugs() -> None:
    now = utc("2026-01-15T15:00")
    for every in (0, -5, 7):
        with pytest.raises(ValueError, match="divide a day"):
            next_run(now, TIMES, CHICAGO, every)
    with pytest.raises(ValueError, match="at least one run"):
        next_run(now, (), CHICAGO)
    with pytest.raises(ValueError, match="in UTC"):
        next_run(now.astimezone(CHICAGO), TIMES, CHICAGO)


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
