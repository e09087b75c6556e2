"""What tests of the second factor do again and again."""

from __future__ import annotations

from pharmacy.persistence import audit, sign_ins
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.services import (
    authenticator_reset,
    sign_in,
)
from pharmacy.services.act import Act
from pharmacy.services.sign_in import Door
from tests.support.builders import PASSWORD, Trial
from tests.support.world import make_surroundings

WRONG = "wrong wrong wrong"
ADDRESS = "192.0.2.1"
LOST = authenticator_reset.REASONS[0]


def events(trial: Trial) -> list[str]:
    """What the installation's trail says, newest first."""
    with trial.units.reading() as uow:
        return [entry.event for entry in audit.entries(uow.session, INSTALLATION, most=8)]


def other_than(code: str) -> str:
    return f"{(int(code) + 500_000) % 1_000_000:06d}"


def session_of(trial: Trial, act: Act, token: str) -> sign_ins.SignInSession:
    row = sign_in.open_session(act.uow, token, idle_counts=True)
    assert row is not None
    return row


def by_link(trial: Trial, token: str, password: str = PASSWORD) -> Door:
    around = make_surroundings(trial.clock, trial.chance)
    with trial.units.acting() as uow:
        door = authenticator_reset.enter(uow, around, token, password, ADDRESS)
        uow.commit()
    return door
