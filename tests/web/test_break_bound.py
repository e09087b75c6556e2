"""Trigger and bound of a broken code: who breaks it sees one arm, everybody else sees none (B4).

Each world is a list of its own with the same people and the same clock. Compared byte for byte are
the breaker's pages with the answer, and all that others can reach afterwards, database and pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pharmacy.unblinded.arm import reveal
from pharmacy.unblinded.code_break import breaking
from pharmacy.unblinded.code_break.breaking import Answer
from tests.architecture.swap.at_rest import dump
from tests.support.lit_builders import Browser, LitStudy, open_study
from tests.support.world import build_app
from tests.web.break_pages import door, filled

BROKEN = "M-008"  # in the second place
FIRST = "211221122112"
SAME_ARM = ("211212211221", "112221121221")
OTHER_ARM = "122112212112"
PAGES = ("trail", "trail.csv", "notices", "participants", "deliveries")


@dataclass(frozen=True)
class Seen:
    """One world: what the breaker was shown in order, and what anybody else finds afterwards."""

    breaker: list[bytes]
    others: list[bytes]


@pytest.fixture
def seen(new_sqlite_url: Callable[[], str], tmp_path: Path) -> Callable[[str], Seen]:
    """Make a world with these arms, break the code of its second place twice, and look."""
    return lambda arms: _world(new_sqlite_url(), tmp_path, arms)


def _world(url: str, folder: Path, arms: str) -> Seen:
    study = open_study(url, arms=arms, enrolled=("M-002", BROKEN, "M-009"))
    study.enrol_breaker()
    app = build_app(url, folder, study.trial.clock, study.trial.chance)
    breaker: Browser = study.browser(app, "investigator")
    participant = door(study, BROKEN).rpartition("/")[2]
    shown = [breaker.get(door(study)), breaker.get(f"{door(study)}?participant={participant}")]
    shown += [breaker.post(door(study, BROKEN), **filled(study)) for _ in range(2)]
    shown += [breaker.get(door(study)), breaker.get(f"/study/{study.study_id}/participants")]
    others = _others(study, app, participant)
    app.extensions["twinbag"].units.close()
    study.trial.engine.dispose()
    return Seen([_bytes(one) for one in shown], others)


def _others(study: LitStudy, app: Any, participant: str) -> list[bytes]:
    found = []
    for who in ("coordinator", "monitor", "nurse", "pharmacist"):
        reader = study.browser(app, who)
        for page in (*PAGES, f"participants/{participant}"):
            found.append(_bytes(reader.get(f"/study/{study.study_id}/{page}")))
    return [*found, *(f"{table}\n{rows}".encode() for table, rows in dump(study.trial.engine))]


def _bytes(answer: Any) -> bytes:
    return repr((answer.status_code, answer.headers.to_wsgi_list())).encode() + answer.data


def test_the_breaker_sees_one_arm_and_the_rest_of_the_list_could_be_any(
    seen: Callable[[str], Seen],
) -> None:
    """B4: lists that agree in the broken place alone are one to the breaker, and to all others."""
    first = seen(FIRST)
    assert any(b"immune globulin" in page for page in first.breaker)
    assert all(FIRST[1] == arms[1] for arms in SAME_ARM)
    assert [seen(arms) for arms in SAME_ARM] == [first, first]


def test_everybody_else_sees_that_a_code_was_broken_and_not_which_arm(
    seen: Callable[[str], Seen],
) -> None:
    """B4: with the other arm in the broken place only the breaker's two answers differ."""
    first, other = seen(FIRST), seen(OTHER_ARM)
    same = [a == b for a, b in zip(first.breaker, other.breaker, strict=True)]
    assert same == [True, True, False, False, True, True]
    assert first.others == other.others
    assert any(b"code_break_shown" in each for each in first.others)


def test_control_an_answer_that_tells_of_the_next_place_is_found(
    seen: Callable[[str], Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plant of the bound: what is told follows another place's arm, by one full stop."""
    real = breaking._answer
    next_arm: list[str] = []

    def leaking(*said: Any) -> Answer:
        answer = real(*said)
        return replace(answer, words=answer.words + "." * (next_arm[0] == "1"))

    monkeypatch.setattr(breaking, "_answer", leaking)
    worlds = []
    for arms in (FIRST, SAME_ARM[1]):
        next_arm[:] = arms[2]
        worlds.append(seen(arms))
    assert worlds[0].breaker != worlds[1].breaker


def test_control_an_entry_that_names_the_arm_is_found(
    seen: Callable[[str], Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plant of the trigger (`breakaudit`): the blinded entry of a break says what was told."""
    opened, showing = breaking._opened, breaking._show
    arm: list[str] = []

    def opening(*said: Any) -> Any:
        found = opened(*said)
        arm[:] = [reveal(found)]
        return found

    def leaking(act: Any, participant: Any, asked: Any, again: bool) -> None:
        showing(act, participant, replace(asked, reason=f"{asked.reason} {arm[0]}"), again)

    monkeypatch.setattr(breaking, "_opened", opening)
    monkeypatch.setattr(breaking, "_show", leaking)
    assert seen(FIRST).others != seen(OTHER_ARM).others
