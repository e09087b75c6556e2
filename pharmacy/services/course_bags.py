"""The infusion days of a planned course, their limits, their bags and the bags' codes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from pharmacy.domain.bag_code import Piece, make_code, parse_code
from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.time_limits import time_limits
from pharmacy.persistence.bags import Bag, BagCode
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.services.act import Act


def add_day(
    act: Act, course: Course, day_plan: DayPlan, run_at: datetime, protocol: Protocol
) -> None:
    """Add an infusion day with its limits and its bags, each with a fresh code."""
    limits = time_limits(run_at, day_plan.duration_min, protocol)
    day = InfusionDay(
        id=act.new_id("infusion day"),
        course_id=course.id,
        day=day_plan.day,
        run_at=run_at,
        latest_start=limits.latest_start,
        stop_by=limits.stop_by,
    )
    act.uow.session.add(day)
    act.uow.session.flush()
    for bag_plan in day_plan.bags:
        _add_bag(act, day, bag_plan.number, bag_plan.of, bag_plan.volume_ml)


def _add_bag(act: Act, day: InfusionDay, number: int, of: int, volume_ml: Decimal) -> None:
    bag = Bag(
        id=act.new_id("bag"),
        study_id=act.in_study.id,
        day_id=day.id,
        number=number,
        of=of,
        volume_ml=volume_ml,
        state=BagState.PLANNED.value,
        released_at=None,
    )
    act.uow.session.add(bag)
    act.uow.session.flush()
    new_bag_code(act, bag.id)


def new_bag_code(act: Act, bag_id: str) -> BagCode:
    """A fresh code for a bag's two labels: 80 random bits, no counter."""
    code = make_code(
        act.surroundings.random_bytes("bag code", 10),
        practice=act.in_study.practice,
        piece=Piece.OUTER_COVER,
    )
    row = BagCode(
        body=parse_code(code).body, bag_id=bag_id, made_at=act.now, retired_at=None, reason=""
    )
    act.uow.session.add(row)
    return row
