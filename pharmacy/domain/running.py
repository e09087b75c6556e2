"""One infusion as it runs: where it stands on the day's rate ladder, its rate, and its end.

Pure: the plan, what the nurse recorded and the moment in, an answer out. The rules:

- The ladder counts running time only. A pause moves the later steps and the end (A14, K10).
- After a pause of at most `restart_from_first_after_min` minutes the infusion goes on where the
  ladder stood, after a longer one from the first step: what a later bag's label prints, "Continue
  at N mL/hour; from the first step again only if stopped longer than ...". The change from one
  bag to the next is such a pause.
- After a pause because of a reaction it restarts on the highest step that is at most
  `restart_fraction` of the rate at the pause, else on the first, and climbs from there: product
  labels say to slow or stop and to resume at a lower rate, the design says half.
- Never a rate above the ladder to catch up.
- The limit is that of kind `complete`; one of kind `begin` plays no part once begun. It is
  recomputed at each pause: the latest restart is stop-by less the minutes still needed less the
  safety margin (D7, D11).

Moments are UTC and exact to the microsecond, so that no change of clocks matters (D10). Volumes
are counted in mL/hour x microseconds: a rate times a time then needs no division.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from itertools import pairwise

from pharmacy.domain.dose_plan import DayPlan
from pharmacy.domain.protocol_parts import Protocol, RateRule
from pharmacy.domain.quantities import EXACT
from pharmacy.domain.rates import LadderStep
from pharmacy.domain.site_time import require_utc

_MINUTE = timedelta(minutes=1)
_MICROSECOND = timedelta(microseconds=1)
_ML = Decimal(timedelta(hours=1) // _MICROSECOND)
# Position and end are each rounded to a microsecond: that alone makes no further minute.
_ROUNDED = 2 * _MICROSECOND

Ladder = tuple[LadderStep, ...]


@dataclass(frozen=True, slots=True)
class Pause:
    """The pump stands from `paused_at` on; `infused_ml` of this bag is in, as the pump showed.

    `reaction` says why; `restarted_at` is None while it lasts.
    """

    paused_at: datetime
    infused_ml: Decimal
    reaction: bool
    restarted_at: datetime | None


@dataclass(frozen=True, slots=True)
class LeftOff:
    """Where the bag before left the ladder: since when nothing runs, and where it would go on."""

    stopped_at: datetime
    on_ladder: timedelta


@dataclass(frozen=True, slots=True)
class BagRun:
    """What is known of the infusion of one bag. Only the last of its pauses may still last."""

    day: DayPlan
    bag_number: int
    started_at: datetime
    stop_by: datetime
    pauses: tuple[Pause, ...] = ()
    before: LeftOff | None = None

    @property
    def pause(self) -> Pause | None:
        """The pause that still lasts, if there is one."""
        last = self.pauses[-1] if self.pauses else None
        return last if last and last.restarted_at is None else None


@dataclass(frozen=True, slots=True)
class RateChange:
    """From `at` on the pump runs at this rate; None where it stands."""

    at: datetime
    rate_ml_per_hour: Decimal | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The answer for one moment. While paused, it supposes a restart at that moment.

    `on_ladder` is the position on the ladder in running time, `rate_ml_per_hour` the rate there.
    `so_far` are the changes that were, the last is the present one; `to_come` those that follow
    until the end of the day. `needed_min` are the whole minutes, rounded up, until the day's
    volume is in, at `done_at`; this bag's is in at `bag_done_at`. `over`: stop-by is reached.

    Only while paused: `latest_restart`, and `from_first_after`, after which a restart begins with
    the first step again.
    """

    on_ladder: timedelta
    rate_ml_per_hour: Decimal
    so_far: tuple[RateChange, ...]
    to_come: tuple[RateChange, ...]
    needed_min: int
    bag_done_at: datetime
    done_at: datetime
    over: bool
    latest_restart: datetime | None = None
    from_first_after: datetime | None = None

    @property
    def running_min(self) -> int:
        """The position on the ladder in whole running minutes."""
        return self.on_ladder // _MINUTE


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A time in which the pump runs: from when, from where on the ladder, with how much in."""

    begun_at: datetime
    on_ladder: timedelta
    in_ml: Decimal

    def at(self, moment: datetime) -> timedelta:
        """The position on the ladder at a moment of this stretch."""
        return self.on_ladder + (moment - self.begun_at)


def follow(run: BagRun, protocol: Protocol, now: datetime) -> Standing:
    """Where an infusion stands at `now`, which is not before its start or its last pause.

    A moment that is not in UTC is a `ValueError`.
    """
    for moment in (now, run.started_at, run.stop_by):
        require_utc(moment)
    with localcontext(EXACT):
        stretches = _stretches(run, protocol.rates)
        here, pause = stretches[-1], run.pause
        if pause is None:
            return _standing(run, stretches, here, now)
        restart = _after(run, here, pause, now, protocol.rates)
        latest, from_first_after = _latest_restart(run, here, pause, protocol)
        return _standing(run, stretches, restart, now, latest, from_first_after)


def left_off(run: BagRun, protocol: Protocol, ended_at: datetime) -> LeftOff:
    """Where an ended infusion left the day's ladder, for the bag that comes after it."""
    with localcontext(EXACT):
        here = _stretches(run, protocol.rates)[-1]
        if run.pause is None:
            return LeftOff(ended_at, here.at(ended_at))
        return LeftOff(run.pause.paused_at, _goes_on_at(run, here, run.pause, protocol.rates))


