"""Wall 1's reader: every import of a tree of source, held against the table of rooms."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.architecture import import_rules as rules
from tests.architecture.source import NOT_PRODUCT, Source, chain_of, name_of, product

_OURS = frozenset({"config", "labels", "migrations", "pharmacy", "tests", "wsgi"})


@dataclass(frozen=True)
class Taken:
    """One import: the module, the name taken from it (empty for the module), the line."""

    module: str
    name: str
    bound: str
    line: int

    @property
    def whole(self) -> str:
        """Module and name, as if the name were a module."""
        return f"{self.module}.{self.name}" if self.name else self.module


def import_faults(root: Path) -> list[str]:
    """Every import below `root` that the table of rooms does not allow, one sentence each."""
    sources = product(root)
    handed = {source.module: _bindings(source) for source in sources}
    found = list(_strange_places(root, sources))
    for source in sources:
        room = room_of(source.module)
        if room not in rules.ROOMS:
            found.append(f"{source.path}: the room {room} is not in the table")
            continue
        found += [f"{source.path}:{line}: {said}" for line, said in _faults(source, room, handed)]
    return found


def room_of(module: str) -> str:
    """The room a module stands in: the first name, or the first two inside the package."""
    parts = module.split(".")
    return ".".join(parts[:2]) if parts[0] == "pharmacy" else parts[0]


def imports(source: Source) -> Iterator[Taken]:
    """Every import of a file, wherever it stands; relative ones made whole."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                yield Taken(alias.name, "", bound, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            module = _absolute(source, node)
            for alias in node.names:
                yield Taken(module, alias.name, alias.asname or alias.name, node.lineno)


def _absolute(source: Source, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    package = source.package.split(".")
    kept = package[: len(package) - node.level + 1]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _bindings(source: Source) -> dict[str, Taken]:
    return {taken.bound: taken for taken in imports(source)}


def _strange_places(root: Path, sources: tuple[Source, ...]) -> Iterator[str]:
    """Folders and modules of the top level, and folders of the package, without an entry."""
    for path in sorted(root.iterdir()):
        if path.name.startswith((".", "__")) or path.name in NOT_PRODUCT:
            continue
        if path.is_dir() and path.name != "pharmacy" and path.name not in rules.ROOMS:
            yield f"{path.name}/: the folder is not in the table"
    for path in sorted((root / "pharmacy").glob("*/")):
        inside = f"pharmacy/{path.name}"
        if path.name == "__pycache__" or not any(path.rglob("*")):
            continue
        if inside in rules.DATA_FOLDERS:
            yield from (
                f"{source.path}: a folder of data holds no code"
                for source in sources
                if source.path.startswith(f"{inside}/")
            )
        elif inside.replace("/", ".") not in rules.ROOMS:
            yield f"{inside}/: the folder is not in the table"


def _faults(
    source: Source, room: str, handed: dict[str, dict[str, Taken]]
) -> Iterator[tuple[int, str]]:
    for taken in imports(source):
        if taken.name == "*":
            yield taken.line, f"takes everything from {taken.module}; name what is taken"
        yield from ((taken.line, said) for said in _refused(source.module, room, taken))
        yield from ((taken.line, said) for said in _handed_on(source, room, taken, handed))
    yield from _forbidden_names(source)
    yield from _by_attribute(source, room, handed)
    if room == "pharmacy.domain":
        yield from _impure(source)


def _refused(module: str, room: str, taken: Taken) -> Iterator[str]:
    top = taken.module.partition(".")[0]
    if top in rules.NOWHERE_MODULES or taken.name in rules.NOWHERE_NAMES:
        yield f"{taken.whole} is known nowhere"
    elif top in _OURS:
        if not _may(room, taken.module) and not _may(room, taken.whole):
            yield f"{room} may not import {taken.whole}"
    elif top not in sys.stdlib_module_names and not _knows(module, room, top):
        yield f"{room} may not know the library {top}"


def _knows(module: str, room: str, library: str) -> bool:
    return library in rules.ROOMS[room].libraries or (module, library) in rules.KNOWS_BESIDES


def _may(room: str, module: str) -> bool:
    allowed = (*rules.ROOMS[room].may_import, *([room] if room != "pharmacy" else []))
    return any(module == name or module.startswith(f"{name}.") for name in allowed)


def _handed_on(
    source: Source, room: str, taken: Taken, handed: dict[str, dict[str, Taken]]
) -> Iterator[str]:
    """A name that another of our modules only imported itself counts as taken from its home."""
    origin = handed.get(taken.module, {}).get(taken.name)
    seen = set()
    while origin is not None and origin not in seen:
        seen.add(origin)
        for said in _refused(source.module, room, origin):
            yield f"{said} (through {taken.whole})"
        origin = handed.get(origin.module, {}).get(origin.name)


def _by_attribute(
    source: Source, room: str, handed: dict[str, dict[str, Taken]]
) -> Iterator[tuple[int, str]]:
    """The same through a dot: `module.name` where the module only imported the name."""
    bound = handed[source.module]
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute):
            continue
        chain = chain_of(node)
        first, _, rest = chain.partition(".")
        ours = first in bound and bound[first].module.partition(".")[0] == first == "pharmacy"
        if ours and not _may(room, chain):
            yield node.lineno, f"{room} may not reach {chain}"
        if first in bound and rest and "." not in rest:
            through = Taken(bound[first].whole, rest, rest, node.lineno)
            yield from ((node.lineno, said) for said in _handed_on(source, room, through, handed))


def _forbidden_names(source: Source) -> Iterator[tuple[int, str]]:
    injected = source.module not in rules.CLOCK_AND_CHANCE
    clocks = {
        t.bound for t in imports(source) if t.module.partition(".")[0] in ("datetime", "time")
    }
    for node in ast.walk(source.tree):
        if not isinstance(node, (ast.Name, ast.Attribute)):
            continue
        name, chain = name_of(node), chain_of(node)
        if name in rules.NOWHERE_NAMES or chain in rules.NOWHERE_CHAINS:
            yield node.lineno, f"{chain or name} is known nowhere"
        if injected and name in rules.CHANCE_NAMES:
            yield node.lineno, f"{name}: chance is handed in"
        clock = name in rules.CLOCK_NAMES and chain.partition(".")[0] in clocks
        if injected and clock:
            yield node.lineno, f"{chain}: the clock is handed in"


def _tells_time(taken: Taken) -> bool:
    return taken.module.partition(".")[0] in ("datetime", "time")


def _impure(source: Source) -> Iterator[tuple[int, str]]:
    for taken in imports(source):
        top = taken.module.partition(".")[0]
        if top not in _OURS and top not in rules.DOMAIN_MODULES:
            yield taken.line, f"the domain is pure and may not know {top}"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and name_of(node.func) in rules.DOMAIN_CALLS:
            yield node.lineno, f"the domain is pure and may not call {name_of(node.func)}()"
