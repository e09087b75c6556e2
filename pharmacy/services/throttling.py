"""Guessing is slowed, never locked out: after five misses in a row each try waits longer.

A wait belongs to one account from one place, a known device or else an address, so that nobody can
shut a nurse out from elsewhere; it is 30 seconds at most, and a try that comes too early is not
counted, so that waiting always ends (G6).
"""

from __future__ import annotations

import hashlib
import ipaddress
from datetime import timedelta

from pharmacy.domain.errors import Refusal
from pharmacy.persistence import sign_ins
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.sign_ins import Throttle
from pharmacy.persistence.unit_of_work import UnitOfWork

_FREE_TRIES = 5
# Whoever breaks a code stands beside somebody ill, and begins at the sign-in: guessing is slowed,
# and never for long.
_LONGEST_WAIT_SECONDS = 30
_FORGOTTEN_AFTER = timedelta(hours=1)


def sign_in_key(user_name: str, whence: str) -> str:
    """One account from one place: a known device, or an address, of IPv6 the /64, which one
    subscriber has to himself.
    """
    said = f"in|{user_name.strip().casefold()}|{_network(whence)}"
    return hashlib.sha256(said.encode()).hexdigest()


def signing_key(person_id: str) -> str:
    """One signed-in person's signatures."""
    return hashlib.sha256(f"sign|{person_id}".encode()).hexdigest()


def break_key(person_id: str, device: str) -> str:
    """One person's tries to break a code in one sign-in; nobody's misses elsewhere count here."""
    return hashlib.sha256(f"break|{person_id}|{device}".encode()).hexdigest()


def check(uow: UnitOfWork, key: str) -> None:
    """Refuse (409) a try that comes before its wait is over.

    The count is locked until the try has its answer: tries sent at once take turns.
    """
    row = sign_ins.throttle(uow.session, key)
    if row is None or row.wait_until <= uow.now:
        return
    seconds = -((uow.now - row.wait_until) // timedelta(seconds=1))
    unit = "second" if seconds == 1 else "seconds"
    raise Refusal(f"Too many tries in a row. Wait {seconds} {unit}, then try again.")


def must_wait(uow: UnitOfWork, key: str) -> bool:
    """Whether a try would come too early, read without a lock: `check` decides."""
    row = sign_ins.throttle_read(uow.session, key)
    return row is not None and row.wait_until > uow.now


def missed(uow: UnitOfWork, key: str) -> int:
    """Count one miss; returns how many stand in a row. Counts long past are swept away."""
    sign_ins.forget_throttles(uow.session, uow.now - _FORGOTTEN_AFTER, but=key)
    row = sign_ins.throttle(uow.session, key)
    if row is None:
        row = Throttle(key=key, failures=0, last_at=uow.now, wait_until=uow.now)
        uow.session.add(row)
    if uow.now - row.last_at > _FORGOTTEN_AFTER:
        row.failures = 0
    row.failures, row.last_at = row.failures + 1, uow.now
    over = row.failures - _FREE_TRIES
    wait = min(2**over, _LONGEST_WAIT_SECONDS) if over >= 0 else 0
    row.wait_until = uow.now + timedelta(seconds=wait)
    return row.failures


def forget(uow: UnitOfWork, key: str) -> None:
    """A success clears the count."""
    row = sign_ins.throttle(uow.session, key)
    if row is not None:
        uow.session.delete(row)


def missed_signature(uow: UnitOfWork, person_id: str) -> None:
    """Count and record a signature's wrong password (21 CFR 11.300(d))."""
    failures = missed(uow, signing_key(person_id))
    uow.record(
        INSTALLATION,
        "signature_refused",
        person_id=person_id,
        subject=f"person:{person_id}",
        new={"failures_in_a_row": failures},
    )


def missed_break(uow: UnitOfWork, person_id: str, device: str) -> None:
    """Count and record a wrong passphrase at the code break."""
    failures = missed(uow, break_key(person_id, device))
    uow.record(
        INSTALLATION,
        "code_break_refused",
        person_id=person_id,
        subject=f"person:{person_id}",
        new={"failures_in_a_row": failures},
    )


def _network(address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if known.version == 4:
        return str(known)
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))
