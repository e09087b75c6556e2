"""The pharmacy's board: what waits where. Read bag by bag, and only as far as the room is open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from zoneinfo import ZoneInfo

from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.quantities import format_volume
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.persistence import bags, courses, participants, studies
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course, InfusionDay, Order
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.studies import Site
from pharmacy.services import (
    assessments,
    bag_states,
    plans,
    stops,
    voiding,
    weight_decisions,
)
from pharmacy.services.act import Act
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded import bag_record, sealed_list, strata
from pharmacy.unblinded.bag_record import Stage
from pharmacy.unblinded.room import OpenRoom

_DONE_SHOWN = 8
_SOON = timedelta(minutes=90)
_VOID = "plan void"


class Lane(StrEnum):
    """A column of the board for bags. `PLANNED` stands for three while the room is locked."""

    PLANNED = "Planned"
    TO_PREPARE = "To prepare"
    TO_CHECK = "To check"
    TO_RELEASE = "To release"
    ON_THE_WAY = "On the way"
    DONE = "Done"


EMPTY = {
    Lane.PLANNED: "Planned bags appear here. Open the room to see how far each one is.",
    Lane.TO_PREPARE: "Bags of planned courses appear here.",
    Lane.TO_CHECK: "Bags that one person has prepared and signed appear here.",
    Lane.TO_RELEASE: "Checked bags appear here until they leave with their run.",
    Lane.ON_THE_WAY: "Released bags appear here until their infusion has ended.",
    Lane.DONE: "Bags whose infusion has ended appear here.",
}
_LANE_OF_STAGE = {
    Stage.PLANNED: Lane.TO_PREPARE,
    Stage.OPENED: Lane.TO_PREPARE,
    Stage.PREPARED: Lane.TO_CHECK,
    Stage.CHECKED: Lane.TO_RELEASE,
    Stage.PRINTED: Lane.TO_RELEASE,
    Stage.COVERED: Lane.TO_RELEASE,
    Stage.RELEASED: Lane.ON_THE_WAY,
}
_WORD_OF_STAGE = {
    Stage.OPENED: "begun",
    Stage.CHECKED: "checked",
    Stage.PRINTED: "label printed",
    Stage.COVERED: "covered",
}
_DONE_STATES = frozenset(
    {
        BagState.ENDED,
        BagState.RETIRED,
        BagState.RETURNED,
        BagState.DESTROYED,
        BagState.LOST,
    }
)


@dataclass(frozen=True)
class BagCard:
    """One bag in words; `full` tells whether the container has been filled."""

    bag_id: str
    participant: str
    visit_and_day: str
    bag_and_volume: str
    run: str
    tag: str
    tone: str
    full: bool


@dataclass(frozen=True)
class OrderCard:
    """A signed order without a plan."""

    order_id: str
    participant: str
    visit: str
    first_day: str
    note: str


@dataclass(frozen=True)
class Waiting:
    """The requests for a slot: how many, and the oldest that has a place, which alone is served.

    `passed_over` are the others before it and after it that have none: code and sentence.
    """

    count: int
    list_loaded: bool
    request_id: str = ""
    participant: str = ""
    signed: str = ""
    passed_over: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Board:
    """The whole board. `lanes` are in the order they are shown."""

    today: str
    unseen_stops: int
    waiting: Waiting
    orders: tuple[OrderCard, ...]
    lanes: tuple[tuple[Lane, tuple[BagCard, ...]], ...]


@dataclass
class _Reading:
    """What one drawing of the board looks up, once each."""

    act: Act
    room: OpenRoom | None
    courses: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    assessments: dict[str, bool] = field(default_factory=dict)

    @cached_property
    def sites(self) -> dict[str, Site]:
        """The study's sites by id, in the order of their codes."""
        found = studies.sites(self.act.uow.session, self.act.in_study.id)
        return {site.id: site for site in found}

    @property
    def today(self) -> date:
        """The date at the study's first site, at the head of the board."""
        return self.date_in(ZoneInfo(next(iter(self.sites.values())).zone))

    @cached_property
    def several_zones(self) -> bool:
        """Whether an hour without its zone would say too little."""
        return len({site.zone for site in self.sites.values()}) > 1

    def date_in(self, zone: ZoneInfo) -> date:
        """The date there."""
        return self.act.now.astimezone(zone).date()

    def zone_of(self, participant_id: str) -> ZoneInfo:
        """The zone of a participant's site."""
        participant = self.act.uow.session.get_one(Participant, participant_id)
        return ZoneInfo(self.sites[participant.site_id].zone)

    def course(self, course: Course) -> tuple[str, str, int]:
        """Participant code, visit name and number of days of a course."""
        if course.id not in self.courses:
            protocol = plans.protocol_of_course(self.act, course)
            visit = protocol.find_visit(course.visit)
            participant = self.act.uow.session.get_one(Participant, course.participant_id)
            days = len(plans.plan_of(course).days)
            self.courses[course.id] = (participant.code, visit.name if visit else "", days)
        return self.courses[course.id]

    def assessments_open(self, course: Course) -> bool:
        """Whether a course's bags wait for the signature under its visit's assessments."""
        if course.id not in self.assessments:
            visit = plans.protocol_of_course(self.act, course).find_visit(course.visit)
            self.assessments[course.id] = visit is not None and assessments.open_for(
                self.act, course.participant_id, visit
            )
        return self.assessments[course.id]

    def place(self, row: tuple[Bag, InfusionDay, Course]) -> tuple[datetime, str, int, int]:
        """Where a bag stands among others: by run, participant, day and number."""
        bag, day, course = row
        return day.run_at, self.course(course)[0], day.day, bag.number

    def moment(self, at: datetime, course: Course) -> str:
        """The hour of today, weekday and hour of the coming six days, else date and hour.

        In the zone of the course's site, which is named where the sites have several.
        """
        zone = self.zone_of(course.participant_id)
        local = at.astimezone(zone)
        days = (local.date() - self.date_in(zone)).days
        hour = f"{local:%H:%M %Z}" if self.several_zones else f"{local:%H:%M}"
        if days == 0:
            return hour
        return f"{local:%a} {hour}" if 0 < days < 7 else f"{local.day} {local:%b} {hour}"


