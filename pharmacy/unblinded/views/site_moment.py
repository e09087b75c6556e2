"""A moment as the study's first site writes it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import studies
from pharmacy.services.act import Act


def moment(act: Act, at: datetime | None) -> str:
    """Such as `15 Mar 2026 11:40 CDT`; empty for none."""
    if at is None:
        return ""
    site = studies.sites(act.uow.session, act.in_study.id)[0]
    return format_moment(at, ZoneInfo(site.zone))
