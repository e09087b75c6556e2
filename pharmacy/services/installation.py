"""What an installation knows of itself: which secrets are its own, and that it was restored."""

from __future__ import annotations

from datetime import datetime

from pharmacy.persistence import authenticators, known_secrets, people
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.unit_of_work import UnitOfWork

_WITHOUT = {
    "TWINBAG_PEPPER": "no passphrase would open the lit room",
    "TWINBAG_BREAK_KEY": "no investigator could break a code",
}


def wrong(setting: str) -> str:
    """The sentence of a start with another secret than the database's."""
    return (
        f"{setting} is not the secret that this database was made with, so {_WITHOUT[setting]}; "
        "put the kept copy of secrets.env back, then start again. If every copy is lost, "
        "docs/operators.md says what is left."
    )


def can_know_secrets(uow: UnitOfWork) -> bool:
    """Whether the database has a schema that keeps fingerprints."""
    return known_secrets.is_there(uow.session)


def know_secret(uow: UnitOfWork, setting: str, fingerprint: bytes) -> None:
    """Take this for the secret of the database from now on; the caller commits.

    Another start that was faster makes this one `Conflict`.
    """
    known_secrets.keep(uow.session, setting, fingerprint)
    uow.record(
        INSTALLATION,
        "secret_known",
        person_id=None,
        subject="installation",
        new={"setting": setting},
    )


def record_restored(uow: UnitOfWork, sha256: str, taken_at: datetime) -> None:
    """Write down that this database came out of a backup, and end what must not outlive one.

    A one-time link that was used after the backup would open once more, so all are ended.
    """
    people.end_every_link(uow.session, uow.now)
    authenticators.end_every_link(uow.session, uow.now)
    uow.record(
        INSTALLATION,
        "restored_from_backup",
        person_id=None,
        subject="installation",
        new={"backup_sha256": sha256, "taken_at": taken_at},
    )
