"""The product's source as the walls read it: files, module names, syntax trees, findings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Folders of the top level that are no product code.
NOT_PRODUCT = frozenset({"tests", "docs", "instance", "build"})


@dataclass(frozen=True)
class Source:
    """One Python file: where it is, what it is called as a module, and its syntax tree."""

    path: str
    module: str
    is_package: bool
    tree: ast.Module

    @property
    def package(self) -> str:
        """What one dot means in a relative import here."""
        return self.module if self.is_package else self.module.rpartition(".")[0]


def product_paths(root: Path) -> Iterator[Path]:
    """Every file below `root` that belongs to the product, relative to it, in order."""
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if path.is_file() and not hidden and parts[0] not in NOT_PRODUCT:
            yield path.relative_to(root)


def product(root: Path = ROOT) -> tuple[Source, ...]:
    """Every Python file of the product."""
    return _product(root)


@cache
def _product(root: Path) -> tuple[Source, ...]:
    return tuple(_read(root, path) for path in product_paths(root) if path.suffix == ".py")


def _read(root: Path, path: Path) -> Source:
    parts = path.with_suffix("").parts
    is_package = parts[-1] == "__init__"
    module = ".".join(parts[:-1] if is_package else parts)
    tree = ast.parse((root / path).read_text(encoding="utf-8"), str(path))
    return Source(path.as_posix(), module, is_package, tree)


def planted(root: Path, files: dict[str, str]) -> Path:
    """Write planted files below `root`, a folder of the test's own, and return it."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def places(tree: ast.AST, where: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Every node below `tree` with the dotted name of the function or class it stands in."""
    for node in ast.iter_child_nodes(tree):
        yield where or "<module>", node
        named = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        yield from places(node, f"{where}.{node.name}".lstrip(".") if named else where)


def name_of(node: ast.AST) -> str:
    """The last word of a name or an attribute; empty for anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def chain_of(node: ast.AST) -> str:
    """`a.b.c` as it is written; empty when it does not begin with a plain name."""
    if isinstance(node, ast.Attribute):
        front = chain_of(node.value)
        return f"{front}.{node.attr}" if front else ""
    return node.id if isinstance(node, ast.Name) else ""
