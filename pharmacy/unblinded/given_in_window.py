"""Who was given a bag in a window of days: the reach of a recall, the same in both arms."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

import sqlalchemy as sa

from pharmacy.domain.lifecycle import BagState
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.participants import Participant
from pharmacy.services.act import Act
from pharmacy.services.study_time import study_zone


def given_in_window(act: Act, first: date, last: date) -> Sequence[Participant]:
    """Everybody of whom a bag was released from `first` to `last`, both included, by code."""
    zone = study_zone(act)
    begins = datetime.combine(first, time(), zone)
    ends = datetime.combine(last + timedelta(days=1), time(), zone)
    bags = (
        sa.select(Course.participant_id)
        .join(InfusionDay, InfusionDay.course_id == Course.id)
        .join(Bag, Bag.day_id == InfusionDay.id)
        .where(
            Bag.study_id == act.in_study.id,
            Bag.state != BagState.PLANNED,
            Bag.released_at >= begins,
            Bag.released_at < ends,
        )
    )
    query = sa.select(Participant).where(Participant.id.in_(bags))
    return act.uow.session.scalars(query.order_by(Participant.code)).all()
