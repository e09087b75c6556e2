"""Wall 5: an arm does not become text on any way that the product has, and few reveal it (C1, E11).

What Python would do with an arm is in tests/unblinded/test_arm.py; here are the app's own ways.
"""

from __future__ import annotations

import ast
import io
import json
import logging
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask, jsonify, render_template_string, url_for

from pharmacy.domain.audit import canonical_bytes
from pharmacy.persistence.base import Base
from pharmacy.unblinded.arm import Arm
from tests.architecture.imports import imports
from tests.architecture.source import Source, name_of, places, planted, product
from tests.support.world import Clock, KeyedChance, build_app

CODES = ("ivig", "saline")


@pytest.fixture(scope="module")
def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The product's app, whose pages and JSON are asked to show an arm."""
    path = tmp_path_factory.mktemp("value") / "twinbag.db"
    path.write_bytes(request.getfixturevalue("sqlite_template").read_bytes())
    return build_app(f"sqlite:///{path}", path.parent, Clock(), KeyedChance())


def _logged(app: Flask, arm: Any) -> str:
    page = io.StringIO()
    handler = logging.StreamHandler(page)
    handler.handleError = lambda record: page.write(repr(record.args))  # type: ignore[method-assign]
    told = logging.getLogger("twinbag")
    told.addHandler(handler)
    try:
        told.error("arm %s", arm)
        told.error("arms %s", [arm])
        app.logger.addHandler(handler)
        app.logger.error("arm %r", arm)
    finally:
        told.removeHandler(handler)
        app.logger.removeHandler(handler)
    return page.getvalue()


def _stored(_app: Flask, arm: Any) -> str:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        site = sa.Table("site", sa.MetaData(), *(column._copy() for column in _TEXTS))
        site.create(connection)
        connection.execute(sa.insert(site).values({column.name: arm for column in _TEXTS}))
        return repr(connection.execute(sa.select(site)).fetchall())


_TEXTS = [c for c in Base.metadata.tables["scan"].columns if c.name in ("typed_reason", "stop")]


def _in_a_query(_app: Flask, arm: Any) -> str:
    query = sa.select(Base.metadata.tables["study"]).where(_TEXTS[0] == arm)
    return str(query.compile(compile_kwargs={"literal_binds": True}))


CHANNELS: dict[str, Callable[[Flask, Any], Any]] = {
    "a page": lambda _app, arm: render_template_string("{{ arm }}", arm=arm),
    "a page's list": lambda _app, arm: render_template_string("{{ arms }}", arms=[arm]),
    "a page's macro": lambda _app, arm: render_template_string(
        "{% import 'components.html' as ui with context %}{{ ui.tag(arm) }}", arm=arm
    ),
    "a page's attribute": lambda _app, arm: render_template_string(
        "<i data-x='{{ arm }}' {{ {'arm': arm}|xmlattr }}>", arm=arm
    ),
    "a page, joined": lambda _app, arm: render_template_string("{{ [arm]|join(',') }}", arm=arm),
    "a page, as JSON": lambda _app, arm: render_template_string("{{ arm|tojson }}", arm=arm),
    "a page, asked": lambda _app, arm: render_template_string("{{ arm.sealed or '' }}", arm=arm),
    "a page, compared with a word": lambda _app, arm: render_template_string(
        "{{ arm == 'ivig' }}{{ arm in ['ivig'] }}", arm=arm
    ),
    "a page, sorted": lambda _app, arm: render_template_string("{{ [arm, arm]|sort }}", arm=arm),
    "a JSON answer": lambda _app, arm: jsonify(arm=arm).get_data(),
    "the app's JSON": lambda app, arm: app.json.dumps({"arm": arm}),
    "plain JSON": lambda _app, arm: json.dumps([arm]),
    "an address": lambda _app, arm: url_for("home.page", arm=arm),
    "an answer's header": lambda app, arm: app.response_class(headers={"X-Arm": arm}).headers,
    "an answer's body": lambda app, arm: app.make_response(arm),
    "an audit entry": lambda _app, arm: canonical_bytes({"new": arm}),
    "an audit entry's list": lambda _app, arm: canonical_bytes({"new": {"arms": [arm]}}),
    "an audit entry's key": lambda _app, arm: canonical_bytes({"new": {arm: 1}}),
    "a log line": _logged,
    "a text column": _stored,
    "a query": _in_a_query,
    "pickle": lambda _app, arm: pickle.dumps(arm),
    "an error": lambda _app, arm: str(ValueError(arm)),
}


def telling_channels(app: Flask, make: Callable[[str], Any]) -> set[str]:
    """Channels whose outcome, a value or an error, names an arm or differs between two."""
    telling = set()
    with app.test_request_context("/"):
        for name, channel in CHANNELS.items():
            first, second = (_outcome(app, channel, make(code)) for code in CODES)
            if first != second or any(code in first + second for code in CODES):
                telling.add(name)
    return telling


def _outcome(app: Flask, channel: Callable[[Flask, Any], Any], value: Any) -> str:
    try:
        return repr(channel(app, value))
    except Exception as refused:
        return f"{type(refused).__name__}: {refused}".replace(hex(id(value)), "")