def board(act: Act, room: OpenRoom | None) -> Board:
    """The board of the act's study; without an open room only blinded states are on it."""
    act.permit(Permission.WORK_AT_BENCH)
    reading = _Reading(act, room)
    return Board(
        today=f"{reading.today:%A} {reading.today.day} {reading.today:%B}",
        unseen_stops=stops.unseen(act),
        waiting=_waiting(reading),
        orders=tuple(_orders(reading)),
        lanes=_lanes(reading),
    )


def _waiting(reading: _Reading) -> Waiting:
    act = reading.act
    loaded = sealed_list.is_loaded(act)
    queued = list(strata.queue(act))
    passed_over = tuple(
        (act.uow.session.get_one(Participant, one.request.participant_id).code, one.problem)
        for one in queued
        if one.problem
    )
    oldest = next((one.request for one in queued if not one.problem), None)
    if oldest is None:
        return Waiting(len(queued), loaded, passed_over=passed_over)
    participant = act.uow.session.get_one(Participant, oldest.participant_id)
    signed = format_moment(oldest.signed_at, reading.zone_of(participant.id))
    return Waiting(len(queued), loaded, oldest.id, participant.code, signed, passed_over)


def _orders(reading: _Reading) -> Iterable[OrderCard]:
    act = reading.act
    _, protocol = protocol_of(act)
    for order in courses.unplanned_orders(act.uow.session, act.in_study.id):
        if bags.order_begun(act.uow.session, order.id):
            continue
        participant = act.uow.session.get_one(Participant, order.participant_id)
        visit = protocol.find_visit(order.visit)
        yield OrderCard(
            order.id,
            participant.code,
            visit.name if visit else order.visit,
            f"from {format_day(order.first_day)}",
            _note(reading, order, participant),
        )


def _note(reading: _Reading, order: Order, participant: Participant) -> str:
    if participant.state == "withdrawn":
        return "Has left the treatment"
    if participant.state != "allocated":
        return "Waits for a slot"
    weights = participants.weights(reading.act.uow.session, order.participant_id)
    if not weights:
        return "No weight yet"
    if weight_decisions.open_for(reading.act, participant) is not None:
        return "The investigator decides on the weight first"
    if weight_decisions.skipped(reading.act, participant):
        return "Skipped on this weight: signed by the investigator"
    today = reading.date_in(reading.zone_of(order.participant_id))
    days = (today - weights[0].measured_on).days
    weighed = "Weighed today" if days == 0 else f"Weight is {days} day{'s'[: days > 1]} old"
    again = courses.all_of_order(reading.act.uow.session, order.id)
    return f"To plan again: the plan before is void. {weighed}" if again else weighed


