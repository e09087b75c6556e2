"""Which step of the bench comes next for a bag, and who may do it."""

from __future__ import annotations

from enum import StrEnum

from pharmacy.domain.roles import Permission
from pharmacy.unblinded.bag_record import Record, Stage


class Step(StrEnum):
    """The steps of one bag, in order."""

    INNER = "inner"
    OPEN = "open"
    DRAW = "draw"
    CHECK = "check"
    PRINT = "print"
    COVER = "cover"
    RELEASE = "release"
    DONE = "done"


TITLES = {
    Step.INNER: "Inner label",
    Step.OPEN: "What to draw",
    Step.DRAW: "Draw and sign",
    Step.CHECK: "Check",
    Step.PRINT: "Cover label",
    Step.COVER: "Cover and seal",
    Step.RELEASE: "Release",
}
_NEXT = {
    Stage.PLANNED: Step.OPEN,
    Stage.OPENED: Step.DRAW,
    Stage.PREPARED: Step.CHECK,
    Stage.CHECKED: Step.PRINT,
    Stage.PRINTED: Step.COVER,
    Stage.COVERED: Step.RELEASE,
    Stage.RELEASED: Step.DONE,
}
_PERMISSIONS = {
    Step.INNER: Permission.WORK_AT_BENCH,
    Step.CHECK: Permission.CHECK,
    Step.COVER: Permission.WORK_AT_BENCH,
    Step.DONE: Permission.WORK_AT_BENCH,
}


def step_of(record: Record) -> Step:
    """The bag's next step; a replaced inner label comes before everything else."""
    if not record.inner_applied and record.stage not in (Stage.COVERED, Stage.RELEASED):
        return Step.INNER
    return _NEXT[record.stage]


def needed_permission(step: Step) -> Permission:
    """What a person needs for a step."""
    return _PERMISSIONS.get(step, Permission.PREPARE)


def progress(record: Record) -> list[tuple[str, str]]:
    """Every step's title with `done`, `now` or `next`."""
    order = list(TITLES)
    now = step_of(record)
    reached = order.index(_NEXT[record.stage]) if record.stage is not Stage.RELEASED else len(order)
    states = []
    for at, step in enumerate(order):
        done = at < reached and step is not now
        states.append((TITLES[step], "now" if step is now else "done" if done else "next"))
    return states
