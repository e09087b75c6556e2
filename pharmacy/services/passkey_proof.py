"""Showing a passkey: the challenge, what the browser is asked, and what its answer is worth.

A challenge follows from the secret of the sign-in that asks, from the server's own, and from the
time in steps of ten minutes. It is nobody else's, ends with that sign-in or after two steps, and
nothing has to be stored for it. An accepted answer ends the sign-in that asked, or gives its row
another secret, so that no challenge is met twice.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pharmacy.persistence import passkeys
from pharmacy.persistence.people import Person
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import second_factor
from pharmacy.services.second_factor import SEALED_COUNTER, Shown
from pharmacy.services.surroundings import Surroundings

_STEP = timedelta(minutes=10)
_CHALLENGE_BYTES = 32
_SHOWING = "showing a passkey"


def to_show(
    uow: UnitOfWork, surroundings: Surroundings, session: SignInSession, person: Person | None
) -> str:
    """What the browser is asked, as JSON; '' where there are no passkeys to ask for.

    Without a person, who is not known yet at the bench, any passkey of this address will do.
    """
    if surroundings.passkeys is None:
        return ""
    known = passkeys.of(uow.session, person.id) if person else []
    if person and not known:
        return ""
    challenge = challenges(surroundings, uow.now, _SHOWING, session.csrf_secret)[0]
    return surroundings.passkeys.to_show(challenge, [row.credential_id for row in known])


def look(
    uow: UnitOfWork,
    surroundings: Surroundings,
    session: SignInSession,
    person: Person | None,
    answer: str,
) -> Shown:
    """Judge what a browser answered, as the second factor of a person; nothing is used up yet.

    Another person's passkey is none. A counter that did not go on is told apart, in `went_back`.
    """
    person_id = person.id if person else ""
    nothing = Shown(asked=second_factor.is_asked(uow, person_id), person_id=person_id)
    if surroundings.passkeys is None or not answer:
        return nothing
    row = passkeys.by_credential(uow.session, surroundings.passkeys.named(answer))
    if row is None or row.person_id != person_id:
        return nothing
    tried = (
        surroundings.passkeys.shown(answer, challenge, row.public_key)
        for challenge in challenges(surroundings, uow.now, _SHOWING, session.csrf_secret)
    )
    counter = next((one for one in tried if one is not None), None)
    sealed = surroundings.authenticators.open(SEALED_COUNTER, person_id, row.counter)
    if counter is None or sealed is None:
        return nothing
    before = int.from_bytes(sealed, "big")
    went_back = counter <= before and (counter > 0 or before > 0)
    return Shown(
        asked=True,
        person_id=person_id,
        before=row.counter,
        passkey_id="" if went_back else row.id,
        counter=counter,
        went_back=row.name if went_back else "",
    )


def challenges(
    surroundings: Surroundings, now: datetime, purpose: str, seed: bytes
) -> tuple[bytes, bytes]:
    """The challenge of this moment, and the one of ten minutes ago, which is still accepted."""
    step = int(now.timestamp()) // int(_STEP.total_seconds())
    first, second = (
        surroundings.authenticators.draw(f"{purpose}, {at}", seed, _CHALLENGE_BYTES)
        for at in (step, step - 1)
    )
    return first, second
