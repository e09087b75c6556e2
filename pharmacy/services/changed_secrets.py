"""Changing the pepper or the break key: from the one of before to the one of now, and its end.

`known_secret` has both while something is still sealed under the one before. Which settings are
given decides what a start does; a start never seals anything.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from pharmacy.domain.errors import Refusal
from pharmacy.persistence import known_secrets
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services.installation import wrong

_STILL_NEEDED = (
    "{setting} is still needed: something is sealed under it. See who is left with: python -m "
    "pharmacy secrets status"
)
_NOT_TWICE = (
    "{setting} was changed before and something is still sealed under the one of then; finish "
    "that first. See who is left with: python -m pharmacy secrets status"
)
# How much is still sealed under the secret of this fingerprint.
Left = Callable[[UnitOfWork, bytes], int]


class Step(Enum):
    """What a start has to do about one secret."""

    NOTHING = "it is the known one"
    KNOW = "none is known yet"
    CHANGE = "another is to take its place"
    DROP = "the one before is given no more, and nothing is under it"


@dataclass(frozen=True)
class Given:
    """One secret as the configuration gives it, by fingerprints; `before` is empty in between."""

    setting: str
    now: bytes
    before: bytes
    left: Left

    @property
    def setting_before(self) -> str:
        """The name of the setting for the one before."""
        return f"{self.setting}_BEFORE"


def step(uow: UnitOfWork, given: Given) -> Step:
    """What is to be done about a secret; a wrong one is a Refusal that says what to do."""
    known = known_secrets.fingerprint(uow.session, given.setting)
    former = known_secrets.fingerprint(uow.session, given.setting_before)
    if known is None:
        return Step.KNOW
    if hmac.compare_digest(known, given.now):
        if former is None or given.before:
            return Step.NOTHING
        if given.left(uow, former):
            raise Refusal(_STILL_NEEDED.format(setting=given.setting_before))
        return Step.DROP
    if not (given.before and hmac.compare_digest(known, given.before)):
        raise Refusal(wrong(given.setting))
    if former is not None and given.left(uow, former):
        raise Refusal(_NOT_TWICE.format(setting=given.setting))
    return Step.CHANGE


def change(uow: UnitOfWork, given: Given) -> None:
    """Know the secret of now, and the one before as such; the caller commits."""
    known_secrets.forget(uow.session, given.setting_before)
    known_secrets.change(uow.session, given.setting, given.now)
    known_secrets.keep(uow.session, given.setting_before, given.before)
    _record(uow, "secret_changed", given.setting)


def drop(uow: UnitOfWork, given: Given) -> None:
    """Forget the one before; the caller commits."""
    known_secrets.forget(uow.session, given.setting_before)
    _record(uow, "secret_dropped", given.setting_before)


def replace(uow: UnitOfWork, given: Given) -> None:
    """Know another secret although the former one is lost; the caller commits.

    What is sealed under the lost one stays closed. A secret that is known already is refused.
    """
    known = known_secrets.fingerprint(uow.session, given.setting)
    if known is None or hmac.compare_digest(known, given.now):
        raise Refusal(f"{given.setting} is not another one than before: nothing is to be replaced.")
    known_secrets.forget(uow.session, given.setting_before)
    known_secrets.change(uow.session, given.setting, given.now)
    _record(uow, "secret_replaced", given.setting)


def record_recovered(uow: UnitOfWork, settings: list[str]) -> None:
    """Write down that secrets were opened with a study's recovery sheets."""
    uow.record(
        INSTALLATION,
        "secrets_recovered",
        person_id=None,
        subject="installation",
        new={"settings": settings},
    )


def _record(uow: UnitOfWork, event: str, setting: str) -> None:
    uow.record(
        INSTALLATION, event, person_id=None, subject="installation", new={"setting": setting}
    )
