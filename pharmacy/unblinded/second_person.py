"""A second person at the bench proves who they are, while somebody else is signed in."""

from __future__ import annotations

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import people
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.people import Person
from pharmacy.services import throttling
from pharmacy.services.act import Act
from pharmacy.services.sign_in import Proof

_NO_MATCH = "User name and password do not match. Check both and try again."
# Verified where there is no such person, so that the answer takes as long.
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


def prove(act: Act, user_name: str, password: str, address: str) -> Person:
    """The person whom user name and password prove; nothing is written for a success.

    A miss is counted and recorded as one at the door is, and committed; then it is `BadForm`, the
    same for an unknown name. Who missed too often from this address waits (409).
    """
    key = throttling.sign_in_key(user_name, address)
    throttling.check(act.uow, key)
    person = people.by_user_name(act.uow.session, user_name)
    phc = person.password_hash if person and not person.left_at else None
    matches = act.surroundings.hasher.verify(phc or _NOBODY, password) and phc is not None
    if person is None or not Proof(password=matches).is_enough():
        _miss(act, key, person)
        raise BadForm({"second_password": _NO_MATCH})
    throttling.forget(act.uow, key)
    return person


def another(act: Act, person: Person) -> Person:
    """Refuse (403) the person who is signed in already."""
    if person.id == act.person.id:
        raise Refusal("This is the same person. Somebody else signs here.", status=403)
    return person


def _miss(act: Act, key: str, person: Person | None) -> None:
    act.uow.rollback()
    failures = throttling.missed(act.uow, key)
    act.uow.record(
        INSTALLATION,
        "sign_in_refused",
        person_id=None,
        subject=f"person:{person.id}" if person else "person:unknown",
        new={"failures_in_a_row": failures},
    )
    act.uow.commit()
