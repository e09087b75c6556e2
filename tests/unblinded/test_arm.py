"""An arm does not become text by accident (wall 5 of the architecture; C1, E11)."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import logging
import sqlite3
import string
from collections.abc import Callable
from typing import Any

import pytest
from jinja2 import Environment

from pharmacy.unblinded.arm import ARM_SIZE, Arm, reveal

CODES = ("ivig", "saline")


def _logged(arm: Any) -> str:
    page = io.StringIO()
    log = logging.Logger("plain")
    handler = logging.StreamHandler(page)
    handler.handleError = lambda record: page.write(repr(record.args))
    log.addHandler(handler)
    log.warning("arm %s", arm)
    log.warning("arm %r", arm)
    return page.getvalue()


def _bound(arm: Any) -> str:
    with sqlite3.connect(":memory:") as connection:
        return str(connection.execute("select ?", (arm,)).fetchone())


CHANNELS: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "repr": repr,
    "ascii": ascii,
    "format": format,
    "f-string": lambda arm: f"{arm}",
    "f-string repr": lambda arm: f"{arm!r}",
    "format width": lambda arm: f"{arm:>20}",
    "percent": lambda arm: "%s" % arm,  # noqa: UP031
    "percent in a tuple": lambda arm: "%s" % ((arm,),),  # noqa: UP031
    "str.format": lambda arm: "{}".format(arm),  # noqa: UP032
    "template string": lambda arm: string.Template("$arm").substitute(arm=arm),
    "page": lambda arm: Environment().from_string("{{ arm }}").render(arm=arm),
    "page, listed": lambda arm: Environment().from_string("{{ arms }}").render(arms=[arm]),
    "page, tojson": lambda arm: Environment().from_string("{{ a|tojson }}").render(a=arm),
    "page, joined": lambda arm: Environment().from_string("{{ [a, a]|join }}").render(a=arm),
    "json": json.dumps,
    "json by str": lambda arm: json.dumps(arm, default=str),
    "json by repr": lambda arm: json.dumps(arm, default=repr),
    "json by vars": lambda arm: json.dumps(arm, default=vars),
    "bytes": bytes,
    "iteration": list,
    "int": int,
    "length": len,
    "truth": bool,
    "hash": hash,
    "vars": vars,
    "dir": dir,
    "state": lambda arm: arm.__getstate__(),
    "reduce": lambda arm: arm.__reduce__(),
    **{f"pickle {n}": lambda arm, n=n: arm.__reduce_ex__(n) for n in range(6)},
    "copy": lambda arm: repr(copy.copy(arm)),
    "deep copy": lambda arm: repr(copy.deepcopy(arm)),
    "log": _logged,
    "database text": _bound,
    "exception": lambda arm: repr(ValueError(arm)) + "".join(map(repr, ValueError(arm).args)),
    "size": lambda arm: arm.__sizeof__(),
    "dictionary key": lambda arm: {arm: 1},
    "set": lambda arm: {arm},
    "sorting": lambda arm: sorted([arm, arm]),
    "concatenation": lambda arm: "arm " + arm,
}


def telling_channels(make: Callable[[str], Any]) -> set[str]:
    """Channels whose outcome, value or error, differs between two arms or names one."""
    telling = set()
    for name, channel in CHANNELS.items():
        outcomes = [_outcome(channel, make(code)) for code in CODES]
        if outcomes[0] != outcomes[1] or any(c in o for c in CODES for o in outcomes):
            telling.add(name)
    return telling


def _outcome(channel: Callable[[Any], Any], value: Any) -> str:
    try:
        return repr(channel(value))
    except Exception as refused:
        return f"{type(refused).__name__}: {refused}"


def test_no_channel_tells_the_arm():
    assert telling_channels(Arm) == set()


class _Quiet:
    """What a careful class might forget one thing of."""

    __slots__ = ("code",)

    def __init__(self, code: str) -> None:
        self.code = code

    def __repr__(self) -> str:
        return "<arm>"


class _Repr(_Quiet):
    __slots__ = ()

    def __repr__(self) -> str:
        return f"<arm {self.code}>"


class _Format(_Quiet):
    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return self.code


class _Hash(_Quiet):
    __slots__ = ()

    def __hash__(self) -> int:
        return len(self.code)


class _Length(_Quiet):
    __slots__ = ()

    def __len__(self) -> int:
        return len(self.code)


class _Dict(_Quiet):
    """No slots of its own, so it has a __dict__ that everything reads."""

    def __init__(self, code: str) -> None:
        self.__dict__["arm"] = code


@pytest.mark.parametrize(
    ("planted", "channel"),
    [
        (_Repr, "repr"),
        (_Repr, "page"),
        (_Repr, "log"),
        (_Repr, "exception"),
        (_Repr, "deep copy"),
        (_Format, "f-string"),
        (_Hash, "hash"),
        (_Length, "length"),
        (_Dict, "vars"),
        (_Dict, "json by vars"),
        (_Quiet, "state"),
        (_Quiet, "pickle 2"),
        (str, "sorting"),
        (str, "database text"),
    ],
)
def test_a_class_that_tells_is_found(planted, channel):
    assert channel in telling_channels(planted)


def test_reveal_is_the_way_to_the_code():
    assert [reveal(Arm(code)) for code in CODES] == list(CODES)


def test_every_arm_has_the_same_size_for_sealing():
    assert {len(Arm(code).to_bytes()) for code in (*CODES, "a" * 31)} == {ARM_SIZE}
    assert Arm.from_bytes(Arm("saline").to_bytes()) == Arm("saline")


@pytest.mark.parametrize(
    "data", [b"", b"ivig", b"\0" * 32, b"ivig\0x".ljust(32, b"\0"), b"\xff" * 32, b"i" * 32]
)
def test_bytes_that_are_no_arm_are_refused_without_quoting_them(data):
    with pytest.raises(ValueError, match="an arm's code is 1 to 31 of a-z, 0-9 and _, and"):
        Arm.from_bytes(data)


@pytest.mark.parametrize("code", ["", "IVIG", "1", "a" * 32, "a b", "iv\n", None, 12])
def test_codes_are_short_plain_words(code):
    with pytest.raises(ValueError, match="an arm's code is"):
        Arm(code)


def test_arms_are_compared_with_arms_only():
    assert Arm("ivig") == Arm("ivig")
    assert Arm("ivig") != Arm("saline")
    assert Arm("ivig") != "ivig"
    assert Arm("ivig") != b"ivig"


def test_an_arm_does_not_change():
    arm = Arm("ivig")

    with pytest.raises(AttributeError):
        arm._Arm__sealed = Arm("saline").to_bytes()
    with pytest.raises(AttributeError):
        arm.note = "x"
    with pytest.raises(AttributeError):
        del arm._Arm__sealed
    with pytest.raises(TypeError, match="no subclasses"):
        type("Telling", (Arm,), {})


def test_a_record_that_holds_an_arm_does_not_tell_it():
    @dataclasses.dataclass(frozen=True)
    class Row:
        arm: Arm

    assert repr(Row(Arm("ivig"))) == repr(Row(Arm("saline"))).replace("saline", "")
    assert "ivig" not in str(dataclasses.asdict(Row(Arm("ivig"))))
    with pytest.raises(TypeError):
        json.dumps(dataclasses.asdict(Row(Arm("ivig"))))
