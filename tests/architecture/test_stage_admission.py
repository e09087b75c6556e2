"""Every verb that changes something in a study asks its stage, or says here why not.

J11, E15, E21. One function admits, what it admits is named where it is asked, and nobody else asks
how far a study is: a second question, such as whether it went live, could be forgotten by the next
verb.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest

from pharmacy.domain.stages import StudyAct
from tests.architecture.source import Source, chain_of, planted, product

_ROOMS = ("pharmacy.services.", "pharmacy.unblinded.")
_RECORDS = frozenset({"act.record", "trail.record"})
_KEYS = "who can open what stays in force, so that a code can be broken at every stage"
_CARE = "care is refused at no stage"
_RUNS = "no study is closed while an infusion runs"
_STEP = "is the step to the next stage itself, and checks which is next"
_INSIDE = "is written only by verbs that ask"
NO_STAGE = {
    "pharmacy.services.break_cards.tell_opened": _CARE,
    "pharmacy.services.departures.leave": _INSIDE,
    "pharmacy.services.infusions.pause": _RUNS,
    "pharmacy.services.infusions.restart": _RUNS,
    "pharmacy.services.infusions.correct_pause": _RUNS,
    "pharmacy.services.infusions.end": _RUNS,
    "pharmacy.services.scanning.turn_to_stop": _INSIDE,
    "pharmacy.services.voiding.void": _INSIDE,
    "pharmacy.services.voiding.void_open": _INSIDE,
    "pharmacy.services.voiding.void_if_needed": _INSIDE,
    "pharmacy.services.stages.ask": _STEP,
    "pharmacy.services.stages.confirm": _STEP,
    "pharmacy.services.stages.state_lock": _STEP,
    "pharmacy.unblinded.study_end.ask": _STEP,
    "pharmacy.unblinded.study_end.confirm": _STEP,
    "pharmacy.unblinded.break_key_rotation.renew": _KEYS,
    "pharmacy.unblinded.break_shares.enrol": _KEYS,
    "pharmacy.unblinded.break_shares.give_drill": _KEYS,
    "pharmacy.unblinded.code_break.breaking.break_code": _CARE,
    "pharmacy.unblinded.code_break.drill.run": _KEYS,
    "pharmacy.unblinded.code_break.own_keys.try_keys": _KEYS,
    "pharmacy.unblinded.founding.found": _KEYS,
    "pharmacy.unblinded.granting.grant": _KEYS,
    "pharmacy.unblinded.list_derivation.derive_again": "compares and changes nothing",
    "pharmacy.unblinded.list_opening.reveal_opening": "asks the stage by `why_not`: a dummy list's "
    "opening is shown while a study is open, one that counts only after the unblinding",
    "pharmacy.unblinded.recovering.recover": _KEYS,
    "pharmacy.unblinded.recovery_custody.record_check": _KEYS,
    "pharmacy.unblinded.recovery_custody.record_place": _KEYS,
    "pharmacy.unblinded.recovery_custody.record_tried": _KEYS,
    "pharmacy.unblinded.recovery_drill.drill": _KEYS,
    "pharmacy.unblinded.recovery_reissue.reissue": _KEYS,
    "pharmacy.unblinded.revoking.revoke": _KEYS,
    "pharmacy.unblinded.room.open_room": "the lit room is read at every stage",
    "pharmacy.unblinded.rotation.rotate": _KEYS,
    "pharmacy.unblinded.safety_unblinding.ask": _CARE,
    "pharmacy.unblinded.safety_unblinding.show_again": _CARE,
    "pharmacy.unblinded.sealed_list.seal_list": _INSIDE,
    "pharmacy.unblinded.warrants.commit_break_warrant": _CARE,
    "pharmacy.unblinded.warrants.commit_warrant": _INSIDE,
}
_ACTS = frozenset(f"StudyAct.{act.name}" for act in StudyAct)
_ADMIT = "pharmacy.services.stages.admit"
# What the database knows of a study's stage, and who reads it beside `services.stages`.
_STAGE_FACTS = {
    "pharmacy.persistence.going_live.went_live_at": {
        "pharmacy.services.going_live": "shows since when, and answers a signature sent twice",
    },
    "pharmacy.persistence.stages.confirmed": {
        "pharmacy.unblinded.envelope": "asks what is committed, for the act of opening a place",
    },
}
_Calls = dict[str, tuple[frozenset[str], bool]]


def unasked(sources: Iterable[Source]) -> list[str]:
    """Public verbs of an act that write a trail, themselves or through others, and ask no stage."""
    functions = _functions(sources)
    return sorted(
        name
        for name, (_, is_verb) in functions.items()
        if is_verb
        and _reaches(functions, name, _RECORDS)
        and not _reaches(functions, name, frozenset({_ADMIT}))
    )


def unnamed(sources: Iterable[Source]) -> list[str]:
    """Where a stage is asked about an act that is not named there."""
    return sorted(
        source.module
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call)
        and _full_name(source, node) == _ADMIT
        and (len(node.args) != 2 or chain_of(node.args[1]) not in _ACTS)
    )


def asked_elsewhere(sources: Iterable[Source]) -> list[str]:
    """Modules that read a fact of a study's stage beside the one that admits."""
    return sorted(
        f"{source.module} reads {fact}"
        for source in sources
        for fact, readers in _STAGE_FACTS.items()
        if source.module not in {"pharmacy.services.stages", fact.rpartition(".")[0], *readers}
        if any(
            isinstance(node, ast.Call) and _full_name(source, node) == fact
            for node in ast.walk(source.tree)
        )
    )


