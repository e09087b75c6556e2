"""Whose going makes new recovery sheets necessary: who keeps one, and who has had halves in sight.

Taking keys back leaves the recovery key as it was: half of it is no less with whoever had it. So it
is written down beside the revocation, and the study says so until new sheets are made.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

import sqlalchemy as sa

from pharmacy.persistence import audit
from pharmacy.persistence.people import Person
from pharmacy.persistence.signatures import Signature
from pharmacy.services.act import Act
from pharmacy.unblinded import recovery_key
from pharmacy.unblinded.granting import folded
from pharmacy.unblinded.tables_recovery import (
    RecoveryCheck,
    RecoveryGrant,
    RecoveryKey,
    RecoverySheetPlace,
)

REVOKED_EVENT = "keys_revoked"


@dataclass(frozen=True)
class Had:
    """What somebody has of the recovery key that counts: sheets in keeping, halves seen."""

    number: int
    sheets: tuple[str, ...]
    halves_seen: bool

    @property
    def sentence(self) -> str:
        """What is said before their keys are taken back."""
        keeps = f"They keep recovery sheet {' and '.join(self.sheets)}." if self.sheets else ""
        seen = "They were there when both halves of a pair were opened." if self.halves_seen else ""
        return " ".join(part for part in (keeps, seen) if part)

    @property
    def facts(self) -> dict[str, object]:
        """What is written beside the revocation."""
        return {
            "recovery_key": self.number,
            "recovery_sheets": list(self.sheets),
            "halves_seen": self.halves_seen,
        }


def had(act: Act, person: Person) -> Had | None:
    """What a person has of the study's recovery key; None where that is nothing.

    A custodian is known by name, as it was typed beside the sheet. Whoever signed a drill, or took
    the keys over, had both halves of a pair on their screen.
    """
    key = recovery_key.current(act)
    if key is None:
        return None
    sheets = tuple(
        place.sheet
        for place in _places(act, key)
        if folded(place.custodian) == folded(person.full_name)
    )
    seen = _drilled(act, key, person) or _took_over(act, key, person)
    return Had(key.number, sheets, seen) if sheets or seen else None


def gone(act: Act, key: RecoveryKey) -> str:
    """What somebody had whose keys were taken back since this key was made; empty if nothing."""
    for entry in audit.of_event(act.uow.session, act.in_study.id, REVOKED_EVENT):
        said = json.loads(entry.body)["new"]
        if said.get("recovery_key") == key.number:
            sheets = " and ".join(said["recovery_sheets"])
            what = f"kept sheet {sheets}" if sheets else "has seen its halves"
            return f"Somebody whose keys were taken back {what}."
    return ""


def _places(act: Act, key: RecoveryKey) -> list[RecoverySheetPlace]:
    query = sa.select(RecoverySheetPlace).where(
        RecoverySheetPlace.study_id == key.study_id, RecoverySheetPlace.number == key.number
    )
    return list(act.uow.session.scalars(query.order_by(RecoverySheetPlace.sheet)))


def _drilled(act: Act, key: RecoveryKey, person: Person) -> bool:
    query = (
        sa.select(RecoveryCheck.id)
        .join(Signature, Signature.id == RecoveryCheck.signature_id)
        .where(
            RecoveryCheck.study_id == key.study_id,
            RecoveryCheck.number == key.number,
            RecoveryCheck.kind == "drill",
            Signature.person_id == person.id,
        )
    )
    return act.uow.session.scalars(query).first() is not None


def _took_over(act: Act, key: RecoveryKey, person: Person) -> bool:
    grant = act.uow.session.get(RecoveryGrant, (key.study_id, person.id))
    return grant is not None and grant.number == key.number
