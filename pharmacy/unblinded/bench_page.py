"""What the bench page shows of one bag to one person, in finished words.

Until both people have entered everything, nothing of the first one's entries is in here for
anybody: neither lines nor counts nor history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.quantities import format_volume
from pharmacy.domain.roles import Permission, may
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.services import assessments, plans, voiding
from pharmacy.services.act import Act
from pharmacy.unblinded import bag_record, releasing
from pharmacy.unblinded.at_bench import BenchBag, find
from pharmacy.unblinded.bag_record import Entries, Record, SignedEntry, Stage
from pharmacy.unblinded.dose_story import DoseStory, dose_story
from pharmacy.unblinded.entries import both_are_in, differences, is_complete
from pharmacy.unblinded.picking import missing, pick_list_of
from pharmacy.unblinded.products import PickList
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.steps import TITLES, Step, needed_permission, progress, step_of

_TURNS = {
    Step.CHECK: ("Hand to checker", "The checker comes next, without seeing the first figures."),
}
_NO_FACTS = ("at", "who", "what", "refused", "op", "said")
_OTHER_TURN = ("Hand to a pharmacist", "A pharmacist does the next step.")


@dataclass(frozen=True)
class PickRow:
    """One line of the pick list and how much of it the acting person has entered."""

    product: str
    count: int
    volume: str
    entered: int


@dataclass(frozen=True)
class LineRow:
    """One of the acting person's own entries; `at` is its place, for taking it back."""

    at: int
    product: str
    lot: str
    expires: str
    typed: bool


@dataclass(frozen=True)
class Pick:
    """The pick list as the acting person sees it."""

    rows: tuple[PickRow, ...]
    lines: tuple[LineRow, ...]
    container: str
    volume: str
    complete: bool
    products: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class BenchPage:
    """One bag at the bench. `void` says why its plan no longer holds, if it was never released."""

    bag_id: str
    kicker: str
    title: str
    step: Step
    progress: list[tuple[str, str]]
    may_act: bool
    hand_over: tuple[str, str]
    run: str
    too_early: bool
    may_mend: bool
    pick: Pick | None
    differences: tuple[tuple[str, str, str, int, int], ...]
    signed: tuple[tuple[str, str, str], ...]
    staff: str
    history: tuple[tuple[str, str, str], ...]
    release_at: str
    missed: bool
    opens_later: bool
    assessments_open: bool
    void: str
    later_runs: tuple[tuple[str, str], ...]
    story: DoseStory


def bench_page(act: Act, room: OpenRoom, bag_id: str) -> BenchPage:
    """The page of a bag of this study for the acting person; 404 without one."""
    on_bench = find(act, bag_id)
    record = bag_record.read(act, room, bag_id)
    step = step_of(record)
    moment = _release_moment(act, on_bench, record)
    planned, void = on_bench.bag.state == BagState.PLANNED, _void(act, on_bench)
    may_mend = planned and not void and may(act.roles, Permission.PREPARE)
    return BenchPage(
        bag_id=bag_id,
        kicker=_kicker(act, on_bench),
        title="Plan void" if void else TITLES.get(step, "Released"),
        step=step,
        progress=progress(record),
        may_act=_may_act(act, record, step),
        hand_over=_TURNS.get(step, _OTHER_TURN),
        run=format_moment(on_bench.day.run_at, on_bench.zone),
        too_early=act.now < on_bench.day.run_at,
        may_mend=may_mend,
        pick=_pick(act, on_bench, record, step),
        differences=_differences(act, on_bench, record),
        signed=_signatures(on_bench, record),
        staff=" and ".join(e.name for e in (record.first, record.second) if e.signed),
        history=_history(on_bench, record),
        release_at=format_moment(moment, on_bench.zone) if moment else "",
        missed=moment is None,
        opens_later=moment is not None and act.now < moment,
        assessments_open=assessments.open_for(act, on_bench.participant.id, on_bench.visit),
        later_runs=_later_runs(act, on_bench) if may_mend else (),
        void=void,
        story=dose_story(act, on_bench),
    )


def _void(act: Act, on_bench: BenchBag) -> str:
    if on_bench.bag.state not in (BagState.PLANNED, BagState.RETIRED):
        return ""
    reason = voiding.why(act, on_bench.course)
    return voiding.sentence(reason) if reason else ""


