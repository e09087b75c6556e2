"""From the sign-in to the arm in less than a minute, on a phone (J1, K9).

gunicorn as `serve` runs it and Argon2id as in production.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.journeys.from_the_door_to_the_arm import walk
from tests.journeys.visitor import PHONE, Visitor
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.real_cost import breaks_at_real_cost
from tests.support.real_server import RealServer

# It takes about two seconds on an idle machine; the tests share theirs. The rest is the person's.
MACHINE_S, PERSON_S = 20, 48


@pytest.fixture
def study(sqlite_url: str) -> Iterator[LitStudy]:
    made = open_study(sqlite_url, enrolled=("M-008",), granted=("pharmacist", "pharmacist2"))
    breaks_at_real_cost(made)
    made.trial.units.close()
    yield made
    made.trial.engine.dispose()


@pytest.fixture
def phone(chromium: Browser, study: LitStudy, sqlite_url: str, tmp_path: Path) -> Iterator[Visitor]:
    with RealServer(study.trial, sqlite_url, tmp_path, real_cost=True) as server:
        visitor = Visitor(chromium, server.address, PHONE)
        yield visitor
        visitor.close()
        assert visitor.faults == []


def test_from_the_empty_form_to_the_arm_in_less_than_a_minute(
    phone: Visitor, study: LitStudy
) -> None:
    """J1, K9: what the machine takes leaves a person the time to type."""
    way = walk(phone, "investigator.test", PASSWORD, study.passphrases["investigator"], "M-008")
    assert phone.heading == "M-008 receives sodium chloride 0.9% (placebo)."
    assert (way.taps, way.fields) == (6, 3)
    assert way.machine_s < MACHINE_S
    assert way.person_s < PERSON_S
