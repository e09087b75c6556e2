"""From the empty sign-in form to the arm, on a real server with Argon2id as in production."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from time import perf_counter

from pharmacy.persistence.migrating import upgrade
from tests.support.breaking_way import walk
from tests.support.device import Device
from tests.support.lit_builders import open_study
from tests.support.real_cost import breaks_at_real_cost
from tests.support.real_server import RealServer
from tests.support.way import Way

_CODES = ("M-002", "M-008", "M-009")


def from_the_door_to_the_arm(folder: Path) -> None:
    """Print what the machine takes, beside a page that does nothing, and what the person takes."""
    folder.mkdir()
    url = f"sqlite:///{folder}/bench.db"
    upgrade(url)
    study = open_study(url, enrolled=_CODES, granted=("pharmacist", "pharmacist2"))
    breaks_at_real_cost(study)
    study.trial.units.close()
    with RealServer(study.trial, url, folder, real_cost=True) as server:
        passphrase = study.passphrases["investigator"]
        pairs = [_once(server.address, passphrase, code) for code in _CODES]
    way, floor_s = pairs[0][0], median(floor_s for _, floor_s in pairs)
    print(
        f"code break, from the empty sign-in form: "
        f"{median(one.machine_s for one, _ in pairs):.1f} s by the machine, "
        f"{median(one.machine_s / floor for one, floor in pairs):,.0f} times health page "
        f"({floor_s * 1000:.1f} ms); {way.said}, {way.person_s:.0f} s by a person"
    )


def _once(address: str, passphrase: str, code: str) -> tuple[Way, float]:
    phone = Device(address, "127.0.0.3")
    began = perf_counter()
    phone.get("/health")
    floor_s = perf_counter() - began
    way, answer = walk(phone, passphrase, code)
    if f"{code} receives " not in " ".join(answer.text.split()):
        raise SystemExit(f"the way ended with {answer.status}")
    return way, floor_s
