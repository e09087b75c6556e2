"""One infusion as the nurse follows it: the rate now, the steps by the clock, pauses, the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pharmacy.domain.quantities import format_number, format_rate, format_volume
from pharmacy.domain.running import Standing, whole_minutes
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence.infusions import InfusionPause
from pharmacy.services import infusions, voiding
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.infusion_runs import InfusionRun, infusion_run
from pharmacy.services.site_words import (
    Signed,
    about,
    bag_words,
    clock,
    person_name,
    record_signature_words,
)

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class PauseWords:
    """A pause that lasts. `refusal` says why it cannot be restarted, or nothing."""

    since: str
    facts: Rows
    restart_by: str
    restart_rate: str
    rate_note: str
    afterwards: str
    refusal: str


@dataclass(frozen=True)
class Bedside:
    """What the page shows. `state` is running, paused, over or ended.

    `steps` are (from, rate, now?), `stops` the pauses so far as (from, until, volume in, why);
    the ladder is the whole day's in minutes of running time. `mark` changes with what can be
    done on the page. `void` is said while a bag runs whose plan no longer holds.
    """

    participant: str
    visit: str
    bag: str
    volume: str
    volume_ml: str
    shown_ml: str
    started: str
    started_by: str
    state: str
    mark: str
    stop_by: str
    done_about: str
    bag_done: str
    late: str
    void: str
    rate_now: str
    time_left: str
    next_step: str
    pause: PauseWords | None
    steps: tuple[tuple[str, str, bool], ...]
    stops: tuple[tuple[str, str, str, str], ...]
    ladder: tuple[tuple[int, str], ...]
    end_min: int
    now_min: int
    phone: str
    ended: Rows
    signature: Signed | None


def bedside(act: Act, bag_id: str) -> Bedside:
    """The page of an infusion that the nurse started or resumed; refusals as `running`."""
    infusions.running(act, bag_id)
    found = infusion_run(act, bag_id)
    participant = participant_verbs.find(act, found.course.participant_id)
    site = participant_verbs.site_of(act, participant)
    zone = ZoneInfo(site.zone)
    standing = found.at(found.infusion.ended_at or act.now)
    state = _state(found, standing)
    pause = _pause_words(act, found, standing, zone) if state == "paused" else None
    return Bedside(
        participant=participant.code,
        visit=_visit(found),
        bag=bag_words(found.bag),
        volume=format_volume(found.bag.volume_ml),
        volume_ml=format_number(found.bag.volume_ml),
        shown_ml=format_volume(found.pauses[-1].infused_ml) if found.pauses else "",
        started=format_moment(found.infusion.started_at, zone),
        started_by=person_name(act, found.infusion.started_by),
        state=state,
        mark=f"{state} {len(found.pauses)}{' too late' if pause and pause.refusal else ''}",
        stop_by=format_moment(found.day.stop_by, zone),
        done_about=_about(standing.done_at, zone),
        bag_done=_bag_done(found, standing, zone),
        late=_late(found, standing, zone) if state == "running" else "",
        void=_void(act, found) if state == "running" else "",
        rate_now=format_number(standing.rate_ml_per_hour),
        time_left=_time_left(act.now, standing),
        next_step=_next(found, standing, zone),
        pause=pause,
        steps=_steps(state, standing, zone),
        stops=tuple(_stop(row, zone) for row in found.pauses),
        ladder=tuple(
            (step.start_min, format_number(step.rate_ml_per_hour)) for step in found.run.day.ladder
        ),
        end_min=max(found.run.day.duration_min, standing.running_min + standing.needed_min),
        now_min=standing.running_min,
        phone=site.pharmacy_phone,
        ended=_ended(act, found, standing, zone),
        signature=record_signature_words(act, "administration", bag_id, zone),
    )


def _state(found: InfusionRun, standing: Standing) -> str:
    if found.infusion.ended_at is not None:
        return "ended"
    if standing.over:
        return "over"
    return "paused" if found.pause else "running"


def _visit(found: InfusionRun) -> str:
    visit = found.protocol.find_visit(found.course.visit)
    name = visit.name if visit else found.course.visit
    return f"{name}, day {found.day.day} of {len(found.plan.days)}"


def _bag_done(found: InfusionRun, standing: Standing, zone: ZoneInfo) -> str:
    """When this bag is empty, where others come after it on this day."""
    return _about(standing.bag_done_at, zone) if found.bag.number < found.bag.of else ""


def _about(moment: datetime, zone: ZoneInfo) -> str:
    """A moment to the whole minute, up, as durations are."""
    return clock(moment + timedelta(minutes=1) - timedelta(microseconds=1), zone)


def _late(found: InfusionRun, standing: Standing, zone: ZoneInfo) -> str:
    """A warning in neutral words when the rest could not be in before the limit (D11)."""
    if standing.done_at <= found.day.stop_by:
        return ""
    return (
        f"At these rates it would not be done before {clock(found.day.stop_by, zone)}. Never run "
        "faster. Call the pharmacy."
    )


def _void(act: Act, found: InfusionRun) -> str:
    """A plan that no longer holds is said, and whoever knows the person decides (D2)."""
    if not voiding.why(act, found.course):
        return ""
    return (
        "The weight this plan was made with no longer counts. Call the pharmacy now: these rates "
        "may be wrong. No later bag of this course is started."
    )


def _time_left(now: datetime, standing: Standing) -> str:
    """How long the present rate still holds."""
    change = next((step.at for step in standing.to_come), standing.bag_done_at)
    if change < standing.bag_done_at:
        return f"{_minutes(change - now)} left on this step"
    if standing.bag_done_at <= now:
        return "The bag should be empty: read the pump"
    return f"{about(whole_minutes(standing.bag_done_at - now))} left of this bag"


def _minutes(time: timedelta) -> str:
    minutes = whole_minutes(time)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"


def _next(found: InfusionRun, standing: Standing, zone: ZoneInfo) -> str:
    """The step to come in this bag, or how long its last rate holds."""
    if standing.to_come and standing.to_come[0].at < standing.bag_done_at:
        step = standing.to_come[0]
        return f"next {format_rate(step.rate_ml_per_hour)} at {clock(step.at, zone)}"
    if found.bag.number < found.bag.of:
        return f"until this bag is empty, then bag {found.bag.number + 1}"
    return "until finished"


def _steps(state: str, standing: Standing, zone: ZoneInfo) -> tuple[tuple[str, str, bool], ...]:
    """What ran until now, and while it runs what comes: a pause moves all of it."""
    ahead = standing.to_come if state == "running" else ()
    return tuple(
        (
            clock(change.at, zone),
            format_rate(change.rate_ml_per_hour) if change.rate_ml_per_hour else "Paused",
            number == len(standing.so_far) - 1 and state in ("running", "paused"),
        )
        for number, change in enumerate((*standing.so_far, *ahead))
    )


def _stop(row: InfusionPause, zone: ZoneInfo) -> tuple[str, str, str, str]:
    return (
        clock(row.paused_at, zone),
        clock(row.restarted_at, zone) if row.restarted_at else "",
        format_volume(row.infused_ml),
        infusions.PAUSE_REASONS[row.reason],
    )


def _pause_words(
    act: Act, found: InfusionRun, standing: Standing, zone: ZoneInfo
) -> PauseWords | None:
    """The pause that lasts, and how the infusion may go on."""
    row, latest = found.pause, standing.latest_restart
    if row is None or latest is None or standing.from_first_after is None:
        return None
    volume = f"{format_volume(row.infused_ml)} of {format_volume(found.bag.volume_ml)}"
    return PauseWords(
        since=clock(row.paused_at, zone),
        facts=(
            ("Volume in", volume),
            ("Why", infusions.PAUSE_REASONS[row.reason]),
            ("Paused by", person_name(act, row.paused_by)),
        ),
        restart_by=clock(latest, zone),
        restart_rate=format_number(standing.rate_ml_per_hour),
        rate_note=_rate_note(act.now, found, standing, zone),
        afterwards=_afterwards(act.now, standing),
        refusal=infusions.why_no_restart(act, found),
    )


def _rate_note(now: datetime, found: InfusionRun, standing: Standing, zone: ZoneInfo) -> str:
    """From when on a restart begins with the first step again, or that it does by now."""
    rates, first = found.protocol.rates, found.run.day.ladder[0].rate_ml_per_hour
    if standing.from_first_after is None or standing.latest_restart is None:
        return ""
    if now > standing.from_first_after:
        return (
            f"It stood longer than {rates.restart_from_first_after_min} minutes: from the first "
            "step again."
        )
    if standing.latest_restart <= standing.from_first_after:
        return ""
    since = clock(standing.from_first_after, zone)
    return f"Later than {since}: from the first step, {format_rate(first)}."


def _afterwards(now: datetime, standing: Standing) -> str:
    """The steps after a restart at this moment."""
    if not standing.to_come:
        return ""
    steps = [
        f"{format_rate(step.rate_ml_per_hour)} after {_minutes(step.at - now)}"
        for step in standing.to_come
        if step.rate_ml_per_hour
    ]
    return f"Then {', '.join(steps)}."


def _ended(act: Act, found: InfusionRun, standing: Standing, zone: ZoneInfo) -> Rows:
    """What was recorded at the end; empty while it runs."""
    infusion = found.infusion
    if infusion.ended_at is None or infusion.infused_ml is None or infusion.ended_by is None:
        return ()
    reason = infusions.END_REASONS.get(infusion.reason, "")
    volume = f"{format_volume(infusion.infused_ml)} of {format_volume(found.bag.volume_ml)}"
    stood = sum(
        ((row.restarted_at or infusion.ended_at) - row.paused_at for row in found.pauses),
        timedelta(0),
    )
    ran = infusion.ended_at - infusion.started_at - stood
    return (
        ("Ended", format_moment(infusion.ended_at, zone)),
        ("Infused", volume),
        ("The pump ran", about(whole_minutes(ran))),
        *((("Why less", reason),) if reason else ()),
    )
