"""The gates before a live study goes live (E21): each can be closed alone, and says so."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from pharmacy.domain.going_live import Facts, Gate, LitFacts, gates, missing

READY = Facts(
    approvals=2,
    open_defaults=0,
    cards_kept="Safe; on call Dr. Ames, 205-555-0177",
    sites_without_sponsor=0,
    test_notice_taken="2 Mar 2026 08:40 CST",
    restore_drilled="1 Mar 2026, signed by Ada Minister",
    demands_second_factor=True,
    without_factor=0,
    lit=LitFacts(
        list_loaded="2 Mar 2026 08:30 CST",
        dummy_confirmed=True,
        holders=2,
        recovery_sealed=True,
        secrets_sealed=True,
        breakers=1,
        drilled="2 Mar 2026 08:35 CST",
    ),
)
# Every fact made wrong alone, and the one gate that it closes.
PLANTS: dict[str, tuple[object, Gate]] = {
    "approvals": (1, Gate.PROTOCOL),
    "open_defaults": (1, Gate.DEFAULTS),
    "cards_kept": ("", Gate.CARDS),
    "sites_without_sponsor": (1, Gate.SPONSOR),
    "test_notice_taken": ("", Gate.NOTICES),
    "restore_drilled": ("", Gate.RESTORE),
    "demands_second_factor": (False, Gate.SECOND_FACTOR),
    "without_factor": (1, Gate.SECOND_FACTOR),
    "lit.list_loaded": ("", Gate.LIST),
    "lit.dummy_confirmed": (False, Gate.DUMMY_LIST),
    "lit.holders": (1, Gate.HOLDERS),
    "lit.recovery_sealed": (False, Gate.RECOVERY),
    "lit.secrets_sealed": (False, Gate.SECRETS),
    "lit.breakers": (0, Gate.INVESTIGATOR),
    "lit.drilled": ("", Gate.DRILL),
}


def planted(name: str) -> Facts:
    """The ready facts with one of them wrong."""
    value, _ = PLANTS[name]
    if name.startswith("lit."):
        return replace(READY, lit=replace(READY.lit, **{name.removeprefix("lit."): value}))
    return replace(READY, **{name: value})


def test_with_every_fact_every_gate_is_open() -> None:
    states = gates(READY)
    assert [state.gate for state in states] == list(Gate)
    assert missing(states) == ()
    assert all(state.shown and state.who and state.title for state in states)


@pytest.mark.parametrize("name", PLANTS)
def test_each_fact_closes_its_own_gate_alone(name: str) -> None:
    states = gates(planted(name))
    assert [state.gate for state in states if not state.met] == [PLANTS[name][1]]


def test_no_fact_is_asked_by_no_gate() -> None:
    """A fact that no gate asks, and a gate that no fact closes, are both found."""
    asked = {field.name for field in fields(Facts)} - {"lit"}
    asked |= {f"lit.{field.name}" for field in fields(LitFacts)}
    assert asked == set(PLANTS)
    assert {gate for _, gate in PLANTS.values()} == set(Gate)


def test_without_the_lit_room_its_gates_are_closed() -> None:
    """The nurses' site cannot see them, so nothing goes live from there."""
    closed = {state.gate for state in gates(replace(READY, lit=None)) if not state.met}
    assert closed == {gate for name, (_, gate) in PLANTS.items() if name.startswith("lit.")}


def test_more_than_asked_is_told_as_what_is_asked() -> None:
    """How many people there are is not told beyond what the gate asks."""
    more = replace(READY, lit=replace(READY.lit, holders=7))
    assert gates(more) == gates(READY)
