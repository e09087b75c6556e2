"""Wall 4: one function opens an envelope, and only for what is written down (C2, C8, J4)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import Source, chain_of, name_of, places, planted, product

_ACT = ("pharmacy/unblinded/envelope.py", "open_envelope")
# Opens slots' keys to halve them for an investigator, and no envelope.
_HALVES = ("pharmacy/unblinded/break_shares.py", "split")
# Seals what comes out of each envelope into its successor and hands nothing out.
_SEALS_ANEW = ("pharmacy/unblinded/slot_renewal.py", "_opened")
_RENEWS = {
    ("pharmacy/unblinded/slot_renewal.py", "renew"): "seals every slot under new keys",
    _SEALS_ANEW: "is read by `renew` alone",
    ("pharmacy/unblinded/resealing.py", "<module>"): "names every sealed column",
}
_SECRETS = frozenset({"envelope", "slot_key"})
_SCHEMA = ("pharmacy/unblinded/tables.py", "pharmacy/unblinded/contexts.py", "migrations/")
_GIVES_WARRANTS = ("commit_warrant", "find_warrant", "commit_break_warrant", "find_break_warrant")
_WARRANTS = ("Warrant", "BreakWarrant")
# Who else touches the two columns or their contexts, and what for.
_TOUCHES = {
    ("pharmacy/unblinded/sealed_list.py", "seal_slots"): "seals them when the list is loaded",
    _HALVES: "opens the keys, never an envelope, and makes two halves of each",
    **_RENEWS,
    ("pharmacy/unblinded/pins.py", "slots_digest"): "hashes the ciphertexts that the loader signed",
}


def openers(
    sources: tuple[Source, ...], secrets: frozenset[str] = _SECRETS
) -> set[tuple[str, str]]:
    """Functions that open something sealed and touch an envelope or a slot's key."""
    opening, touching = set(), set()
    for source in sources:
        for where, node in places(source.tree):
            if isinstance(node, ast.Call) and name_of(node.func) in ("open_sealed", "from_bytes"):
                arm = chain_of(node.func) in ("Arm.from_bytes", "arm.Arm.from_bytes")
                if arm or name_of(node.func) == "open_sealed":
                    opening.add((source.path, where))
                if arm:
                    touching.add((source.path, where))
            if isinstance(node, ast.Attribute) and node.attr in secrets:
                touching.add((source.path, where))
    return opening & touching


def stray_touches(sources: tuple[Source, ...]) -> list[str]:
    """Places beside the act that reach an envelope, a slot's key or their table by name."""
    found = []
    for source in sources:
        if source.path.startswith(_SCHEMA):
            continue
        for where, node in places(source.tree):
            if (source.path, where) == _ACT or (source.path, where) in _TOUCHES:
                continue
            if isinstance(node, ast.Attribute) and node.attr in _SECRETS:
                found.append(f"{source.path}:{node.lineno}: {where} touches {node.attr}")
            if isinstance(node, ast.Constant) and _names_it(node.value):
                found.append(f"{source.path}:{node.lineno}: {where} names an envelope in a text")
    return found


def _names_it(value: object) -> bool:
    text = value if isinstance(value, str) else ""
    return text in _SECRETS or re.search(r"\blit_slot\b", text) is not None


def unwarranted(sources: tuple[Source, ...]) -> list[str]:
    """Calls of the act whose warrant is not a parameter or made right there, and forged ones."""
    found = []
    for source in sources:
        functions = dict(_functions(source.tree))
        for where, node in places(source.tree):
            if not isinstance(node, ast.Call):
                continue
            if name_of(node.func) in _WARRANTS and source.path != "pharmacy/unblinded/warrants.py":
                found.append(f"{source.path}:{node.lineno}: {where} makes a warrant of its own")
            if name_of(node.func) == "open_envelope":
                held = _warrants_of(functions.get(where))
                given = {name_of(argument) for argument in _arguments(node)}
                if not held & given:
                    found.append(f"{source.path}:{node.lineno}: {where} opens without a warrant")
        found += [
            f"{source.path}:{node.lineno}: open_envelope is handed on"
            for node in _uncalled(source.tree, "open_envelope")
        ]
    return found


def _functions(tree: ast.AST) -> Iterator[tuple[str, ast.FunctionDef]]:
    for where, node in places(tree):
        if isinstance(node, ast.FunctionDef):
            yield f"{where}.{node.name}".removeprefix("<module>."), node


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _warrants_of(function: ast.FunctionDef | None) -> set[str]:
    """Names that hold a warrant in a function: parameters said to be one, or fresh ones."""
    if function is None:
        return set()
    arguments = [*function.args.args, *function.args.kwonlyargs]
    held = {
        a.arg for a in arguments if a.annotation is not None and name_of(a.annotation) in _WARRANTS
    }
    for node in ast.walk(function):
        made = isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        if made and name_of(node.value.func) in _GIVES_WARRANTS:
            held |= {name_of(target) for target in node.targets}
    return held


