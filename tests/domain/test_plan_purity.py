"""Read from the source: no float in the dose arithmetic, and no arm in the call graph of a plan.

B6: volume = f(weight, dose, concentration, rounding), with no arm parameter in the call graph.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.domain.protocols import ROOT

DOMAIN = ROOT / "pharmacy" / "domain"
ARM = re.compile(r"(^|_)arms?(_|$)", re.IGNORECASE)
DOSE_FILES = (
    "admitted",
    "quantities",
    "dosing",
    "dosing_weight",
    "weight_limits",
    "dose_plan",
    "dose_arithmetic",
    "history",
    "ladder_text",
    "rate_words",
    "rates",
    "splitting",
    "time_limits",
    "schedule",
    "site_time",
    "protocol",
    "protocol_fields",
    "protocol_parts",
    "protocol_rules",
    "protocol_wording",
)


def dose_sources() -> dict[str, str]:
    return {name: (DOMAIN / f"{name}.py").read_text(encoding="utf-8") for name in DOSE_FILES}


def float_uses(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
            yield f"line {node.lineno}: {node.value}"
        if isinstance(node, ast.Name) and node.id in ("float", "complex", "round"):
            yield f"line {node.lineno}: {node.id}"
        if isinstance(node, ast.Attribute) and node.attr in ("from_float", "total_seconds"):
            yield f"line {node.lineno}: {node.attr}"
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
            # Of two integers it would make a float; divisions are named (EXACT, QUOTIENT).
            yield f"line {node.lineno}: /"
        if isinstance(node, (ast.Import, ast.ImportFrom)) and "math" in ast.unparse(node):
            yield f"line {node.lineno}: math"


def test_no_float_in_the_dose_arithmetic() -> None:
    """D1."""
    found = {name: list(float_uses(source)) for name, source in dose_sources().items()}
    assert {name: uses for name, uses in found.items() if uses} == {}


@pytest.mark.parametrize(
    "plant", ["x = 0.1", "x = float('1')", "x = a / b", "x = round(y)", "import math"]
)
def test_a_planted_float_is_found(plant: str) -> None:
    assert list(float_uses(plant))


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(sources: dict[str, str]) -> dict[str, list[tuple[str, Function]]]:
    """Every function and method by its bare name, and a class's methods by the class's name too."""
    found: dict[str, list[tuple[str, Function]]] = {}
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.setdefault(node.name, []).append((module, node))
            if isinstance(node, ast.ClassDef):
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef):
                        found.setdefault(node.name, []).append((module, inner))
    return found


def call_graph(sources: dict[str, str], start: str) -> list[tuple[str, Function]]:
    """All functions that may run under `start`: every name it mentions, followed to the end."""
    known = functions(sources)
    reached: list[tuple[str, Function]] = []
    waiting, seen = [start], {start}
    while waiting:
        for module, function in known.get(waiting.pop(), []):
            reached.append((module, function))
            for node in ast.walk(function):
                name = getattr(node, "id", None) or getattr(node, "attr", None)
                if isinstance(name, str) and name not in seen:
                    seen.add(name)
                    waiting.append(name)
    return reached


def arms_in(sources: dict[str, str], start: str = "plan") -> list[str]:
    """Every parameter, name, attribute or text in the call graph that speaks of an arm."""
    found = []
    for module, function in call_graph(sources, start):
        for node in ast.walk(function):
            word = (
                node.arg
                if isinstance(node, (ast.arg, ast.keyword))
                else getattr(node, "id", None) or getattr(node, "attr", None)
            )
            if isinstance(word, str) and ARM.search(word):
                found.append(f"{module}.{function.name}: {word}")
    return found


def test_no_arm_in_the_call_graph_of_a_plan() -> None:
    """B6."""
    sources = dose_sources()
    reached = {f"{module}.{function.name}" for module, function in call_graph(sources, "plan")}
    for expected in (
        "dosing.plan_course",
        "splitting.split_into_bags",
        "rates.ceiling",
        "rates.infusion_minutes",
        "history.is_first_infusion",
        "dosing_weight.dosing_weight",
        "dose_arithmetic.arithmetic_lines",
    ):
        assert expected in reached
    assert arms_in(sources) == []


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("dosing", "at_risk: bool,\n    history", "at_risk: bool,\n    arm: str,\n    history"),
        ("splitting", "def course_grams(dose: DoseRule,", "def course_grams(arm, dose: DoseRule,"),
        ("splitting", "def split_into_bags(day_g: Decimal,", "def split_into_bags(the_arm, day_g,"),
        ("history", "judged = [history.courses]", "judged = [history.courses, protocol.arms]"),
        ("rates", "found.append(Ceiling(", "found.append(Ceiling(arm=1) or Ceiling("),
    ],
)
def test_a_planted_arm_is_found(module: str, old: str, new: str) -> None:
    sources = dose_sources()
    assert old in sources[module]
    sources[module] = sources[module].replace(old, new, 1)
    assert any(entry.startswith(f"{module}.") for entry in arms_in(sources))


def test_the_dose_files_know_no_clock_chance_or_disk() -> None:
    """The domain is pure: decisions on facts that are handed to it."""
    forbidden = re.compile(
        r"\b(import (os|random|secrets|io|sys|pathlib)|from (os|random|secrets|pathlib) import"
        r"|datetime\.now|date\.today|utcnow|open\()"
    )
    for name, source in dose_sources().items():
        assert not forbidden.search(source), name
    assert forbidden.search("from datetime import date\nx = date.today()")


def test_every_dose_file_is_read() -> None:
    """A new file that the plan imports must join the list above."""
    imported: set[str] = set()
    for source in dose_sources().values():
        imported |= set(re.findall(r"from pharmacy\.domain\.(\w+) import", source))
    assert imported - set(DOSE_FILES) == {"errors"}
    assert all(Path(DOMAIN / f"{name}.py").is_file() for name in DOSE_FILES)
