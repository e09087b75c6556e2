"""Wall 1's reader of pages: which templates and routes a template, or a view, names."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from tests.architecture.imports import room_of
from tests.architecture.source import Source, name_of, product

WEB = Path("pharmacy/web/templates")
LIT = Path("pharmacy/unblinded/templates")
_NAMES_TEMPLATES = (nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)
_STATIC = Path("pharmacy/web/static")


def template_faults(root: Path) -> list[str]:
    """Every template or route named below `root` from a side that must not know it."""
    sources = product(root)
    routes = _blueprints(sources)
    web, lit = _files(root, WEB), _files(root, LIT)
    found = [f"{name}: both sides have a template of this name" for name in sorted(web & lit)]
    for folder, names in ((WEB, web), (LIT, lit)):
        for name in sorted(names):
            path = folder / name
            said = _page_faults((root / path).read_text(encoding="utf-8"), folder, web, lit, routes)
            found += [f"{path}:{line}: {sentence}" for line, sentence in said]
    for source in sources:
        room = room_of(source.module)
        if room in ("pharmacy.web", "pharmacy.unblinded"):
            folder = WEB if room == "pharmacy.web" else LIT
            said = _view_faults(source.tree, folder, web, lit, routes)
            found += [f"{source.path}:{line}: {sentence}" for line, sentence in said]
    return [*found, *_paths_in_static(root)]


def _files(root: Path, folder: Path) -> set[str]:
    return {
        path.relative_to(root / folder).as_posix()
        for path in (root / folder).rglob("*")
        if path.is_file()
    }


def _blueprints(sources: tuple[Source, ...]) -> dict[str, str]:
    """The room of each blueprint, by the blueprint's name."""
    rooms = {}
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and name_of(node.func) == "Blueprint" and node.args:
                rooms[_text(node.args[0]) or "?"] = room_of(source.module)
    return rooms


def _page_faults(
    text: str, side: Path, web: set[str], lit: set[str], routes: dict[str, str]
) -> Iterator[tuple[int, str]]:
    tree = Environment(autoescape=True, extensions=["jinja2.ext.do"]).parse(text)
    for node in tree.find_all(_NAMES_TEMPLATES):
        for name in _names(node.template):
            yield from ((node.lineno, said) for said in _template(name, side, web, lit))
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "url_for":
            first = call.args[0] if call.args else None
            endpoint = first.value if isinstance(first, nodes.Const) else None
            yield from ((call.lineno, said) for said in _route(endpoint, side, routes))
    if side == WEB and "/lit" in text:
        yield 1, "a blinded page names a path of the lit room"


def _names(node: nodes.Expr) -> list[str | None]:
    """The templates an expression names; None for one that is only known when it runs."""
    if isinstance(node, nodes.Const):
        return list(node.value) if isinstance(node.value, (list, tuple)) else [node.value]
    if isinstance(node, (nodes.List, nodes.Tuple)):
        return [name for part in node.items for name in _names(part)]
    return [None]


def _template(name: str | None, side: Path, web: set[str], lit: set[str]) -> Iterator[str]:
    if name is None:
        yield "a template is named by a word in quotes, so that it can be read here"
    elif name in lit - web and side == WEB:
        yield f"a blinded page names the lit room's template {name}"
    elif name in web and side == LIT and "/" in name:
        yield f"the lit room shares the frame and the macros, not the blinded page {name}"
    elif name not in web | lit:
        yield f"there is no template {name}"


def _route(endpoint: str | None, side: Path, routes: dict[str, str]) -> Iterator[str]:
    if endpoint is None:
        if side == WEB:
            yield "a route is named by a word in quotes, so that it can be read here"
        return
    blueprint, dot, _ = endpoint.partition(".")
    if endpoint == "static":
        return
    if not dot or blueprint not in routes:
        yield f"there is no blueprint of the route {endpoint}"
    elif side == WEB and routes[blueprint] == "pharmacy.unblinded":
        yield f"a blinded page names the lit room's route {endpoint}"


def _view_faults(
    tree: ast.AST, side: Path, web: set[str], lit: set[str], routes: dict[str, str]
) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and side == WEB and "/lit" in str(node.value):
            yield node.lineno, "the blinded side names a path of the lit room"
        if not isinstance(node, ast.Call) or not node.args:
            continue
        first = _text(node.args[0])
        if name_of(node.func) == "render_template" and first is not None:
            yield from ((node.lineno, said) for said in _template(first, side, web, lit))
        if name_of(node.func) == "url_for" and first is not None:
            yield from ((node.lineno, said) for said in _route(first, side, routes))


def _paths_in_static(root: Path) -> Iterator[str]:
    for path in sorted((root / _STATIC).rglob("*")):
        if path.suffix in (".js", ".css", ".html") and "/lit" in path.read_text(encoding="utf-8"):
            yield f"{path.relative_to(root)}: the blinded side names a path of the lit room"


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None
