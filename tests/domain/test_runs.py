"""Runs: site times as UTC moments, through clock changes; practice every few minutes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from pharmacy.domain.runs import parse_run_rule, release_time, runs_on

ZONE = "America/Chicago"
CHICAGO = ZoneInfo(ZONE)
TIMES = parse_run_rule("09:00, 13:00")
EVERY_FIVE = parse_run_rule("every 5 minutes")
PREPARATION = timedelta(minutes=45)


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
    assert runs_on(day, TIMES, ZONE) == tuple(utc(text) for text in runs)


def test_a_run_in_the_hour_that_is_skipped_or_repeated_happens_once() -> None:
    skipped = runs_on(date(2026, 3, 8), parse_run_rule("02:30"), ZONE)
    assert [run.astimezone(CHICAGO).strftime("%H:%M") for run in skipped] == ["03:30"]
    assert len(runs_on(date(2026, 3, 8), parse_run_rule("02:30, 03:30"), ZONE)) == 1
    assert runs_on(date(2026, 11, 1), parse_run_rule("01:30"), ZONE) == (utc("2026-11-01T06:30"),)


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 1, 15), 24), (date(2026, 3, 8), 23), (date(2026, 11, 1), 25)]
)
def test_the_practice_runs_of_a_day_fill_it(day: date, hours: int) -> None:
    runs = runs_on(day, EVERY_FIVE, ZONE)
    assert len(runs) == hours * 12
    assert {run.astimezone(CHICAGO).date() for run in runs} == {day}
    assert {b - a for a, b in pairwise(runs)} == {timedelta(minutes=5)}


@pytest.mark.parametrize(
    "text",
    ["", "9:00", "13:00, 09:00", "09:00, 09:00", "24:00", "every 7 minutes", "every 0 minutes"],
)
def test_a_run_rule_that_cannot_be_read_says_what_to_type(text: str) -> None:
    with pytest.raises(ValueError, match="Type times of the day in order"):
        parse_run_rule(text)


def test_a_release_counts_from_the_scheduled_moment_however_early_the_bag_was_ready() -> None:
    """B10: the moment somebody finished is no blinded fact."""
    run = utc("2026-01-15T15:00")
    scheduled = utc("2026-01-15T15:45")
    for minutes in (1, 20, 45):
        ready = run + timedelta(minutes=minutes)
        assert release_time(run, ready, TIMES, PREPARATION) == scheduled
    assert release_time(run, scheduled + timedelta(seconds=1), TIMES, PREPARATION) is None


def test_practice_releases_at_the_next_tick_and_never_misses_its_run() -> None:
    run = utc("2026-01-15T15:00")
    for ready, released in (("15:00", "15:00"), ("15:01", "15:05"), ("17:59", "18:00")):
        now = utc(f"2026-01-15T{ready}")
        assert release_time(run, now, EVERY_FIVE, PREPARATION) == utc(f"2026-01-15T{released}")
