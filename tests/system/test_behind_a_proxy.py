"""Behind the TLS proxy everybody comes from one address; nobody's misses keep another one out (G6).

gunicorn as `serve` runs it, behind a proxy that names the sender as nginx does. The server's
clock stands still: a wait never ends by itself here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support import proxy
from tests.support.builders import Trial, make_trial
from tests.support.device import Device
from tests.support.real_server import RealServer

STRANGER, NURSE = "127.0.0.2", "127.0.0.3"
WRONG = "wrong wrong wrong"
Door = Callable[..., Device]


@pytest.fixture(scope="module")
def installation(
    sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Trial, str, Path]]:
    """One trial for the whole file: each test has an account of its own to guess at."""
    folder = tmp_path_factory.mktemp("behind a proxy")
    shutil.copyfile(sqlite_template, folder / "twinbag.db")
    url = f"sqlite:///{folder / 'twinbag.db'}"
    made = make_trial(url)
    made.units.close()
    yield made, url, folder
    made.engine.dispose()


@pytest.fixture(scope="module")
def door(installation: tuple[Trial, str, Path]) -> Iterator[Door]:
    """Devices of this installation, from an address each, all through one proxy."""
    with (
        RealServer(*installation, behind_proxy=True) as server,
        proxy.before(server.address) as address,
    ):
        yield lambda sender, **headers: Device(address, sender, headers)


def misses(device: Device, name: str) -> None:
    """So many that the next try has to wait."""
    for _ in range(5):
        assert device.sign_in(name, WRONG).status == 400
    assert waits(device, name)


def waits(device: Device, name: str) -> bool:
    """Whether even the right password has to wait at this device."""
    answer = device.sign_in(name)
    assert answer.status in (303, 400)
    return answer.status == 400 and "Wait" in answer.text


def test_a_strangers_misses_keep_nobody_else_out(door: Door) -> None:
    """keys.md: never a lock-out, and not behind a proxy either."""
    misses(door(STRANGER), "nurse")
    assert not waits(door(NURSE), "nurse")
    assert waits(door(STRANGER), "nurse")


def test_what_a_sender_says_of_itself_counts_for_nothing(door: Door) -> None:
    """A forged X-Forwarded-For neither frees the guesser nor makes somebody else wait."""
    misses(door(STRANGER), "checker")
    for forged in ("203.0.113.7", NURSE, "203.0.113.7, 198.51.100.1", "unknown", ""):
        named = {"X-Forwarded-For": forged, "X-Real-IP": NURSE, "Forwarded": f"for={NURSE}"}
        assert waits(door(STRANGER, **named), "checker"), forged
    misses(door(STRANGER, **{"X-Forwarded-For": NURSE}), "coordinator")
    assert not waits(door(NURSE), "coordinator")


def test_a_known_device_waits_for_nobody_behind_its_own_address(door: Door) -> None:
    """A carrier's network, or a hospital's, has one address for many: a device that its person
    signed in with before has a count of its own.
    """
    phone, stranger = door(NURSE), door(NURSE)
    assert phone.sign_in("investigator").status == 303
    misses(stranger, "investigator")
    assert not waits(phone, "investigator")
    phone.forget()
    assert waits(phone, "investigator")


def test_a_known_device_is_known_for_its_person_alone(door: Door) -> None:
    """Somebody who once signed in has no second count for another account."""
    other = door(STRANGER)
    assert other.sign_in("monitor").status == 303
    misses(other, "pharmacist")
    other.forget()
    assert waits(other, "pharmacist")


def test_without_the_setting_everybody_is_one_address(
    installation: tuple[Trial, str, Path],
) -> None:
    """The control: the proxy really hides who sends, and only the setting makes it known."""
    with RealServer(*installation) as server, proxy.before(server.address) as address:
        misses(Device(address, STRANGER), "nurse2")
        assert waits(Device(address, NURSE), "nurse2")