def _functions(sources: Iterable[Source]) -> _Calls:
    return {
        f"{source.module}.{node.name}": (
            frozenset(_called(source, node)),
            not node.name.startswith("_") and _takes_act(node),
        )
        for source in sources
        if source.module.startswith(_ROOMS)
        for node in source.tree.body
        if isinstance(node, ast.FunctionDef)
    }


def _takes_act(node: ast.FunctionDef) -> bool:
    return bool(node.args.args) and node.args.args[0].arg == "act"


def _called(source: Source, function: ast.FunctionDef) -> Iterator[str]:
    """What a function calls, by full name; `act.record` and `trail.record` as they stand."""
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and (name := _full_name(source, node)):
            yield name


def _full_name(source: Source, call: ast.Call) -> str:
    """The full name of what is called; empty where it is no module's function."""
    chain = chain_of(call.func)
    first, _, rest = chain.partition(".")
    known = _imported(source)
    if chain in _RECORDS:
        return chain
    if first in known:
        return f"{known[first]}.{rest}".rstrip(".")
    return f"{source.module}.{chain}" if chain and not rest else ""


@cache
def _imported(source: Source) -> dict[str, str]:
    return {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module and not node.level
        for alias in node.names
    }


def _reaches(functions: _Calls, name: str, wanted: frozenset[str]) -> bool:
    waiting, seen = [name], set()
    while waiting:
        at = waiting.pop()
        if at in wanted:
            return True
        if at in seen or at not in functions:
            continue
        seen.add(at)
        waiting += functions[at][0]
    return False


def test_every_verb_asks_the_stage_or_is_named_with_a_reason() -> None:
    assert unasked(product()) == sorted(NO_STAGE)
    assert all(NO_STAGE.values())


@pytest.mark.parametrize("asks", [True, False])
def test_a_planted_verb_that_asks_nothing_is_found(tmp_path: Path, asks: bool) -> None:
    """Through another file as well, and only when nobody on the way asks."""
    written = "def keep(act):\n    act.record('kept', 'x')\n"
    verb = "from pharmacy.services import kept, stages\n\ndef move(act):\n    kept.keep(act)\n"
    asked = "    stages.admit(act, StudyAct.KEEP)\n" if asks else ""
    files = {"pharmacy/services/kept.py": written, "pharmacy/services/moving.py": verb + asked}
    found = unasked(product(planted(tmp_path, files)))
    assert found == ["pharmacy.services.kept.keep"] + (
        [] if asks else ["pharmacy.services.moving.move"]
    )


def test_each_verb_names_what_it_asks_for_and_every_act_is_asked_for() -> None:
    assert unnamed(product()) == []
    named = {
        chain_of(node.args[1])
        for source in product()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and _full_name(source, node) == _ADMIT
    }
    assert named == _ACTS


def test_one_place_knows_how_far_a_study_is() -> None:
    assert asked_elsewhere(product()) == []
    assert all(why for readers in _STAGE_FACTS.values() for why in readers.values())


@pytest.mark.parametrize("said", ["what", "1", "StudyAct.NO_SUCH_ACT"])
def test_a_planted_question_about_no_named_act_is_found(tmp_path: Path, said: str) -> None:
    verb = f"def move(act, what):\n    stages.admit(act, {said})\n"
    verb = "from pharmacy.services import stages\n\n" + verb
    found = unnamed(product(planted(tmp_path, {"pharmacy/services/moving.py": verb})))
    assert found == ["pharmacy.services.moving"]


def test_a_planted_second_question_is_found(tmp_path: Path) -> None:
    """As a verb would ask that looks at the row itself."""
    verb = (
        "from pharmacy.persistence import going_live\n\n"
        "def move(act):\n    return going_live.went_live_at(act.uow.session, 1)\n"
    )
    found = asked_elsewhere(product(planted(tmp_path, {"pharmacy/services/moving.py": verb})))
    assert found == ["pharmacy.services.moving reads pharmacy.persistence.going_live.went_live_at"]
