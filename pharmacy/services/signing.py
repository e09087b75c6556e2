"""Signing: the password again, the meaning shown, the signature bound to its record's hash."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pharmacy.domain.audit import canonical_bytes, leaf_hash
from pharmacy.domain.errors import WrongPassword
from pharmacy.persistence.people import Person
from pharmacy.persistence.signatures import Signature
from pharmacy.services import throttling
from pharmacy.services.act import Act


@dataclass(frozen=True)
class SignedBy:
    """What every display of a signed record shows (21 CFR 11.50): name, moment, meaning."""

    printed_name: str
    meaning: str
    at: datetime


def check_password(act: Act, person: Person, password: str) -> None:
    """Refuse with `WrongPassword` unless this is the person's own password.

    A person who tried too often waits a little; the sentence says how long.
    """
    key = throttling.signing_key(person.id)
    throttling.check(act.uow, key)
    phc = person.password_hash
    if phc is None or not act.surroundings.hasher.verify(phc, password):
        raise WrongPassword("That is not your password. Nothing was signed; try again.", 403)
    throttling.forget(act.uow, key)


def sign(
    act: Act,
    password: str,
    meaning: str,
    record_kind: str,
    record_id: str,
    facts: dict[str, object],
) -> Signature:
    """Sign a blinded record as the acting person and return the new signature.

    `facts` are what was signed; their hash binds the signature to them (21 CFR 11.70), so that
    it cannot be moved to another record. The wrong password: `WrongPassword`.
    """
    check_password(act, act.person, password)
    signature = Signature(
        id=act.new_id("signature"),
        study_id=act.study.id if act.study else None,
        person_id=act.person.id,
        printed_name=act.person.full_name,
        meaning=meaning,
        record_kind=record_kind,
        record_id=record_id,
        record_sha256=leaf_hash(canonical_bytes({"kind": record_kind, "id": record_id, **facts})),
        at=act.now,
    )
    act.uow.session.add(signature)
    act.uow.session.flush()
    return signature
