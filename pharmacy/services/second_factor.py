"""The second factor: codes of an authenticator, passkeys, and recovery codes for a bad day.

A code is accepted once: its time step must be newer than the last one, and the newer step takes
the place of the sealed one only while that still stands. A passkey (`passkey_proof`) is another
way to the same `Shown`: what asks for the second factor does not know by what it was shown.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import authenticators, bags, passkeys
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.authenticators import Authenticator
from pharmacy.persistence.people import Person
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services.act import Act
from pharmacy.services.surroundings import Surroundings

_UTC = ZoneInfo("UTC")
SECRET_BYTES = 20
_READ_AS = str.maketrans("ILO", "110", "- \t")
SEALED_SECRET, _SEALED_STEP = "authenticator secret", "authenticator step"
SEALED_COUNTER = "passkey counter"
COUNTER_WENT_BACK = "passkey_counter_went_back"
_SALT_BYTES = 32
# Opened where there is nothing to open, so that the answer takes as long.
_NOTHING = b"\x01" + bytes(authenticators.SEALED_LENGTH - 1)


@dataclass(frozen=True)
class Shown:
    """A second factor as it was shown: whether one is asked of this person, and what would be
    used up by accepting it. Nothing is used up yet.

    `went_back` names a passkey that proved itself and whose counter did not go on: a copy of it
    may be about, and it is not accepted.
    """

    asked: bool
    person_id: str = ""
    before: bytes = b""
    step: int | None = None
    recovery_id: str = ""
    passkey_id: str = ""
    counter: int = 0
    went_back: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is this person's, and as far as one can see not used before."""
        return self.step is not None or bool(self.recovery_id or self.passkey_id)


@dataclass(frozen=True)
class Words:
    """What one's own account page says of the authenticator, and of what can be done."""

    state: str
    act: str


def look(
    uow: UnitOfWork,
    surroundings: Surroundings,
    person: Person | None,
    code: str,
    *,
    recovery: bool = True,
) -> Shown:
    """Judge what was typed as the second factor of a person, or of nobody, for the same price.

    Without `recovery` a recovery code is not taken: its use is written down with its moment.
    """
    person_id = person.id if person else ""
    row = authenticators.of(uow.session, person_id)
    before = authenticators.last_step(uow.session, person_id)
    reset = authenticators.link_of(uow.session, person_id)
    recovered = authenticators.recovery_code(uow.session, person_id, hash_of_code(person_id, code))
    secret, last = _opened(surroundings, person_id, row, before)
    step = surroundings.authenticators.step_of(secret or bytes(SECRET_BYTES), code, uow.now)
    if row is None or before is None:
        asked = reset is not None or passkeys.exist(uow.session, person_id)
        return Shown(asked=asked, person_id=person_id)
    fresh = secret is not None and step is not None and step > last
    return Shown(
        asked=True,
        person_id=person_id,
        before=before,
        step=step if fresh else None,
        recovery_id=recovered.id if recovered and recovery else "",
    )


def take(uow: UnitOfWork, surroundings: Surroundings, shown: Shown) -> bool:
    """Use up what was shown; False when it was not accepted or another act was faster.

    A passkey whose counter went back is written down: its person and the administrator read it.
    """
    if shown.went_back:
        uow.record(
            INSTALLATION,
            COUNTER_WENT_BACK,
            person_id=shown.person_id,
            subject=f"person:{shown.person_id}",
            new={"passkey": shown.went_back},
        )
        return False
    if shown.passkey_id:
        after = seal_counter(surroundings, shown.person_id, shown.counter)
        return passkeys.move_counter(uow.session, shown.passkey_id, shown.before, after)
    if shown.step is not None:
        after = seal_step(surroundings, shown.person_id, shown.step)
        return authenticators.move_step(uow.session, shown.person_id, shown.before, after)
    if not shown.recovery_id:
        return False
    if not authenticators.use_recovery_code(uow.session, shown.recovery_id, uow.now):
        return False
    uow.record(
        INSTALLATION,
        "recovery_code_used",
        person_id=shown.person_id,
        subject=f"person:{shown.person_id}",
        new={"left": recovery_codes_left(uow, shown.person_id)},
    )
    return True


def must_set_up(uow: UnitOfWork, surroundings: Surroundings, person_id: str) -> bool:
    """Whether a signed-in person sets up an authenticator before anything else.

    Never in the middle of an infusion that the person started or took over.
    """
    if authenticators.of(uow.session, person_id) is not None:
        return False
    if passkeys.exist(uow.session, person_id):
        return False
    ended = authenticators.link_of(uow.session, person_id) is not None
    if not (ended or surroundings.demands_second_factor):
        return False
    return not bags.runs_an_infusion(uow.session, person_id)


def is_asked(uow: UnitOfWork, person_id: str) -> bool:
    """Whether the password alone is not enough for this person."""
    return (
        authenticators.of(uow.session, person_id) is not None
        or authenticators.link_of(uow.session, person_id) is not None
        or passkeys.exist(uow.session, person_id)
    )


def is_set_up(uow: UnitOfWork, person_id: str) -> bool:
    """Whether the person has an authenticator."""
    return authenticators.of(uow.session, person_id) is not None


def words(act: Act) -> Words:
    """The acting person's authenticator in words."""
    row = authenticators.of(act.uow.session, act.person.id)
    if row is None:
        return Words("Not set up", "Set up your authenticator")
    left = recovery_codes_left(act.uow, act.person.id)
    codes = "1 recovery code is" if left == 1 else f"{left} recovery codes are"
    day = format_moment(row.set_up_at, _UTC)
    return Words(f"Set up {day}. {codes} left.", "Set up another authenticator")


def recovery_codes_left(uow: UnitOfWork, person_id: str) -> int:
    """How many recovery codes are unused."""
    return len(authenticators.recovery_hashes(uow.session, person_id))


def hash_of_code(person_id: str, code: str) -> bytes:
    """Of a recovery code as it is read: without spaces and dashes, I and L as 1, O as 0."""
    read = code.upper().translate(_READ_AS)
    return hashlib.sha256(f"recovery|{person_id}|{read}".encode()).digest()


def _opened(
    surroundings: Surroundings, person_id: str, row: Authenticator | None, before: bytes | None
) -> tuple[bytes | None, int]:
    """Secret and last step; no secret where it was sealed under another server's."""
    known = surroundings.authenticators
    secret = known.open(SEALED_SECRET, person_id, row.secret if row else _NOTHING)
    last = known.open(_SEALED_STEP, person_id, before or _NOTHING)
    if secret is None or last is None:
        return None, 0
    return secret, int.from_bytes(last, "big")


def seal_step(surroundings: Surroundings, person_id: str, step: int) -> bytes:
    """The time step of an accepted code, as the database keeps it."""
    return seal(surroundings, _SEALED_STEP, person_id, step.to_bytes(8, "big"))


def seal_counter(surroundings: Surroundings, person_id: str, counter: int) -> bytes:
    """Where a passkey's counter stands, as the database keeps it."""
    return seal(surroundings, SEALED_COUNTER, person_id, counter.to_bytes(8, "big"))


def seal(surroundings: Surroundings, purpose: str, person_id: str, plaintext: bytes) -> bytes:
    """Seal under the server's secret, for one person and purpose, with a fresh salt."""
    salt = surroundings.random_bytes(f"salt of {purpose}", _SALT_BYTES)
    return surroundings.authenticators.seal(purpose, person_id, plaintext, salt)
