"""Release in a run, a later run for what is not ready, and the reprint that retires a code.

These span both sides: the blinded books learn the scheduled moment and a reason from a closed
list, never when or why it really happened.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from pharmacy.domain.bag_limits import bag_latest_start
from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.roles import Permission, Role
from pharmacy.domain.runs import release_time
from pharmacy.domain.site_time import format_moment
from pharmacy.domain.stages import StudyAct
from pharmacy.domain.time_limits import time_limits
from pharmacy.persistence import bags, courses, participants, people
from pharmacy.persistence.courses import InfusionDay, LateRun
from pharmacy.persistence.participants import Weight
from pharmacy.services import assessments, course_bags, plans, signing, stages, voiding
from pharmacy.services.act import Act
from pharmacy.services.studies import run_rule
from pharmacy.unblinded import bag_record, second_person, trail
from pharmacy.unblinded.at_bench import BenchBag, find, find_planned, today_at
from pharmacy.unblinded.bag_record import Record, Stage
from pharmacy.unblinded.release_gates import need_code_break
from pharmacy.unblinded.room import OpenRoom

RELEASE_MEANING = "I release this bag: the labels match the preparation and two people have signed."
LATE_REASONS = {
    "not_ready": "Not ready for its run",
    "courier": "Courier",
    "participant": "Asked by the participant",
    "nurse": "Asked by the nurse",
}
REPRINT_REASONS = {
    "smeared": "Smeared or torn",
    "misprinted": "Misprinted",
    "printer": "Printer fault",
    "lost": "Label lost in the pharmacy",
    "corrected": "Corrected",
}
# How far a day may move, besides the next infusion day and the age of the weight.
_DAYS_AHEAD = 3
_MISSED = (
    "This bag has missed its run's release. Take the next run; what was drawn is drawn again then."
)
_NOT_OF_THE_PHARMACY = "Another person of the pharmacy signs here."


def release_moment(act: Act, on_bench: BenchBag, record: Record) -> datetime | None:
    """The scheduled moment at which a bag may leave, covered then or now; None if it missed it.

    Missed is also a bag that nobody could start any more when it leaves.
    """
    rule, day = run_rule(on_bench.site), on_bench.day
    preparation = timedelta(minutes=on_bench.protocol.margins.preparation_min)
    ready_at = datetime.fromisoformat(record.covered_at) if record.covered_at else act.now
    moment = release_time(day.run_at, ready_at, rule, preparation)
    day_plan = plans.plan_of(on_bench.course).days[day.day - 1]
    last = bag_latest_start(day_plan, on_bench.bag.number, day.run_at, on_bench.protocol)
    return moment if moment is not None and max(moment, act.now) <= last else None


def release(act: Act, room: OpenRoom, bag_id: str, operation_id: str, password: str) -> datetime:
    """Release a covered bag with a signature; returns the scheduled moment it counts from.

    Nobody can release before that moment: a blinded entry written when the bag happened to be
    ready would stand, by its number, between entries whose times tell when. Refused (409): not
    covered yet, its moment still to come, its run missed, a plan that is void, a visit whose
    assessments are open, a code that could not be broken at any hour.
    """
    act.permit(Permission.PREPARE)
    on_bench = find(act, bag_id)
    form: dict[str, object] = {"verb": "release"}
    if bag_record.was_done(act, room, bag_id, operation_id):
        done = bag_record.change(act, room, bag_id, operation_id, form, lambda record: record)
        return datetime.fromisoformat(done.released_as)
    stages.admit(act, StudyAct.RELEASE)
    # A correction of the weight waits, and then finds the bag released, or this finds it void.
    participants.hold(act.uow.session, on_bench.participant.id)
    act.uow.session.refresh(on_bench.course)
    bag = find_planned(act, bag_id).bag
    assessments.need_complete(act, on_bench.participant.id, on_bench.visit)
    before = bag_record.read(act, room, bag_id)
    _need_covered(before)
    moment = release_moment(act, on_bench, before)
    if moment is None:
        raise Refusal(_MISSED)
    if act.now < moment:
        opens = format_moment(moment, on_bench.zone)
        raise Refusal(f"This bag leaves with its run: its release opens at {opens}.")
    need_code_break(act, on_bench.participant)

    def step(record: Record) -> Record:
        _need_covered(record)
        signing.check_password(act, act.person, password)
        gone = replace(record, stage=Stage.RELEASED, released_as=moment.isoformat())
        return bag_record.noted(act, gone, "released", meaning=RELEASE_MEANING)

    bag_record.change(act, room, bag_id, operation_id, form, step)
    if not bags.move(act.uow.session, bag.id, BagState.PLANNED, BagState.RELEASED):
        raise Conflict
    bag.released_at = moment
    for reason in before.reprints:
        act.record("labels_replaced", f"bag:{bag.id}", reason=reason, at=moment)
    act.record(
        "bag_released",
        f"bag:{bag.id}",
        old="planned",
        new={"state": "released", "meaning": RELEASE_MEANING, "name": act.person.full_name},
        at=moment,
    )
    return moment


def _need_covered(record: Record) -> None:
    if record.stage is not Stage.COVERED:
        raise Refusal("Cover and seal the bag before it is released.")


def later_runs(act: Act, on_bench: BenchBag) -> tuple[datetime, ...]:
    """The runs to which the bag's day can move: after its own, before the next infusion day."""
    day, zone = on_bench.day, on_bench.zone
    first = max(today_at(act, on_bench), day.run_at.astimezone(zone).date())
    end = _last_date(act, on_bench, first)
    dates = [first + timedelta(days=n) for n in range(_DAYS_AHEAD)]
    return tuple(
        run
        for on in dates
        if on <= end
        for run in plans.run_choices(act, on_bench.site, on)
        if run > day.run_at
    )


