"""One infusion with all that its course by the clock follows from: plan, pauses, limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from pharmacy.domain.dose_plan import DosePlan
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.running import BagRun, LeftOff, Pause, Standing, follow, left_off
from pharmacy.persistence import bags, infusions
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.infusions import InfusionPause
from pharmacy.services import plans
from pharmacy.services.act import Act

REACTION = "reaction"


@dataclass(frozen=True)
class InfusionRun:
    """An infusion that was started, with its plan and its pauses in order."""

    bag: Bag
    day: InfusionDay
    course: Course
    infusion: Administration
    pauses: Sequence[InfusionPause]
    plan: DosePlan
    protocol: Protocol
    run: BagRun

    @property
    def pause(self) -> InfusionPause | None:
        """The pause that still lasts, if there is one."""
        last = self.pauses[-1] if self.pauses else None
        return last if last and last.restarted_at is None else None

    def at(self, now: datetime) -> Standing:
        """Where it stands at a moment."""
        return follow(self.run, self.protocol, now)


def infusion_run(act: Act, bag_id: str) -> InfusionRun:
    """The infusion of a bag that was started; asking for another is a bug."""
    found = bags.bag_with_day(act.uow.session, bag_id)
    infusion = act.uow.session.get(Administration, bag_id)
    if found is None or infusion is None:
        raise ValueError("a started bag has its day, its course and its administration")
    bag, day, course = found
    plan, protocol = plans.plan_of(course), plans.protocol_of_course(act, course)
    pauses = infusions.pauses(act.uow.session, bag_id)
    run = _begun(act, bag, day, plan, infusion.started_at)
    run = replace(run, pauses=tuple(_pause(row) for row in pauses))
    return InfusionRun(bag, day, course, infusion, pauses, plan, protocol, run)


def if_started_now(act: Act, bag: Bag, day: InfusionDay, course: Course) -> Standing:
    """How the infusion of a bag would go that starts at this moment."""
    run = _begun(act, bag, day, plans.plan_of(course), act.now)
    return follow(run, plans.protocol_of_course(act, course), act.now)


def in_time(act: Act, standing: Standing, day: InfusionDay, course: Course) -> bool:
    """Whether the rest of the day would be in before its limit, with the safety margin."""
    margins = plans.protocol_of_course(act, course).margins
    return standing.done_at <= day.stop_by - timedelta(minutes=margins.safety_min)


def _begun(act: Act, bag: Bag, day: InfusionDay, plan: DosePlan, started_at: datetime) -> BagRun:
    return BagRun(
        day=plan.days[day.day - 1],
        bag_number=bag.number,
        started_at=started_at,
        stop_by=day.stop_by,
        before=_left_off(act, bag),
    )


def _pause(row: InfusionPause) -> Pause:
    return Pause(row.paused_at, row.infused_ml, row.reason == REACTION, row.restarted_at)


def _left_off(act: Act, bag: Bag) -> LeftOff | None:
    """Where the bag before this one left the ladder; None for the first of a day."""
    siblings = bags.bags_of_day(act.uow.session, bag.day_id)
    before = next((row for row in siblings if row.number == bag.number - 1), None)
    if before is None or act.uow.session.get(Administration, before.id) is None:
        return None
    earlier = infusion_run(act, before.id)
    ended_at = earlier.infusion.ended_at
    return left_off(earlier.run, earlier.protocol, ended_at) if ended_at else None