def _lanes(reading: _Reading) -> tuple[tuple[Lane, tuple[BagCard, ...]], ...]:
    shown = [lane for lane in Lane if (lane is Lane.PLANNED) == (reading.room is None)]
    if reading.room is None:
        shown += [Lane.ON_THE_WAY, Lane.DONE]
    found: dict[Lane, list[BagCard]] = {lane: [] for lane in shown}
    everything = bags.bags_of_study(reading.act.uow.session, reading.act.in_study.id)
    for bag, day, course in sorted(everything, key=reading.place):
        lane, card = _place(reading, bag, day, course)
        found[lane].append(card)
    found[Lane.DONE] = found[Lane.DONE][::-1][:_DONE_SHOWN]
    return tuple((lane, tuple(cards)) for lane, cards in found.items())


def _place(
    reading: _Reading, bag: Bag, day: InfusionDay, course: Course
) -> tuple[Lane, BagCard]:
    state = bag_states.state_now(reading.act, bag)
    if state is BagState.RETIRED and course.void_why:
        return Lane.DONE, _card(reading, bag, day, course, _VOID, "stop", full=False)
    if state in _DONE_STATES:
        return Lane.DONE, _card(reading, bag, day, course, state.value, "go", full=True)
    if state is not BagState.PLANNED:
        return Lane.ON_THE_WAY, _on_the_way(reading, bag, day, course, state)
    if reading.room is None:
        due = _due(reading, day, course)
        return Lane.PLANNED, _card(reading, bag, day, course, *due, full=False)
    stage = bag_record.read(reading.act, reading.room, bag.id).stage
    if stage is Stage.RELEASED:
        tag = f"leaves {reading.moment(bag.released_at, course)}" if bag.released_at else "released"
        return Lane.ON_THE_WAY, _card(reading, bag, day, course, tag, "wait", full=True)
    tag, tone = _due(reading, day, course)
    lane = _LANE_OF_STAGE[stage]
    word = _WORD_OF_STAGE.get(stage, "")
    full = lane is not Lane.TO_PREPARE
    return lane, _card(reading, bag, day, course, tag, tone, full=full, word=word)


def _on_the_way(
    reading: _Reading, bag: Bag, day: InfusionDay, course: Course, state: BagState
) -> BagCard:
    if state is BagState.STARTED:
        return _card(reading, bag, day, course, "infusing", "go", full=True)
    if voiding.why(reading.act, course):
        return _card(reading, bag, day, course, _VOID, "stop", full=True, word=state.value)
    if state is BagState.HELD:
        return _card(reading, bag, day, course, "held", "stop", full=True)
    late = reading.act.now > day.latest_start
    tag = "too late to start" if late else f"start by {reading.moment(day.latest_start, course)}"
    return _card(
        reading, bag, day, course, tag, "stop" if late else "go", full=True, word=state.value
    )


def _due(reading: _Reading, day: InfusionDay, course: Course) -> tuple[str, str]:
    """How near a bag's run is, as a tag: quiet, soon, or past; or what keeps it from leaving."""
    if voiding.why(reading.act, course):
        return _VOID, "stop"
    participant = reading.act.uow.session.get_one(Participant, course.participant_id)
    if participant.state == "withdrawn":
        return "has left the treatment", "stop"
    left = day.run_at - reading.act.now
    if reading.assessments_open(course):
        return "assessments not signed", "stop" if left < timedelta(0) else "wait"
    tone = "stop" if left < timedelta(0) else "wait" if left < _SOON else "neutral"
    return f"run {reading.moment(day.run_at, course)}", tone


def _card(
    reading: _Reading,
    bag: Bag,
    day: InfusionDay,
    course: Course,
    tag: str,
    tone: str,
    *,
    full: bool,
    word: str = "",
) -> BagCard:
    participant, visit, days = reading.course(course)
    parts = [f"Bag {bag.number} of {bag.of}", format_volume(bag.volume_ml), word]
    return BagCard(
        bag_id=bag.id,
        participant=participant,
        visit_and_day=f"{visit}, day {day.day} of {days}",
        bag_and_volume=", ".join(part for part in parts if part),
        run=f"Run {reading.moment(day.run_at, course)}",
        tag=tag,
        tone=tone,
        full=full,
    )
