"""A lost device: an administrator ends authenticator and passkeys; their person sets up anew.

What lets the person back in is the password, which nobody else knows, together with a link that
the administrator hands over in person. Neither opens anything alone.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import authenticators, bags, passkeys, people, sign_ins
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.authenticators import AuthenticatorLink
from pharmacy.persistence.people import Person
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import second_factor, sign_in, throttling
from pharmacy.services.act import Act
from pharmacy.services.sign_in import Door
from pharmacy.services.surroundings import Surroundings

LINK_LIFE = timedelta(hours=24)
_UTC = ZoneInfo("UTC")
REASONS = (
    "The device was lost",
    "The device was stolen",
    "The device was replaced or reset",
    "The recovery codes were seen by somebody else",
)
_LINK_GONE = "This link was used or has expired. Ask the administrator for a new one."
_NONE = "This person has no authenticator, so there is none to replace."
_OWN = "You cannot end your own authenticator here. Ask another administrator."
_INFUSING = (
    "This person has an infusion running and must not be signed out. "
    "Do this when it has ended; if misuse is suspected, end the account."
)


def end(act: Act, person_id: str, reason: str) -> tuple[Person, str]:
    """End a person's authenticator, recovery codes, passkeys and sessions; returns the new link's
    token.

    Done again, the earlier link ends. Refused (409): one's own, of somebody who has none, and
    while that person's infusion runs; 404: no such person.
    """
    act.permit(Permission.ADMINISTER)
    person = people.person(act.uow.session, person_id)
    if person is None or person.left_at is not None:
        raise Refusal("There is no such account, or the person has left.", status=404)
    if person.id == act.person.id:
        raise Refusal(_OWN)
    has_one = authenticators.of(act.uow.session, person.id) is not None
    if not second_factor.is_asked(act.uow, person.id):
        raise Refusal(_NONE)
    if bags.runs_an_infusion(act.uow.session, person.id):
        raise Refusal(_INFUSING)
    keys = passkeys.forget(act.uow.session, person.id)
    token = _end(act, person)
    act.uow.record(
        INSTALLATION,
        "authenticator_ended",
        person_id=act.person.id,
        subject=f"person:{person.id}",
        old={"set_up": has_one, "passkeys": keys},
        new={"set_up": False, "passkeys": 0},
        reason=reason,
    )
    return person, token


def can_end(act: Act, person: Person) -> bool:
    """Whether there is an authenticator, or a link for a new one, of another person to end."""
    return (
        person.id != act.person.id
        and person.left_at is None
        and second_factor.is_asked(act.uow, person.id)
    )


def words(uow: UnitOfWork, person: Person) -> str:
    """The state of a person's authenticator as the administrator reads it."""
    row = authenticators.of(uow.session, person.id)
    if row is not None:
        return f"Set up {format_moment(row.set_up_at, _UTC)}."
    link = authenticators.link_of(uow.session, person.id)
    if link is None:
        return "Not set up."
    if link.used_at is None and link.expires_at >= uow.now:
        return f"Ended. A link for a new one is open until {format_moment(link.expires_at, _UTC)}."
    return "Ended. No link for a new one is open; make another."


def person_of_link(uow: UnitOfWork, token: str) -> Person:
    """Whose link this is; a used or old one, or of somebody who left, is refused (409)."""
    link = authenticators.link(uow.session, _hash(token))
    if link is None or link.used_at is not None or link.expires_at < uow.now:
        raise Refusal(_LINK_GONE)
    person = people.person(uow.session, link.person_id)
    if person is None or person.left_at is not None:
        raise Refusal(_LINK_GONE)
    return person


def enter(
    uow: UnitOfWork,
    surroundings: Surroundings,
    token: str,
    password: str,
    whence: str,
    *,
    instead_of: str = "",
) -> Door:
    """Begin a session by link and password, that leads to setting up an authenticator alone.

    The link works once. A miss is part of the answer and counts as one at the door: the caller
    commits either way.
    """
    person = person_of_link(uow, token)
    key = throttling.sign_in_key(person.user_name, whence)
    try:
        throttling.check(uow, key)
    except Refusal as wait:
        return Door(sentence=wait.sentence)
    if not sign_in.password_matches(surroundings, person, password):
        sign_in.record_refused(uow, person, throttling.missed(uow, key))
        return Door(sentence=sign_in.NO_MATCH)
    if not authenticators.use_link(uow.session, _hash(token), uow.now):
        raise Refusal(_LINK_GONE)
    throttling.forget(uow, key)
    uow.record(
        INSTALLATION,
        "signed_in",
        person_id=person.id,
        subject=f"person:{person.id}",
        new={"by": "link for a new authenticator"},
    )
    sign_in.leave_behind(uow, instead_of)
    return Door(token=sign_in.begin_session(uow, surroundings, person))


def _end(act: Act, person: Person) -> str:
    token = act.surroundings.random_bytes("authenticator link", 24).hex()
    authenticators.forget(act.uow.session, person.id)
    act.uow.session.flush()
    act.uow.session.add(
        AuthenticatorLink(
            person_id=person.id,
            token_hash=_hash(token),
            expires_at=act.now + LINK_LIFE,
            used_at=None,
        )
    )
    sign_ins.end_all(act.uow.session, person.id, act.now)
    act.uow.session.flush()
    return token


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
