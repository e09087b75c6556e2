"""Doing things once: each form carries an id, and what it did is kept with the act itself."""

from __future__ import annotations

import hashlib
import hmac

from pharmacy.domain.errors import Refusal
from pharmacy.persistence.sign_ins import Operation
from pharmacy.persistence.unit_of_work import UnitOfWork

SECRET_FIELDS = frozenset(
    {
        "csrf_token",
        "operation_id",
        "password",
        "passphrase",
        "new_password",
        "one_time_code",
        "present_code",
        "passkey",
        "said",
    }
)


def fingerprint(key: bytes, path: str, fields: list[tuple[str, str]]) -> bytes:
    """A keyed digest of what a form said, without its secrets and without any file.

    Neither passwords, nor an uploaded list, nor what somebody says of a suspected unblinding go
    in: all are guessable, and a digest of them would let a thief who has this key test guesses.
    """
    said = [(name, value) for name, value in sorted(fields) if name not in SECRET_FIELDS]
    return hmac.new(key, repr((path, said)).encode(), hashlib.sha256).digest()


def answer_given(uow: UnitOfWork, operation_id: str, person_id: str, body: bytes) -> str | None:
    """Where this very act led before, or None when it is new.

    The same id with other contents, or from another person, is refused (409).
    """
    done = uow.session.get(Operation, operation_id)
    if done is None:
        return None
    if done.person_id != person_id or not hmac.compare_digest(done.fingerprint, body):
        raise Refusal("This form was already sent with other contents. Open the page again.")
    return done.location


def keep(uow: UnitOfWork, operation_id: str, person_id: str, body: bytes, location: str) -> None:
    """Remember the act in its own transaction."""
    uow.session.add(
        Operation(
            id=operation_id, person_id=person_id, fingerprint=body, location=location, at=uow.now
        )
    )
