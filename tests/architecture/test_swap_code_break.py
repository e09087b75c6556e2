"""The swap test sees what a broken code could give away: planted leaks of the step that breaks one.

Requirements B4, J6, J10.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from pharmacy.unblinded.arm import reveal
from pharmacy.unblinded.code_break import breaking
from tests.architecture.swap.plant import Plant
from tests.architecture.swap.runs import found_by_the_swap
from tests.architecture.swap.script import Journey


def _known(patch: pytest.MonkeyPatch, then: Callable[[str], None]) -> None:
    opener = breaking._opened

    def leaking(*given: Any) -> Any:
        arm = opener(*given)
        then(reveal(arm))
        return arm

    patch.setattr(breaking, "_opened", leaking)


def _a_log_line(patch: pytest.MonkeyPatch, _journey: Journey) -> None:
    """A line that names the arm that was opened."""
    _known(patch, lambda arm: logging.getLogger("twinbag").info("code broken arm=%s", arm))


def _a_notice(patch: pytest.MonkeyPatch, journey: Journey) -> None:
    """A notice that sounds otherwise for one arm."""
    told = breaking.notices.code_broken

    def note(arm: str) -> None:
        journey.planted["ivig"] = int(arm == "ivig")

    def leaking(act: Any, form: str, *, again: bool) -> None:
        told(act, form, again=bool(journey.planted["ivig"]))

    _known(patch, note)
    patch.setattr(breaking.notices, "code_broken", leaking)


PLANTS = (
    Plant("the arm in a log line", "read_books", "break_code / log", _a_log_line),
    Plant("a notice by the arm", "read_books", "GET notices.listed", _a_notice),
)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.name)
def test_a_planted_leak_of_the_code_break_is_found(
    plant: Plant, new_sqlite_url: Callable[[], str]
) -> None:
    """It is found, and there where it shows."""
    found = found_by_the_swap(plant, new_sqlite_url)
    assert plant.where in found, f"not found: {plant.name}: {found}"
