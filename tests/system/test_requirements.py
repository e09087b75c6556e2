"""The pinned dependencies: exact, hashed, complete, and silent about where they came from."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]
_PINNED = re.compile(r"[a-z0-9][a-z0-9.-]*==[0-9][^ ;]*( ; [^\\]+)?( --hash=sha256:[0-9a-f]{64})+")
_FILES = ("requirements", "tests/requirements")


def _lines(text: str) -> list[str]:
    joined = re.sub(r" *\\\n *", " ", text)
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def _faults(text: str) -> list[str]:
    """The lines of a requirements file that are neither a hashed pin nor the wheels-only rule."""
    return [
        line
        for line in _lines(text)
        if line != "--only-binary :all:" and not _PINNED.fullmatch(line)
    ]


def _name(line: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=]", line)[0]).lower()


@pytest.mark.parametrize("name", _FILES)
def test_every_dependency_is_pinned_with_hashes(name: str) -> None:
    assert _faults((_ROOT / f"{name}.txt").read_text()) == []


@pytest.mark.parametrize(
    "planted",
    [
        "flask==3.1.3",
        "flask>=3 --hash=sha256:" + "0" * 64,
        "flask==3.1.3 --hash=sha256:abc",
        "flask @ https://host.example/flask.whl",
        "--index-url https://host.example/simple",
        "--extra-index-url https://host.example/simple",
        "--trusted-host host.example",
        "--find-links wheels",
    ],
)
def test_a_planted_line_is_a_fault(planted: str) -> None:
    text = (_ROOT / "requirements.txt").read_text() + planted + "\n"
    assert _faults(text) == [planted]


@pytest.mark.parametrize("name", _FILES)
def test_what_is_asked_for_is_what_is_pinned(name: str) -> None:
    asked = _lines((_ROOT / f"{name}.in").read_text())
    pinned = {
        _name(line): line.split(" ")[0].split("==")[1]
        for line in _lines((_ROOT / f"{name}.txt").read_text())
        if "==" in line
    }
    for line in asked:
        if line.startswith("-c "):
            continue
        assert "==" in line
        assert pinned[_name(line)] == line.split("==")[1]


def test_product_and_tests_pin_the_same_versions() -> None:
    product, tests = (
        dict(line.split(" ")[0].split("==") for line in _lines(text) if "==" in line)
        for text in ((_ROOT / f"{name}.txt").read_text() for name in _FILES)
    )
    both = product.keys() & tests.keys()
    assert {name: product[name] for name in both} == {name: tests[name] for name in both}
