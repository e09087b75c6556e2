"""Scheduled runs: when preparation may begin, and when what is ready leaves.

A run has one notional pooling time, the same for both arms; bags leave at its scheduled
release, never at the moment somebody happened to finish.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class RunRule:
    """Either fixed times of the site's day, or one run every few minutes (practice)."""

    times: tuple[time, ...] = ()
    every_minutes: int = 0


def parse_run_rule(text: str) -> RunRule:
    """Read "09:00, 13:00" or "every 5 minutes"; anything else is a ValueError with a sentence."""
    every = re.fullmatch(r"\s*every (\d{1,2}) minutes\s*", text)
    if every and 60 % max(int(every[1]), 1) == 0 and int(every[1]) > 0:
        return RunRule(every_minutes=int(every[1]))
    parts = [part.strip() for part in text.split(",")]
    if all(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", part) for part in parts):
        times = tuple(time.fromisoformat(part) for part in parts)
        if list(times) == sorted(set(times)):
            return RunRule(times=times)
    raise ValueError('Type times of the day in order, such as "09:00, 13:00".')


def runs_on(day: date, rule: RunRule, zone: str) -> tuple[datetime, ...]:
    """The runs of one day at the site, as UTC moments, earliest first.

    Where the clock goes forward over a run time the run keeps the hour before the change (02:30
    is then 03:30); where it goes back the first of the two is meant, once.
    """
    if rule.every_minutes:
        step = timedelta(minutes=rule.every_minutes)
        return tuple(_ticks(day, step, ZoneInfo(zone)))
    moments = {datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC) for at in rule.times}
    return tuple(sorted(moments))


def _ticks(day: date, step: timedelta, zone: ZoneInfo) -> list[datetime]:
    tick = datetime.combine(day, time(), zone).astimezone(UTC)
    end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC)
    return [tick + step * n for n in range(int((end - tick) / step))]


def release_time(
    run_at: datetime, now: datetime, rule: RunRule, preparation: timedelta
) -> datetime | None:
    """When a bag of this run that is ready `now` leaves; None when it missed its run.

    With fixed times: the run's pooling time plus the preparation margin. With a run every few
    minutes: the next one, so that practice never waits for tomorrow.
    """
    if rule.every_minutes:
        step = timedelta(minutes=rule.every_minutes)
        start = max(now, run_at)
        since = (start - run_at) % step
        return start if not since else start + step - since
    scheduled = run_at + preparation
    return scheduled if now <= scheduled else None
