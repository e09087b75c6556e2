"""What is signed before a study goes live, and its data lock, killed at any step (E21, J11, D6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.killing_grounds import need_whole, on_sqlite
from tests.support.nurse_acts import ReadyAct
from tests.support.standing_acts import ACTS


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_killed_at_any_step_it_is_done_wholly_or_not_at_all(
    act: ReadyAct, sqlite_url: str, tmp_path: Path
) -> None:
    """Never a signature without what it signs, nor a gate or a stage opened by half an act."""
    need_whole(*on_sqlite(act, sqlite_url, tmp_path), act.events)
