"""Site time: the zone by its name, and a moment as a label prints it and a page shows it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pharmacy.domain.errors import BadForm

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def site_zone(name: str) -> ZoneInfo:
    """The zone of an IANA name such as America/Chicago; `BadForm({"zone": ...})` otherwise."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadForm(
            {"zone": f"'{name}' is not a time zone; type one like America/Chicago."}
        ) from None


def require_utc(moment: datetime) -> datetime:
    """The moment itself if it is aware and in UTC; `ValueError` otherwise."""
    if moment.tzinfo is None or moment.utcoffset() != UTC.utcoffset(None):
        raise ValueError("a time inside the program is aware and in UTC")
    return moment


def format_limit(moment: datetime, zone: ZoneInfo) -> str:
    """A limit as a label prints it, `2026-MAR-15 11:40 CDT`: whole minutes, rounded down (A15)."""
    local = require_utc(moment).astimezone(zone)
    month = _MONTHS[local.month - 1]
    return f"{local.year:04d}-{month}-{local.day:02d} {local:%H:%M} {local.tzname()}"


def format_moment(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as a page shows it, `15 Mar 2026 11:40 CDT`."""
    local = require_utc(moment).astimezone(zone)
    return f"{format_day(local.date())} {local:%H:%M} {local.tzname()}"


def format_day(day: date) -> str:
    """A day as a page shows it, `15 Mar 2026`: nobody can take the month for the day."""
    return f"{day.day} {_MONTHS[day.month - 1].capitalize()} {day.year:04d}"
