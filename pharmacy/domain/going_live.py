"""What must stand before a live study goes live, each as one gate over facts without an arm.

E21: a trial's configuration is released to a site only after recorded approvals. Each gate says
what shows it; one that is closed keeps the study shut, whatever the others say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Gate(StrEnum):
    """The gates, in the order of their page."""

    PROTOCOL = "protocol"
    DEFAULTS = "defaults"
    DUMMY_LIST = "dummy_list"
    LIST = "list"
    HOLDERS = "holders"
    RECOVERY = "recovery"
    SECRETS = "secrets"
    INVESTIGATOR = "investigator"
    DRILL = "drill"
    CARDS = "cards"
    SPONSOR = "sponsor"
    NOTICES = "notices"
    RESTORE = "restore"
    SECOND_FACTOR = "second_factor"


@dataclass(frozen=True)
class LitFacts:
    """What the lit room knows and anybody may: that things are there, never what is in them.

    `holders` counts who holds the list key besides the statistician; `breakers` the investigators
    who are enrolled and have tried their keys; `drilled` is when a drill was passed from a phone
    outside the pharmacy, in words.
    """

    list_loaded: str = ""
    dummy_confirmed: bool = False
    holders: int = 0
    recovery_sealed: bool = False
    secrets_sealed: bool = False
    breakers: int = 0
    drilled: str = ""


@dataclass(frozen=True)
class Facts:
    """Everything that the gates ask. `lit` is None in a process without the lit room.

    `without_factor` counts people of the study, and administrators, who have no second factor;
    `sites_without_sponsor` the sites that name no sponsor's telephone. Moments are in words.
    """

    approvals: int
    open_defaults: int
    cards_kept: str
    sites_without_sponsor: int
    test_notice_taken: str
    restore_drilled: str
    demands_second_factor: bool
    without_factor: int
    lit: LitFacts | None


@dataclass(frozen=True)
class GateState:
    """One gate: whether it stands open, what shows it, and who can open it."""

    gate: Gate
    title: str
    met: bool
    shown: str
    who: str


NEEDED_APPROVALS = 2
NEEDED_HOLDERS = 2
_NOT_HERE = "Seen only where the lit room is part of the program."
_Rule = tuple[str, str, Callable[[Facts], tuple[bool, str]]]


def gates(facts: Facts) -> tuple[GateState, ...]:
    """Every gate with its state."""
    found = []
    for gate, (title, who, judge) in _RULES.items():
        met, shown = judge(facts)
        found.append(GateState(gate, title, met, shown, who))
    return tuple(found)


def missing(states: tuple[GateState, ...]) -> tuple[str, ...]:
    """The titles of the gates that are closed."""
    return tuple(state.title for state in states if not state.met)


def _lit(judge: Callable[[LitFacts], tuple[bool, str]]) -> Callable[[Facts], tuple[bool, str]]:
    return lambda facts: judge(facts.lit) if facts.lit is not None else (False, _NOT_HERE)


def _moment(when: str, done: str, still: str) -> tuple[bool, str]:
    return (True, f"{done} {when}") if when else (False, still)


def _second_factor(facts: Facts) -> tuple[bool, str]:
    if not facts.demands_second_factor:
        return False, "This installation does not demand one (TWINBAG_SECOND_FACTOR)."
    if facts.without_factor:
        return False, f"{_count(facts.without_factor, 'person has', 'people have')} none yet"
    return True, "Demanded, and set up by everybody"


def _count(number: int, one: str, more: str) -> str:
    return f"{number} {one if number == 1 else more}"


_RULES: dict[Gate, _Rule] = {
    Gate.PROTOCOL: (
        "Protocol approved by two people",
        "Investigator or sponsor, and pharmacist or statistician",
        lambda f: (
            f.approvals >= NEEDED_APPROVALS,
            f"{min(f.approvals, NEEDED_APPROVALS)} of {NEEDED_APPROVALS} signatures",
        ),
    ),
    Gate.DEFAULTS: (
        "Marked defaults confirmed",
        "Pharmacist or investigator",
        lambda f: (
            f.open_defaults == 0,
            f"{_count(f.open_defaults, 'is', 'are')} still open" if f.open_defaults else "All",
        ),
    ),
    Gate.DUMMY_LIST: (
        "Dummy list tried and confirmed by two",
        "Statistician, then two people of the bench, in the practice study of this code",
        _lit(
            lambda lit: (
                lit.dummy_confirmed,
                "Confirmed in the practice study" if lit.dummy_confirmed else "Not confirmed yet",
            )
        ),
    ),
    Gate.LIST: (
        "List loaded, with its certificate",
        "Statistician",
        _lit(lambda lit: _moment(lit.list_loaded, "Loaded", "Not loaded yet")),
    ),
    Gate.HOLDERS: (
        "Two holders of the list key besides the statistician",
        "Statistician, with the pharmacists",
        _lit(
            lambda lit: (
                lit.holders >= NEEDED_HOLDERS,
                f"{min(lit.holders, NEEDED_HOLDERS)} of {NEEDED_HOLDERS}",
            )
        ),
    ),
    Gate.RECOVERY: (
        "Recovery key sealed and with its custodians",
        "Statistician, with the custodians",
        _lit(
            lambda lit: (
                lit.recovery_sealed,
                "Every sheet is sealed" if lit.recovery_sealed else "Not every sheet is sealed",
            )
        ),
    ),
    Gate.SECRETS: (
        "Server secrets sealed to the recovery key",
        "Statistician",
        _lit(
            lambda lit: (lit.secrets_sealed, "Sealed" if lit.secrets_sealed else "Not sealed yet")
        ),
    ),
    Gate.INVESTIGATOR: (
        "An investigator can break a code",
        "Investigator, with a holder",
        _lit(
            lambda lit: (
                lit.breakers > 0,
                f"{_count(lit.breakers, 'investigator', 'investigators')} enrolled, keys tried",
            )
        ),
    ),
    Gate.DRILL: (
        "Code-break drill passed from a phone outside",
        "Investigator",
        _lit(lambda lit: _moment(lit.drilled, "Passed", "Not passed yet")),
    ),
    Gate.CARDS: (
        "Keeping of the code-break cards recorded",
        "Pharmacist",
        lambda f: _moment(f.cards_kept, "Kept:", "Not recorded yet"),
    ),
    Gate.SPONSOR: (
        "Every site names the sponsor's telephone",
        "Administrator",
        lambda f: (
            f.sites_without_sponsor == 0,
            "Every one"
            if not f.sites_without_sponsor
            else f"{_count(f.sites_without_sponsor, 'site does', 'sites do')} not",
        ),
    ),
    Gate.NOTICES: (
        "A test notice was mailed",
        "Administrator",
        lambda f: _moment(f.test_notice_taken, "Mailed", "No test notice was mailed yet"),
    ),
    Gate.RESTORE: (
        "A restore was drilled from a backup",
        "Administrator",
        lambda f: _moment(f.restore_drilled, "Drilled", "Not recorded yet"),
    ),
    Gate.SECOND_FACTOR: (
        "A second factor for everybody",
        "Administrator, then each person",
        _second_factor,
    ),
}