def test_no_way_of_the_app_tells_an_arm(app: Flask) -> None:
    assert telling_channels(app, Arm) == set()


class _Careless:
    """An arm as it might have been written without a thought."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __str__(self) -> str:
        return self.code


class _Shown(_Careless):
    def __repr__(self) -> str:
        return f"Arm({self.code})"


def test_a_planted_arm_that_is_a_word_tells_everywhere(app: Flask) -> None:
    quiet = {"a page, asked"}
    assert telling_channels(app, str) == set(CHANNELS) - quiet


def test_a_planted_careless_arm_is_found(app: Flask) -> None:
    shown = {"a page", "a page's macro", "a page, joined", "a log line", "an error", "an address"}
    assert shown <= telling_channels(app, _Careless)
    assert {"a page's list", "a log line"} <= telling_channels(app, _Shown)


_ARM_FILE = "pharmacy/unblinded/arm.py"

# Who turns an arm into its code, or a code into an arm, and what for.
REVEALS = {
    ("pharmacy/unblinded/bag_record.py", "Record.with_arm"): "into the bag's sealed record",
    ("pharmacy/unblinded/list_export.py", "_row"): "into the list of an unblinded study",
}
MAKES = {
    ("pharmacy/unblinded/bag_record.py", "Record.arm"): "out of the bag's sealed record",
    ("pharmacy/unblinded/envelope.py", "open_envelope"): "out of the envelope",
    ("pharmacy/unblinded/products_file.py", "_open_label"): "the arm everybody has, open label",
    ("pharmacy/unblinded/products_file.py", "_supply"): "from the products of both arms",
    ("pharmacy/unblinded/rules.py", "_arms"): "from the list rules, which name every arm",
}
# The one sealed field that holds the code, and the record that owns it.
CODE_FIELD = "arm_code"
CODE_OWNER = "pharmacy/unblinded/bag_record.py"


def strays(sources: tuple[Source, ...]) -> list[str]:
    """Places beside the allowed ones that reveal an arm, make one, or read a revealed code."""
    found = []
    for source in sources:
        if source.path == _ARM_FILE:
            continue
        blinded = not source.path.startswith("pharmacy/unblinded/")
        if blinded and any("unblinded.arm" in taken.whole for taken in imports(source)):
            found.append(f"{source.path}: knows the arm outside the lit room")
        for where, node in places(source.tree):
            here = (source.path, where)
            if isinstance(node, (ast.Name, ast.Attribute)):
                name = name_of(node)
                if name == "reveal" and here not in REVEALS:
                    found.append(f"{source.path}:{node.lineno}: {where} reveals an arm")
                if name == CODE_FIELD and source.path != CODE_OWNER:
                    found.append(f"{source.path}:{node.lineno}: {where} reads an arm's code")
                if name == "_Arm__sealed":
                    found.append(f"{source.path}:{node.lineno}: {where} reaches into an arm")
            if isinstance(node, ast.Call) and _makes_arm(node) and here not in MAKES:
                found.append(f"{source.path}:{node.lineno}: {where} makes an arm")
            if _names_code(node) and source.path != CODE_OWNER:
                found.append(f"{source.path}:{node.lineno}: {where} names an arm's code")
    return found


def _names_code(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value in (CODE_FIELD, "_Arm__sealed")


def _makes_arm(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Attribute) and call.func.attr == "from_bytes":
        return name_of(call.func.value) == "Arm"
    return name_of(call.func) == "Arm"


def test_few_places_reveal_or_make_an_arm() -> None:
    assert strays(product()) == []


def test_every_allowed_place_is_still_there() -> None:
    found = {
        (source.path, where)
        for source in product()
        for where, node in places(source.tree)
        if isinstance(node, (ast.Name, ast.Attribute))
        and name_of(node) in ("reveal", "Arm")
        and source.path != _ARM_FILE
    }
    assert set(REVEALS) | set(MAKES) <= found


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("pharmacy/web/a.py", "from pharmacy.unblinded.arm import Arm"),
        ("pharmacy/services/a.py", "def f():\n    from pharmacy.unblinded import arm"),
        ("pharmacy/demo/a.py", "import pharmacy.unblinded.arm"),
        ("pharmacy/unblinded/a.py", "def f(arm):\n    return reveal(arm)"),
        ("pharmacy/unblinded/a.py", "def f(arms):\n    return list(map(reveal, arms))"),
        ("pharmacy/unblinded/views/a.py", "from x import arm\nprint(arm.reveal(a))"),
        ("pharmacy/unblinded/a.py", "def f(record):\n    return record.arm_code"),
        ("pharmacy/unblinded/a.py", "def f(record):\n    return getattr(record, 'arm_code')"),
        ("pharmacy/unblinded/a.py", "def f(arm):\n    return arm._Arm__sealed"),
        ("pharmacy/unblinded/a.py", "def f():\n    return Arm('ivig')"),
    ],
)
def test_a_planted_place_is_found(tmp_path: Path, where: str, text: str) -> None:
    assert strays(product(planted(tmp_path, {where: text}))) != []
