"""A second person at the bench proves who they are, while somebody else is signed in."""

from __future__ import annotations

from collections.abc import Callable

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import people
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.people import Person
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.services import passkey_proof, second_factor, throttling
from pharmacy.services.act import Act
from pharmacy.services.second_factor import Shown
from pharmacy.services.sign_in import NO_MATCH, Proof, password_matches

_NO_SIGNATURE = "User name and password do not match. Check both and try again."
_NOT_SET_UP = (
    "This person has no authenticator yet. They sign in at another screen and set it up first."
)


def sign(act: Act, user_name: str, password: str, whence: str) -> Person:
    """The person who signs with user name and password, the two components of a signature
    (21 CFR 11.200(a)(1)); no session begins. A miss is as in `check_in`.
    """
    return _prove(act, user_name, password, whence, None)


def check_in(
    act: Act,
    session: SignInSession,
    user_name: str,
    password: str,
    whence: str,
    *,
    code: str = "",
    passkey: str = "",
) -> Person:
    """The person who takes over `session`: the password, and the second factor as at the door.

    The code, or what the browser answered for a passkey of theirs. Nothing is written in the clear
    for a success. A recovery code is not taken here, for its use is entered with its moment. Where
    everybody needs a second factor, a person without one is refused (403).

    A miss is counted and recorded as one at the door is, and committed; then it is `BadForm`, the
    same for an unknown name. Who missed too often from this place waits (409).
    """

    def shown(person: Person | None) -> Shown:
        if passkey:
            return passkey_proof.look(act.uow, act.surroundings, session, person, passkey)
        return second_factor.look(act.uow, act.surroundings, person, code, recovery=False)

    person = _prove(act, user_name, password, whence, shown)
    if second_factor.must_set_up(act.uow, act.surroundings, person.id):
        raise Refusal(_NOT_SET_UP, status=403)
    return person


def _prove(
    act: Act,
    user_name: str,
    password: str,
    whence: str,
    look: Callable[[Person | None], Shown] | None,
) -> Person:
    key = throttling.sign_in_key(user_name, whence)
    throttling.check(act.uow, key)
    person = people.by_user_name(act.uow.session, user_name)
    matches = password_matches(act.surroundings, person, password)
    shown = look(person) if look else Shown(asked=False)
    enough = Proof(matches, shown.accepted, shown.asked).is_enough() and (
        not shown.asked or second_factor.take(act.uow, act.surroundings, shown)
    )
    if person is None or not enough:
        _miss(act, key, person, shown if matches else None)
        raise BadForm({"second_password": NO_MATCH if look else _NO_SIGNATURE})
    throttling.forget(act.uow, key)
    return person


def another(act: Act, person: Person) -> Person:
    """Refuse (403) the person who is signed in already."""
    if person.id == act.person.id:
        raise Refusal("This is the same person. Somebody else signs here.", status=403)
    return person


def _miss(act: Act, key: str, person: Person | None, shown: Shown | None) -> None:
    act.uow.rollback()
    failures = throttling.missed(act.uow, key)
    if shown is not None and shown.went_back:
        second_factor.take(act.uow, act.surroundings, shown)
    act.uow.record(
        INSTALLATION,
        "sign_in_refused",
        person_id=None,
        subject=f"person:{person.id}" if person else "person:unknown",
        new={"failures_in_a_row": failures},
    )
    act.uow.commit()
