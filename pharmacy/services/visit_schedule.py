"""The protocol's visits for one participant, counted from the day of the place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.protocol import Protocol, Visit
from pharmacy.domain.schedule import visit_window
from pharmacy.domain.site_time import format_day
from pharmacy.persistence import participants
from pharmacy.persistence.participants import Participant
from pharmacy.services.act import Act
from pharmacy.services.course_pages import CourseSheet
from pharmacy.services.site_words import days_words


def allocated_on(act: Act, participant: Participant, zone: ZoneInfo) -> date | None:
    """The site's date on which the participant got a place, if they have one."""
    request = participants.request_of(act.uow.session, participant.id)
    served: datetime | None = request.served_at if request else None
    return served.astimezone(zone).date() if served else None


def window_words(start: date, visit: Visit) -> str:
    """A visit's window in words: `22 May to 28 May 2026`."""
    first, _, last = visit_window(start, visit)
    return f"{_short(first)} to {format_day(last)}"


def timeline(
    protocol: Protocol,
    start: date | None,
    today: date,
    courses: Mapping[str, CourseSheet],
    zone: ZoneInfo,
    assessed: frozenset[str] = frozenset(),
) -> list[dict[str, str]]:
    """One mapping a visit, as the timeline draws it: label, date, state, state_text, note.

    `assessed` are the visits whose assessments are signed complete.
    """
    drawn = []
    for visit in protocol.visits:
        one = _visit(protocol, visit, start, today, courses, zone)
        if visit.assessments_first:
            signed = "signed" if visit.code in assessed else "come first"
            one["note"] = f"{one['note']}; assessments {signed}".lstrip("; ")
        drawn.append(one)
    return drawn


def after_leaving(visits: list[dict[str, str]]) -> list[dict[str, str]]:
    """The same for somebody who has left the treatment: what was to come does not come any more."""
    to_come = {"planned", "due", "late"}
    ended = {"state": "planned", "state_text": "Not planned any more", "note": ""}
    return [{**one, **ended} if one["state"] in to_come else one for one in visits]


def _visit(
    protocol: Protocol,
    visit: Visit,
    start: date | None,
    today: date,
    courses: Mapping[str, CourseSheet],
    zone: ZoneInfo,
) -> dict[str, str]:
    course = courses.get(visit.code)
    if start is None:
        words = f"day {visit.day_offset} from the place"
        return {"label": visit.name, "date": words, "state": "planned", "note": _note(course, zone)}
    first, due, last = visit_window(start, visit)
    state, text = _state(visit, course, first, last, today)
    return {
        "label": visit.name,
        "date": format_day(due),
        "state": state,
        "state_text": text,
        "note": _note(course, zone) or f"window {window_words(start, visit)}",
    }


def _note(course: CourseSheet | None, zone: ZoneInfo) -> str:
    if course is None:
        return ""
    if course.void:
        return f"{course.order_number}, plan void"
    if not course.runs:
        return f"{course.order_number}, first day {course.first_day}"
    return f"{course.order_number}, {days_words(course.runs, zone)}"


def _state(
    visit: Visit, course: CourseSheet | None, first: date, last: date, today: date
) -> tuple[str, str]:
    states = course.states if course else ()
    if states and all(state is BagState.ENDED for state in states):
        return "done", "Given"
    if BagState.STARTED in states:
        return "now", "Running"
    if BagState.ENDED in states:
        return "now", "Under way"
    if today < first:
        return "planned", "Ordered" if course else "Planned"
    if today <= last:
        return "due", "Due, ordered" if course else "Due"
    return ("late", "Late") if visit.infusion else ("planned", "Over")


def _short(day: date) -> str:
    """A day without its year, where the year stands right after it."""
    return format_day(day).rsplit(" ", 1)[0]
