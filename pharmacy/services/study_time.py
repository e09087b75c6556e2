"""A study's time: the zone of its first site, in which all is told that is of no one site."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import studies
from pharmacy.services.act import Act


def study_zone(act: Act) -> ZoneInfo:
    """The zone of the first site, by code, of the act's study."""
    return ZoneInfo(studies.sites(act.uow.session, act.in_study.id)[0].zone)


def study_today(act: Act) -> date:
    """The day that it is there now."""
    return act.now.astimezone(study_zone(act)).date()


def study_moment(act: Act, at: datetime | None) -> str:
    """A moment there, such as `15 Mar 2026 11:40 CDT`; empty for none."""
    return format_moment(at, study_zone(act)) if at else ""
