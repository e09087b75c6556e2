"""Every verb that changes something in a study asks its stage, or says here why not (J11, E15)."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

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
_Calls = dict[str, tuple[frozenset[str], bool]]


def unasked(sources: Iterable[Source]) -> list[str]:
    """Public verbs of an act that write a trail, themselves or through others, and ask no stage."""
    functions = _functions(sources)
    return sorted(
        name
        for name, (_, is_verb) in functions.items()
        if is_verb
        and _reaches(functions, name, _RECORDS)
        and not _reaches(functions, name, frozenset({"pharmacy.services.stages.admit"}))
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
    known = _imported(source)
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        chain = chain_of(node.func)
        first, _, rest = chain.partition(".")
        if chain in _RECORDS:
            yield chain
        elif first in known:
            yield f"{known[first]}.{rest}".rstrip(".")
        elif chain and not rest:
            yield f"{source.module}.{chain}"


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
    asked = "    stages.admit(act, 1)\n" if asks else ""
    files = {"pharmacy/services/kept.py": written, "pharmacy/services/moving.py": verb + asked}
    found = unasked(product(planted(tmp_path, files)))
    assert found == ["pharmacy.services.kept.keep"] + (
        [] if asks else ["pharmacy.services.moving.move"]
    )
