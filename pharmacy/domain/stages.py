"""How far a study is, from being prepared to being closed, and which acts each stage admits.

A live study begins prepared and opens when it goes live; a practice study begins open and goes
live never (C7, E21). Each later stage is reached by two signatures and none is left backwards.
Care is in no stage refused: a bag that runs may run on and be scanned until the study is closed,
and breaking a code is never asked about here at all.
"""

from __future__ import annotations

from enum import StrEnum

from pharmacy.domain.errors import Refusal


class StudyStage(StrEnum):
    """A stage of a study, in order."""

    PREPARED = "prepared"
    OPEN = "open"
    LOCKED = "locked"
    UNBLINDED = "unblinded"
    CLOSED = "closed"


class StudyAct(StrEnum):
    """What is done in a study, as far as its stage matters."""

    LOAD_LIST = "load_list"
    ENROL = "enrol"
    ORDER = "order"
    ALLOCATE = "allocate"
    PLAN = "plan"
    PREPARE = "prepare"
    RELEASE = "release"
    ASSESS_VISIT = "assess_visit"
    PROTOCOL = "protocol"
    BENCH = "bench"
    BEDSIDE = "bedside"
    KEEP = "keep"
    REPORT = "report"
    ASSESS = "assess"
    REVEAL_LIST = "reveal_list"
    ARCHIVE = "archive"


ORDER: tuple[StudyStage, ...] = tuple(StudyStage)
# What a study is prepared with; an amendment or a longer list may still need it later.
_UNTIL_LOCKED = frozenset({StudyAct.LOAD_LIST, StudyAct.PROTOCOL})
# Only while participants take part, none of whom there is before.
_WHILE_OPEN = frozenset(
    {
        StudyAct.ENROL,
        StudyAct.ORDER,
        StudyAct.ALLOCATE,
        StudyAct.PLAN,
        StudyAct.PREPARE,
        StudyAct.RELEASE,
        StudyAct.ASSESS_VISIT,
    }
)
# What is already out goes on to its end.
_CARE = frozenset({StudyAct.BENCH, StudyAct.BEDSIDE})
# What is kept, counted and written down, and what people report.
_UNTIL_CLOSED = frozenset({StudyAct.KEEP, StudyAct.REPORT, StudyAct.ASSESS})
ADMITS: dict[StudyStage, frozenset[StudyAct]] = {
    StudyStage.PREPARED: _UNTIL_LOCKED | _UNTIL_CLOSED,
    StudyStage.OPEN: _UNTIL_LOCKED | _WHILE_OPEN | _CARE | _UNTIL_CLOSED,
    StudyStage.LOCKED: _CARE | _UNTIL_CLOSED,
    StudyStage.UNBLINDED: _CARE | _UNTIL_CLOSED | {StudyAct.REVEAL_LIST},
    StudyStage.CLOSED: frozenset({StudyAct.REVEAL_LIST, StudyAct.ARCHIVE}),
}
TITLES: dict[StudyStage, str] = {
    StudyStage.PREPARED: "Preparing",
    StudyStage.OPEN: "Open",
    StudyStage.LOCKED: "Data locked",
    StudyStage.UNBLINDED: "Unblinded",
    StudyStage.CLOSED: "Closed",
}
NOT_LIVE_YET = (
    "This live study is still being prepared, so nobody takes part in it yet. Its page Going live "
    "shows what is missing."
)
_AFTER_LOCK: dict[StudyAct, str] = {
    StudyAct.LOAD_LIST: "No list is loaded any more.",
    StudyAct.ENROL: "Nobody is enrolled any more, and no baseline data change.",
    StudyAct.ORDER: "No course is ordered any more.",
    StudyAct.ALLOCATE: "No place is given any more.",
    StudyAct.PLAN: "No course is planned or moved any more.",
    StudyAct.PREPARE: "No bag is begun any more.",
    StudyAct.RELEASE: "No bag is released any more. Keep it at the pharmacy.",
    StudyAct.ASSESS_VISIT: "No visit's assessments are signed complete any more.",
    StudyAct.PROTOCOL: "Neither the protocol nor its going live is signed any more.",
}
_LOCKED = "The data of this study are locked."
_CLOSED = "This study is closed: its records are only read. Call the pharmacy with what is new."
_TOO_EARLY: dict[StudyAct, str] = {
    StudyAct.REVEAL_LIST: (
        "The list stays sealed until the data are locked and two people have signed the "
        "end-of-study unblinding."
    ),
    StudyAct.ARCHIVE: "The archive is made when the study is closed.",
}


def why_not(stage: StudyStage, act: StudyAct) -> str:
    """Why a stage does not admit an act, in a sentence to show; empty when it does."""
    if act in ADMITS[stage]:
        return ""
    if act in _TOO_EARLY:
        return _TOO_EARLY[act]
    if stage is StudyStage.PREPARED:
        return NOT_LIVE_YET
    if stage is StudyStage.CLOSED:
        return _CLOSED
    return f"{_LOCKED} {_AFTER_LOCK[act]}"


def check(stage: StudyStage, act: StudyAct) -> None:
    """Refuse (409) an act that the stage does not admit."""
    sentence = why_not(stage, act)
    if sentence:
        raise Refusal(sentence)


def next_stage(stage: StudyStage) -> StudyStage | None:
    """The stage after this one; None after the last."""
    at = ORDER.index(stage) + 1
    return ORDER[at] if at < len(ORDER) else None


def first_stage(practice: bool) -> StudyStage:
    """Where a study begins: a practice study is open at once."""
    return StudyStage.OPEN if practice else StudyStage.PREPARED


def way(practice: bool) -> tuple[StudyStage, ...]:
    """The stages of a study from its first to the last."""
    return ORDER[ORDER.index(first_stage(practice)) :]


def mode_words(practice: bool, stage: StudyStage) -> str:
    """What a page calls a study beside its code: Practice, Preparing, or Live."""
    if practice:
        return "Practice"
    return TITLES[stage] if stage is StudyStage.PREPARED else "Live"


def named(code: str, stage: StudyStage) -> str:
    """A study's code, with its stage once its data are locked."""
    early = stage in (StudyStage.PREPARED, StudyStage.OPEN)
    return code if early else f"{code}, {TITLES[stage].lower()}"
