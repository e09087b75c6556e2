"""From the sign-in to the arm in less than a minute: every page of the way, and Argon2id (J1, K9).

gunicorn as `serve` runs it. Each page is reached by what stands on the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.breaking_way import walk
from tests.support.browsing import words
from tests.support.device import Device
from tests.support.lit_builders import LitStudy, open_study
from tests.support.real_cost import breaks_at_real_cost
from tests.support.real_server import RealServer
from tests.support.way import Way

# It takes two seconds on an idle machine. The tests share theirs, so the best of three counts.
MACHINE_S, PERSON_S = 12, 48
CODES = ("M-002", "M-008", "M-009")
GUIDE = Path(__file__).parents[2] / "docs/guide/investigator.md"


@pytest.fixture
def study(sqlite_url: str) -> Iterator[LitStudy]:
    made = open_study(sqlite_url, enrolled=CODES, granted=("pharmacist", "pharmacist2"))
    breaks_at_real_cost(made)
    made.trial.units.close()
    yield made
    made.trial.engine.dispose()


def test_from_the_empty_form_to_the_arm_in_less_than_a_minute(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """J1, K9: what the machine takes leaves a person the time to type, on a phone."""
    with RealServer(study.trial, sqlite_url, tmp_path, real_cost=True) as server:
        passphrase = study.passphrases["investigator"]
        ways = [walk(Device(server.address, "127.0.0.3"), passphrase, code) for code in CODES]
    for code, (way, answer) in zip(CODES, ways, strict=True):
        assert f"{code} receives " in words(answer.text)
        assert (way.taps, way.fields) == (6, 3)
        assert way.person_s < PERSON_S
    assert min(way.machine_s for way, _ in ways) < MACHINE_S


def test_the_guide_says_as_many_taps_and_fields_as_there_are() -> None:
    """A step more on the way changes what the investigator is told."""
    assert Way(taps=6, fields=3).said in GUIDE.read_text()