def _kicker(act: Act, on_bench: BenchBag) -> str:
    days = len(plans.plan_of(on_bench.course).days)
    place = f"{on_bench.visit.name}, day {on_bench.day.day} of {days}"
    bag = f"bag {on_bench.bag.number} of {on_bench.bag.of}"
    return f"{act.in_study.code}, {on_bench.participant.code}, {place}, {bag}"


def _may_act(act: Act, record: Record, step: Step) -> bool:
    preparer = step is Step.CHECK and record.first.person_id == act.person.id
    return may(act.roles, needed_permission(step)) and not preparer


def _pick(act: Act, on_bench: BenchBag, record: Record, step: Step) -> Pick | None:
    """The pick list with the acting person's own entries, and nobody else's."""
    if step not in (Step.DRAW, Step.CHECK) or not _may_act(act, record, step):
        return None
    picked = pick_list_of(act, record, on_bench.bag)
    theirs = record.first if step is Step.DRAW else record.second
    own = theirs if theirs.person_id == act.person.id else Entries()
    left = missing(picked, own.lines)
    rows = tuple(
        PickRow(
            line.product.name,
            line.count,
            format_volume(line.volume_ml),
            line.count - left[line.product.key],
        )
        for line in picked.lines
    )
    return Pick(
        rows,
        _lines(own, picked),
        picked.container.name,
        format_volume(picked.volume_ml),
        is_complete(act, on_bench, record, own),
        tuple((line.product.key, line.product.name) for line in picked.lines),
    )


def _lines(entries: Entries, picked: PickList) -> tuple[LineRow, ...]:
    names = {line.product.key: line.product.name for line in picked.lines}
    return tuple(
        LineRow(at, names[line.product], line.lot, _day(line.expiry), line.typed)
        for at, line in enumerate(entries.lines)
    )


def _differences(
    act: Act, on_bench: BenchBag, record: Record
) -> tuple[tuple[str, str, str, int, int], ...]:
    if record.stage not in (Stage.OPENED, Stage.PREPARED) or not record.second.lines:
        return ()
    if not both_are_in(act, on_bench, record):
        return ()
    picked = pick_list_of(act, record, on_bench.bag)
    names = {line.product.key: line.product.name for line in picked.lines}
    return tuple(
        (names[one.product], one.lot, _day(one.expiry), one.first, one.second)
        for one in differences(record)
    )


def _signatures(on_bench: BenchBag, record: Record) -> tuple[tuple[str, str, str], ...]:
    signed = [entries.signed for entries in (record.first, record.second)]
    return tuple(
        (one.name, one.meaning, _moment(on_bench, one)) for one in signed if one is not None
    )


def _moment(on_bench: BenchBag, signed: SignedEntry) -> str:
    return format_moment(datetime.fromisoformat(signed.at), on_bench.zone)


def _history(on_bench: BenchBag, record: Record) -> tuple[tuple[str, str, str], ...]:
    """Time, person and what, once both have signed; before, it would tell the first's figures."""
    if record.stage in (Stage.PLANNED, Stage.OPENED, Stage.PREPARED):
        return ()
    return tuple(
        (
            format_moment(datetime.fromisoformat(line["at"]), on_bench.zone),
            line["who"],
            _told(line),
        )
        for line in record.history
    )


def _told(line: dict[str, Any]) -> str:
    what = line["what"].capitalize()
    if "refused" in line:
        what = f"{what}: {line['refused'].rstrip('.')}"
    facts = [f"{name} {value}" for name, value in line.items() if name not in _NO_FACTS]
    return ", ".join((what, *facts)).removesuffix(", how scanned")


def _release_moment(act: Act, on_bench: BenchBag, record: Record) -> datetime | None:
    if record.released_as:
        return datetime.fromisoformat(record.released_as)
    return releasing.release_moment(act, on_bench, record)


def _later_runs(act: Act, on_bench: BenchBag) -> tuple[tuple[str, str], ...]:
    runs = releasing.later_runs(act, on_bench)
    return tuple((run.isoformat(), format_moment(run, on_bench.zone)) for run in runs)


def _day(text: str) -> str:
    return format_day(date.fromisoformat(text))
