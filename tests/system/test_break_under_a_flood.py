"""A code is broken while strangers knock as fast as they can: it waits for none of them (keys.md).

gunicorn as `serve` runs it, Argon2id as in production, the embedded database with its one lock for
all writers.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pharmacy.cli.serve import SERVER
from pharmacy.services import shares
from pharmacy.unblinded.code_break import breaking
from tests.support.device import Device
from tests.support.lit_builders import LitStudy, open_study
from tests.support.real_cost import breaks_at_real_cost
from tests.support.real_server import RealServer

STRANGERS = 24
# Far above what it takes, and far below what waiting for the flood took.
LIMIT_S = 30


@pytest.fixture
def study(sqlite_url: str) -> Iterator[LitStudy]:
    made = open_study(sqlite_url, enrolled=("M-008",), granted=("pharmacist", "pharmacist2"))
    breaks_at_real_cost(made)
    made.trial.units.close()
    yield made
    made.trial.engine.dispose()


def test_the_break_is_answered_while_strangers_flood_the_door(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """keys.md: its own share of the key-derivation limit, from the sign-in on a known device."""
    with study.trial.look("investigator") as act:
        participant = breaking.choices(act)[0].id
    study.trial.units.close()
    with RealServer(study.trial, sqlite_url, tmp_path, real_cost=True) as server:
        phone = Device(server.address, "127.0.0.3")
        assert phone.sign_in("investigator").status == 303
        with flood(server.address) as answers:
            until = time.monotonic() + LIMIT_S
            while sum(answers) < STRANGERS:
                assert time.monotonic() < until
                time.sleep(0.05)
            began = time.monotonic()
            assert phone.sign_in("investigator").status == 303
            page = phone.get(f"/break/{study.study_id}?participant={participant}").text
            token = re.search(r'name="csrf_token" value="([0-9a-f]+)"', page)
            assert token is not None
            answer = phone.post(
                f"/break/{study.study_id}/{participant}",
                csrf_token=token[1],
                operation_id="break-under-a-flood-1",
                reason="treatment",
                said="",
                passphrase=study.passphrases["investigator"],
            )
            took_s = time.monotonic() - began
    assert answer.status == 200
    assert "M-008 receives" in " ".join(answer.text.split())
    assert took_s < LIMIT_S


class flood:
    """Strangers who try user names without end; yields how many answers each has had."""

    def __init__(self, address: str) -> None:
        self._address, self._over = address, threading.Event()
        self._answers = [0] * STRANGERS
        self._threads = [
            threading.Thread(target=self._knock, args=(number,), daemon=True)
            for number in range(STRANGERS)
        ]

    def __enter__(self) -> list[int]:
        for thread in self._threads:
            thread.start()
        return self._answers

    def __exit__(self, *_said: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _knock(self, number: int) -> None:
        stranger = Device(self._address, f"127.0.1.{number + 1}")
        while not self._over.is_set():
            stranger.sign_in(f"stranger{number}-{self._answers[number]}", "wrong wrong wrong")
            self._answers[number] += 1


def test_threads_are_left_for_the_break_however_full_the_other_shares_are() -> None:
    """Each share turns away whoever would hold one thread more."""
    threads = int(SERVER[SERVER.index("--threads") + 1])
    held = sum(one.inside for one in (shares.STRANGERS, shares.KNOWN_DEVICES, shares.SIGNED_IN))
    assert threads - held >= shares.BREAKING.inside
