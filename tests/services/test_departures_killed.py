"""Leaving, replacing and a place given in error, killed at any step (C3, D6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.departure_acts import ACTS
from tests.support.killing_grounds import need_whole, on_sqlite
from tests.support.nurse_acts import ReadyAct


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_killed_at_any_step_it_is_done_wholly_or_not_at_all(
    act: ReadyAct, sqlite_url: str, tmp_path: Path
) -> None:
    """Never a signature without its record, nor somebody who left by a report that is not there."""
    need_whole(*on_sqlite(act, sqlite_url, tmp_path), act.events)
