"""What a participant has already had, and whether a course is to start as a first infusion.

The question is judged twice, as if always on immune globulin and as if always on placebo until
the open-label phase, and the slower ladder wins: a ladder that differed by past arm would
unblind. Source: design of the dose plan, step 9; labels' rule for naive people, gaps over eight
weeks and a change of brand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from pharmacy.domain.protocol_parts import Protocol, Visit


@dataclass(frozen=True, slots=True)
class AdministeredCourse:
    """A course of which any volume was infused: its visit and the last day it ran."""

    visit: str
    last_infused_on: date


@dataclass(frozen=True, slots=True)
class History:
    """Administered courses before this one, and the day on which this one is to start.

    The day is needed once there are courses. An empty history counts as a first infusion.
    `brand_changed` is a fact of the study, not of the person: the study's product is another
    brand than at the last course, whatever this participant received.
    """

    courses: tuple[AdministeredCourse, ...] = ()
    infusion_on: date | None = None
    brand_changed: bool = False

    def __post_init__(self) -> None:
        if not self.courses:
            return
        if self.infusion_on is None:
            raise ValueError("a history with courses needs the day of this one")
        if max(course.last_infused_on for course in self.courses) >= self.infusion_on:
            raise ValueError("the history holds a course that is not before this one")


def on_schedule(protocol: Protocol, visit: Visit, start: date = date(2000, 1, 1)) -> History:
    """The history of someone who has had every infusion before this visit on its due day."""
    return History(
        infusion_on=start + timedelta(days=visit.day_offset),
        courses=tuple(
            AdministeredCourse(earlier.code, start + timedelta(days=earlier.day_offset))
            for earlier in protocol.infusion_visits()
            if earlier.day_offset < visit.day_offset
        ),
    )


def is_first_infusion(protocol: Protocol, visit: Visit, history: History) -> bool:
    """Whether the first-infusion ladder applies under either history."""
    # A lot is known in the lit room only, so a lot rule must count every course as first.
    if protocol.rates.first_after_new_lot or history.brand_changed:
        return True
    judged = [history.courses]
    if not protocol.phase_of(visit).blinded:
        judged.append(_open_label_only(protocol, history))
    return any(_starts_anew(protocol, courses, history.infusion_on) for courses in judged)


def _open_label_only(protocol: Protocol, history: History) -> tuple[AdministeredCourse, ...]:
    """What someone always on placebo has had of the active product."""
    opened = {
        visit.code for visit in protocol.visits if not protocol.phase_of(visit).blinded
    }
    return tuple(course for course in history.courses if course.visit in opened)


def _starts_anew(
    protocol: Protocol, courses: tuple[AdministeredCourse, ...], infusion_on: date | None
) -> bool:
    if not courses or infusion_on is None:
        return True
    last = max(course.last_infused_on for course in courses)
    return (infusion_on - last).days > protocol.rates.first_after_gap_days