def _uncalled(tree: ast.AST, name: str) -> list[ast.expr]:
    """Uses of a function that are no call of it: it would be called somewhere unseen."""
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    return [
        node
        for node in ast.walk(tree)
        if isinstance(node, (ast.Name, ast.Attribute))
        and name_of(node) == name
        and id(node) not in called
    ]


def test_exactly_one_function_opens_an_envelope() -> None:
    """Beside the one that seals every envelope anew, whose arms go nowhere else."""
    assert openers(product(), frozenset({"envelope"})) == {_ACT, _SEALS_ANEW}


def test_slots_keys_are_opened_by_the_act_and_to_be_halved() -> None:
    """K8: whoever halves a key joins none and touches no envelope, so that no arm comes of it."""
    assert openers(product()) == {_ACT, _HALVES, _SEALS_ANEW}
    assert joiners(product()) <= {_ACT, *_JOINS_ELSEWHERE}


# What two halves are joined for besides a slot's key.
_JOINS_ELSEWHERE = frozenset(
    {
        ("pharmacy/unblinded/recovery_halves.py", "join_sheets"),
        # The drill's envelope: of no slot, and it says that it is the drill.
        ("pharmacy/unblinded/code_break/drill.py", "open_drill"),
    }
)


def joiners(sources: tuple[Source, ...]) -> set[tuple[str, str]]:
    """Places of the lit room that put two halves of a secret together."""
    return {
        (source.path, where)
        for source in sources
        if source.path.startswith("pharmacy/unblinded/")
        for where, node in places(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "join"
    }


def test_nothing_else_touches_an_envelope() -> None:
    assert stray_touches(product()) == []


def test_whoever_calls_it_holds_a_warrant() -> None:
    assert unwarranted(product()) == []


_PLANTED = "pharmacy/unblinded/a.py"
_OPENS = "def peek(slot, key):\n    return open_sealed(key, slot.envelope, 32, b'')\n"


@pytest.mark.parametrize(
    "text",
    [
        _OPENS,
        "def peek(s, k):\n    return open_sealed(k, s.slot_key, 32, contexts.slot_key(1))",
        "def peek(data):\n    return Arm.from_bytes(data)",
        "class A:\n    def peek(self, s, k):\n        open_sealed(k, s.envelope, 32, b'')",
    ],
)
def test_a_planted_second_opener_is_found(tmp_path: Path, text: str) -> None:
    assert len(openers(product(planted(tmp_path, {_PLANTED: text})))) == 1


def test_a_planted_second_joiner_is_found(tmp_path: Path) -> None:
    text = "def peek(halves):\n    return join(halves.own, halves.kept)"
    assert joiners(product(planted(tmp_path, {_PLANTED: text}))) == {(_PLANTED, "peek")}


@pytest.mark.parametrize(
    "text",
    [
        _OPENS,
        "def peek(slot):\n    return getattr(slot, 'envelope')",
        "def peek(session):\n    return session.execute(select(Slot.envelope))",
        "def peek(session):\n    return session.execute(text('SELECT * FROM lit_slot'))",
        "def peek(s):\n    return contexts.envelope('s', 1, '', 1)",
    ],
)
def test_a_planted_touch_is_found(tmp_path: Path, text: str) -> None:
    assert stray_touches(product(planted(tmp_path, {_PLANTED: text}))) != []


@pytest.mark.parametrize(
    "text",
    [
        "def peek(act, room):\n    return open_envelope(act, room, None, 'p')",
        "def peek(act, room):\n    open_envelope(act, room, Warrant('s', 1, 'p', 'b', ''), 'p')",
        "def peek(act, room, warrant):\n    return open_envelope(act, room, warrant, 'p')",
        "def peek(act, h):\n    open_envelope(act, h, BreakWarrant('s', 1, 'p', 'b', '', ''), 'p')",
        "def peek(act):\n    f = open_envelope\n    return f(act)",
        "peek = partial(envelope.open_envelope, None)",
    ],
)
def test_a_planted_call_without_a_warrant_is_found(tmp_path: Path, text: str) -> None:
    assert unwarranted(product(planted(tmp_path, {_PLANTED: text}))) != []


def test_a_call_with_a_warrant_is_none(tmp_path: Path) -> None:
    text = (
        "def a(act, room, w: Warrant):\n    return open_envelope(act, room, w, 'p')\n"
        "def b(act, room):\n    w = commit_warrant(act, room, 'opened', 'b', 'r')\n"
        "    return open_envelope(act, room, w, 'p')\n"
    )
    assert unwarranted(product(planted(tmp_path, {_PLANTED: text}))) == []


def test_what_a_renewal_opens_leaves_no_function() -> None:
    """`slot_renewal` returns nothing from its one public function, and nobody else calls inside."""
    for source in product():
        for where, node in places(source.tree):
            named = isinstance(node, ast.ImportFrom) and node.module is not None
            if named and node.module.endswith("slot_renewal"):
                raise AssertionError(f"{source.path}: {where} imports a part of slot_renewal")
            if source.path == _SEALS_ANEW[0] and isinstance(node, ast.FunctionDef):
                public = not node.name.startswith("_")
                returned = [one for one in ast.walk(node) if isinstance(one, ast.Return)]
                assert not (public and returned), f"{node.name} hands something out"
