"""The signature with which a study goes live, killed at any step (E21, D6)."""

from __future__ import annotations

from pathlib import Path

from pharmacy.services import going_live
from tests.support.builders import PASSWORD
from tests.support.killing_grounds import filled_on, need_whole
from tests.support.live_study import known_facts, prepared
from tests.support.nurse_acts import Sending


def test_a_study_is_live_with_both_signatures_or_not_at_all(
    sqlite_url: str, tmp_path: Path
) -> None:
    """The second side's signature and the going live are one: never the one without the other."""
    both = prepared(sqlite_url)
    both.sign("investigator")
    trial = both.live.trial
    with both.act("pharmacist") as act:
        read = going_live.page(act, known_facts).fingerprint
        act.record("page_read_by_test", f"study:{trial.study_id}")
    page = f"/study/{trial.study_id}/going-live"
    sending = Sending(page, page, {"fingerprint": read, "password": PASSWORD})
    ground, form = filled_on(trial, sqlite_url, tmp_path, "pharmacist", sending, second_factor=True)
    need_whole(ground, form, ("going_live_signed", going_live.WENT_LIVE))