def take_next_run(
    act: Act, room: OpenRoom, day_id: str, operation_id: str, run_at: datetime, reason: str
) -> InfusionDay:
    """Move an infusion day to a later run of the site, with a neutral reason and new limits.

    Every bag of the day is prepared again from that run's pooling time, whatever was drawn;
    a day with a bag already released is refused (409).
    """
    act.permit(Permission.PREPARE)
    stages.admit(act, StudyAct.PLAN)
    day = act.uow.session.get(InfusionDay, day_id)
    day_bags = bags.bags_of_day(act.uow.session, day_id)
    if day is None or not day_bags or day_bags[0].study_id != act.in_study.id:
        raise Refusal("There is no such infusion day in this study.", status=404)
    form: dict[str, object] = {"verb": "take_next_run", "run_at": run_at, "reason": reason}
    done = bag_record.was_done(act, room, day_bags[0].id, operation_id)
    if not done:
        voiding.need_valid(act, find(act, day_bags[0].id).course)
        if any(bag.state != BagState.PLANNED for bag in day_bags):
            raise Refusal("A bag of this day has left the pharmacy; its day cannot move.")
        _move_day(act, find(act, day_bags[0].id), run_at, reason)
    for bag in day_bags:
        bag_record.change(act, room, bag.id, operation_id, form, lambda record: _again(act, record))
    return day


def replace_labels(
    act: Act,
    room: OpenRoom,
    bag_id: str,
    operation_id: str,
    reason: str,
    second_user_name: str,
    second_password: str,
    password: str,
    address: str = "",
) -> None:
    """Reprint: a new code for inner and cover label together; the old one stops the nurse.

    In the pharmacy, before release, with a reason from the list and a second person's password;
    the second person's misses count as at the door, from `address`. The blinded trail learns of
    it with the release: an entry written now would tell, by its number, how far the bag was.
    """
    act.permit(Permission.PREPARE)
    form: dict[str, object] = {"verb": "replace_labels", "reason": reason, "by": second_user_name}
    if bag_record.was_done(act, room, bag_id, operation_id):
        bag_record.change(act, room, bag_id, operation_id, form, lambda record: record)
        return
    on_bench = find_planned(act, bag_id)
    if reason not in REPRINT_REASONS:
        raise BadForm({"reason": "Choose a reason of the list."})
    signing.check_password(act, act.person, password)
    witness = _witness(act, second_user_name, second_password, address)

    def step(record: Record) -> Record:
        back = record.stage in (Stage.PRINTED, Stage.COVERED)
        stage = Stage.CHECKED if back else record.stage
        fresh = replace(
            record,
            inner_applied=False,
            stage=stage,
            seal_number="",
            covered_at="",
            reprints=(*record.reprints, reason),
        )
        return bag_record.noted(act, fresh, "labels replaced", why=reason, witness=witness)

    bag_record.change(act, room, bag_id, operation_id, form, step)
    old, run_at = bags.open_code(act.uow.session, bag_id), on_bench.day.run_at
    old.retired_at, old.reason = run_at, reason
    act.uow.session.flush()
    course_bags.new_bag_code(act, bag_id).made_at = run_at
    trail.record(act, room.record_key, "labels_replaced", f"bag:{bag_id}", reason=reason)


def _witness(act: Act, user_name: str, password: str, address: str) -> str:
    person = second_person.sign(act, user_name, password, address)
    roles = people.roles_of(act.uow.session, person.id, act.in_study.id)
    if person.id == act.person.id or roles.isdisjoint({Role.PHARMACIST, Role.CHECKER}):
        raise BadForm({"second_user_name": _NOT_OF_THE_PHARMACY})
    return person.full_name


def _move_day(act: Act, on_bench: BenchBag, run_at: datetime, reason: str) -> None:
    """Give a day its later run; the blinded entry stands under the run that was left."""
    if reason not in LATE_REASONS:
        raise BadForm({"reason": "Choose a reason of the list."})
    if run_at not in later_runs(act, on_bench):
        raise BadForm({"run_at": "Choose a later run of the site."})
    day = on_bench.day
    plan = plans.plan_of(on_bench.course).days[day.day - 1]
    limits = time_limits(run_at, plan.duration_min, on_bench.protocol)
    old = day.run_at
    act.uow.session.add(
        LateRun(
            id=act.new_id("late run"), day_id=day.id, from_run=old, to_run=run_at, reason=reason
        )
    )
    day.run_at, day.latest_start, day.stop_by = run_at, limits.latest_start, limits.stop_by
    act.record("run_changed", f"day:{day.id}", old=old, new=run_at, reason=reason, at=old)


def _last_date(act: Act, on_bench: BenchBag, first: date) -> date:
    """The last date the day may take place: before the next one, and on a weight still fresh."""
    day, last = on_bench.day, first + timedelta(days=_DAYS_AHEAD)
    for other in courses.days_of(act.uow.session, on_bench.course.id):
        if other.day == day.day + 1:
            last = min(last, other.run_at.astimezone(on_bench.zone).date() - timedelta(days=1))
    if day.day > 1:
        return last
    weight = act.uow.session.get_one(Weight, on_bench.course.weight_id)
    fresh = timedelta(days=on_bench.protocol.weight.maximum_age_days)
    return min(last, weight.measured_on + fresh)


def _again(act: Act, record: Record) -> Record:
    return bag_record.noted(act, record.begun_again(), "moved to a later run")