def whole_minutes(time: timedelta) -> int:
    """A time in whole minutes, rounded up; none for what is over."""
    return max(0, -(-(time - _ROUNDED) // _MINUTE))


def _stretches(run: BagRun, rates: RateRule) -> tuple[_Stretch, ...]:
    found = [_Stretch(run.started_at, _begins_at(run, rates), Decimal(0))]
    for pause in run.pauses:
        if pause.restarted_at is not None:
            found.append(_after(run, found[-1], pause, pause.restarted_at, rates))
    return tuple(found)


def _begins_at(run: BagRun, rates: RateRule) -> timedelta:
    """Where on the ladder this bag begins: where it stands after the bags before.

    That is after their planned volume, as the label supposes, and never further than the bag
    before really came; from the first step, if nothing ran for too long since.
    """
    planned = _time_for(run.day.ladder, timedelta(0), _volume_ml(run, 0, run.bag_number - 1))
    if run.before is None:
        return planned
    if run.started_at - run.before.stopped_at > _goes_on_for(rates):
        return timedelta(0)
    return min(planned, run.before.on_ladder)


def _after(
    run: BagRun, here: _Stretch, pause: Pause, restart: datetime, rates: RateRule
) -> _Stretch:
    """The stretch that a restart at this moment begins."""
    from_first = restart - pause.paused_at > _goes_on_for(rates)
    position = timedelta(0) if from_first else _goes_on_at(run, here, pause, rates)
    return _Stretch(restart, position, pause.infused_ml)


def _goes_on_for(rates: RateRule) -> timedelta:
    return rates.restart_from_first_after_min * _MINUTE


def _goes_on_at(run: BagRun, here: _Stretch, pause: Pause, rates: RateRule) -> timedelta:
    """Where the ladder goes on after a pause that was not too long."""
    stood = here.at(pause.paused_at)
    if not pause.reaction:
        return stood
    ladder = run.day.ladder
    highest = _step_at(ladder, stood).rate_ml_per_hour * rates.restart_fraction
    passed = [step for step in ladder if step.start_min * _MINUTE <= stood]
    low_enough = [step for step in passed if step.rate_ml_per_hour <= highest]
    return (low_enough or ladder[:1])[-1].start_min * _MINUTE


def _latest_restart(
    run: BagRun, here: _Stretch, pause: Pause, protocol: Protocol
) -> tuple[datetime, datetime]:
    """The latest restart of a pause, and after which moment one begins with the first step.

    Until that moment the infusion goes on and has its own, later limit.
    """
    rates = protocol.rates
    from_first_after = pause.paused_at + _goes_on_for(rates)
    if_on, if_first = (
        _limit(run, protocol, position, pause.infused_ml)
        for position in (_goes_on_at(run, here, pause, rates), timedelta(0))
    )
    if if_on <= from_first_after:
        return if_on, from_first_after
    return max(from_first_after, if_first), from_first_after


def _limit(run: BagRun, protocol: Protocol, position: timedelta, in_ml: Decimal) -> datetime:
    needed = _time_for(run.day.ladder, position, _left_ml(run, in_ml))
    return run.stop_by - (whole_minutes(needed) + protocol.margins.safety_min) * _MINUTE


def _standing(
    run: BagRun,
    stretches: tuple[_Stretch, ...],
    here: _Stretch,
    now: datetime,
    latest_restart: datetime | None = None,
    from_first_after: datetime | None = None,
) -> Standing:
    """The answer, with `here` the stretch that runs, or that a restart now would begin."""
    ladder, position = run.day.ladder, here.at(now)
    bag_takes = _time_for(ladder, here.on_ladder, _bag_ml(run) - here.in_ml)
    bag_done_at, done_at = here.begun_at + bag_takes, here.begun_at + bag_takes
    if run.bag_number < len(run.day.bags):
        later_ml = _volume_ml(run, run.bag_number, len(run.day.bags))
        later = _time_for(ladder, here.on_ladder + bag_takes, later_ml)
        done_at = max(bag_done_at, now) + later
    return Standing(
        on_ladder=position,
        rate_ml_per_hour=_step_at(ladder, position).rate_ml_per_hour,
        so_far=_so_far(run, stretches, now),
        to_come=tuple(each for each in _changes(ladder, here) if now < each.at < done_at),
        needed_min=whole_minutes(done_at - now),
        bag_done_at=bag_done_at,
        done_at=done_at,
        over=now >= run.stop_by,
        latest_restart=latest_restart,
        from_first_after=from_first_after,
    )


def _so_far(run: BagRun, stretches: tuple[_Stretch, ...], now: datetime) -> tuple[RateChange, ...]:
    found: list[RateChange] = []
    for stretch, pause in zip(stretches, (*run.pauses, None), strict=False):
        until = now + _MICROSECOND if pause is None else pause.paused_at
        first, *later = _changes(run.day.ladder, stretch)
        found += [first, *(change for change in later if change.at < until)]
        if pause is not None:
            found.append(RateChange(pause.paused_at, None))
    return tuple(found)


def _changes(ladder: Ladder, stretch: _Stretch) -> list[RateChange]:
    """The rate at the beginning of a stretch, and every later change on the ladder."""
    first = _step_at(ladder, stretch.on_ladder)
    later = ladder[ladder.index(first) + 1 :]
    return [
        RateChange(stretch.begun_at, first.rate_ml_per_hour),
        *(
            RateChange(
                stretch.begun_at + (step.start_min * _MINUTE - stretch.on_ladder),
                step.rate_ml_per_hour,
            )
            for step in later
        ),
    ]


def _step_at(ladder: Ladder, position: timedelta) -> LadderStep:
    return [step for step in ladder if step.start_min * _MINUTE <= position][-1]


def _bag_ml(run: BagRun) -> Decimal:
    return run.day.bags[run.bag_number - 1].volume_ml


def _volume_ml(run: BagRun, first: int, last: int) -> Decimal:
    return sum((bag.volume_ml for bag in run.day.bags[first:last]), Decimal(0))


def _left_ml(run: BagRun, in_ml: Decimal) -> Decimal:
    """What is still to be given on this day: the rest of this bag and the later bags."""
    return _volume_ml(run, run.bag_number - 1, len(run.day.bags)) - in_ml


def _time_for(ladder: Ladder, position: timedelta, volume_ml: Decimal) -> timedelta:
    """How long a volume takes from a position on the ladder, rounded up to a microsecond."""
    left, took = volume_ml * _ML, timedelta(0)
    for step, following in pairwise(ladder):
        span = following.start_min * _MINUTE - (position + took)
        if span <= timedelta(0):
            continue
        runs = step.rate_ml_per_hour * (span // _MICROSECOND)
        if left <= runs:
            return took + _rounded_up(left, step)
        left, took = left - runs, took + span
    return took + _rounded_up(left, ladder[-1])


def _rounded_up(left: Decimal, step: LadderStep) -> timedelta:
    whole, rest = divmod(left, step.rate_ml_per_hour)
    return (int(whole) + (1 if rest else 0)) * _MICROSECOND
