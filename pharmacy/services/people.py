"""Accounts: adding people, the one-time links they choose a password by, roles, leaving.

A link's token is returned once, to be shown once; only its hash is kept, and no log or trail
has it. Whoever lost it gets a new one, which ends the old.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta
from typing import Any

from pharmacy.crypto.passwords import common_passwords
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.passwords import password_problem
from pharmacy.domain.roles import ROLES, Permission, Role, check_roles
from pharmacy.persistence import people, sign_ins, studies
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.people import Membership, OneTimeLink, Person
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import marks
from pharmacy.services.act import Act
from pharmacy.services.surroundings import Surroundings

LINK_LIFE = timedelta(hours=24)
_USER_NAME = re.compile(r"[a-z][a-z0-9._-]{1,58}[a-z0-9]")
_LONGEST_NAME = 80
_ADMINISTRATOR_BLINDED = "An administrator is blinded and cannot hold an unblinded role."
_ONCE_UNBLINDED = (
    "This person held an unblinded role in this study, so a blinded one cannot be given."
)
_NAME_TAKEN = (
    "This user name is or was somebody's. Choose another; "
    "if you have just added this person, make them a new link in the list."
)
_LINK_GONE = "This link was used or has expired. Ask the administrator for a new one."


def set_up_link(uow: UnitOfWork, surroundings: Surroundings) -> str | None:
    """The token of the link that makes the first administrator; None once there is a person.

    Earlier set-up links end; the caller commits.
    """
    if people.everybody(uow.session):
        return None
    token = _new_link(uow, surroundings, None)
    uow.record(INSTALLATION, "set_up_link_made", person_id=None, subject="installation")
    return token


def set_up(
    uow: UnitOfWork,
    surroundings: Surroundings,
    token: str,
    user_name: str,
    full_name: str,
    initials: str,
    password: str,
) -> Person:
    """Make the first administrator from the set-up link, with a password only they know."""
    link = _open_link(uow, token)
    if link.person_id is not None or people.everybody(uow.session):
        raise Refusal(_LINK_GONE)
    _check_password(password, user_name, full_name)
    person = _new_person(uow, surroundings, user_name, full_name, initials, administrator=True)
    person.password_hash = surroundings.hasher.hash(
        password, surroundings.random_bytes("password salt", 16)
    )
    _use_up(uow, link)
    uow.record(
        INSTALLATION,
        "installation_set_up",
        person_id=person.id,
        subject=f"person:{person.id}",
        new={"user_name": person.user_name, "administrator": True},
    )
    return person


def add_person(act: Act, user_name: str, full_name: str, initials: str) -> tuple[Person, str]:
    """Add a person without a password; returns them and the token of their one-time link.

    Sent twice, the second finds the user name taken (`BadForm`) and changes nothing.
    """
    act.permit(Permission.ADMINISTER)
    person = _new_person(
        act.uow, act.surroundings, user_name, full_name, initials, administrator=False
    )
    token = _new_link(act.uow, act.surroundings, person.id)
    _record(
        act,
        "person_added",
        f"person:{person.id}",
        new=_account(person),
    )
    return person, token


def add_by_operator(
    uow: UnitOfWork,
    surroundings: Surroundings,
    user_name: str,
    full_name: str,
    initials: str,
    *,
    administrator: bool,
) -> tuple[Person, str]:
    """Add a person from the server's command line; returns them and their link's token.

    The first person of an installation must be its administrator (409).
    """
    if not administrator and not people.everybody(uow.session):
        raise Refusal("The first account must be an administrator's. Add --administrator.")
    person = _new_person(
        uow, surroundings, user_name, full_name, initials, administrator=administrator
    )
    token = _new_link(uow, surroundings, person.id)
    people.end_links(uow.session, None, uow.now)
    uow.record(
        INSTALLATION,
        "person_added",
        person_id=None,
        subject=f"person:{person.id}",
        new=_account(person),
        reason="By the operator, on the server's command line.",
    )
    return person, token


def new_link(act: Act, person_id: str) -> tuple[Person, str]:
    """A new one-time link for somebody who forgot the password; earlier links end.

    Sent twice it makes two, and the last one shown is the one that works.
    """
    act.permit(Permission.ADMINISTER)
    person = _present(act.uow, person_id)
    token = _new_link(act.uow, act.surroundings, person.id)
    _record(act, "password_link_made", f"person:{person.id}")
    return person, token


def person_of_link(uow: UnitOfWork, token: str) -> Person | None:
    """Whose link this is; None for the installation's first. A used or old one is refused (409)."""
    link = _open_link(uow, token)
    return None if link.person_id is None else _person_of(uow, link)


def choose_password(
    uow: UnitOfWork, surroundings: Surroundings, token: str, password: str
) -> Person:
    """Choose a password by one-time link: every open session of the person ends."""
    link = _open_link(uow, token)
    person = _person_of(uow, link)
    _check_password(password, person.user_name, person.full_name)
    person.password_hash = surroundings.hasher.hash(
        password, surroundings.random_bytes("password salt", 16)
    )
    _use_up(uow, link)
    sign_ins.end_all(uow.session, person.id, uow.now)
    uow.record(
        INSTALLATION, "password_chosen", person_id=person.id, subject=f"person:{person.id}"
    )
    return person


def give_roles(act: Act, person_id: str, study_id: str, wanted: frozenset[Role]) -> None:
    """Make `wanted` the roles of a person in a study; the role table may refuse (409)."""
    act.permit(Permission.ADMINISTER)
    person = _present(act.uow, person_id)
    if studies.study(act.uow.session, study_id) is None:
        raise Refusal("There is no such study.", status=404)
    if person.administrator and any(not ROLES[role].blinded for role in wanted):
        raise Refusal(_ADMINISTRATOR_BLINDED)
    _refuse_marked(act, person_id, study_id, wanted)
    check_roles(wanted)
    had = people.roles_of(act.uow.session, person_id, study_id)
    _refuse_crossing(act, person_id, study_id, wanted)
    if had == wanted:
        return
    for row in people.memberships(act.uow.session, person_id):
        if row.study_id == study_id and Role(row.role) not in wanted:
            row.ended_at = act.now
    for role in sorted(wanted - had):
        act.uow.session.add(
            Membership(
                id=act.new_id("membership"),
                person_id=person_id,
                study_id=study_id,
                role=role.value,
                given_at=act.now,
                ended_at=None,
            )
        )
    _record(
        act,
        "roles_given",
        f"person:{person_id}",
        old={"study": study_id, "roles": sorted(had)},
        new={"study": study_id, "roles": sorted(wanted)},
    )


def _refuse_marked(act: Act, person_id: str, study_id: str, wanted: frozenset[Role]) -> None:
    """Whoever has learned an arm assesses no outcome in that study, ever."""
    if Role.OUTCOME_ASSESSOR in wanted and marks.marked(act.uow, study_id, person_id):
        raise Refusal(marks.NO_OUTCOMES)


def leave(act: Act, person_id: str, reason: str = "") -> None:
    """End an account at once, everywhere: sessions, roles and links. The user name stays taken."""
    act.permit(Permission.ADMINISTER)
    person = _present(act.uow, person_id)
    if person.id == act.person.id:
        raise Refusal("You cannot end your own account. Ask another administrator.")
    held = people.memberships(act.uow.session, person.id)
    roles = [{"study": row.study_id, "role": row.role} for row in held]
    person.left_at, person.password_hash = act.now, None
    sign_ins.end_all(act.uow.session, person.id, act.now)
    people.end_links(act.uow.session, person.id, act.now)
    for row in held:
        row.ended_at = act.now
    _record(
        act,
        "person_left",
        f"person:{person.id}",
        old={"left": False, "roles": roles},
        new={"left": True, "roles": []},
        reason=reason,
    )


def _refuse_crossing(act: Act, person_id: str, study_id: str, wanted: frozenset[Role]) -> None:
    """Whoever has once stood on the unblinded side of a study stays off the blinded one.

    What was seen is not unseen by giving back a role.
    """
    query_roles = people.roles_ever(act.uow.session, person_id, study_id)
    was_unblinded = any(not ROLES[role].blinded for role in query_roles)
    if was_unblinded and any(ROLES[role].blinded for role in wanted):
        raise Refusal(_ONCE_UNBLINDED)


def _new_person(
    uow: UnitOfWork,
    surroundings: Surroundings,
    user_name: str,
    full_name: str,
    initials: str,
    *,
    administrator: bool,
) -> Person:
    errors = _name_errors(user_name, full_name, initials)
    if errors:
        raise BadForm(errors)
    if people.by_user_name(uow.session, user_name):
        raise BadForm({"user_name": _NAME_TAKEN})
    person = Person(
        id=surroundings.new_id("person"),
        user_name=user_name.strip().casefold(),
        full_name=" ".join(full_name.split()),
        initials=initials.strip().upper(),
        administrator=administrator,
        password_hash=None,
        created_at=uow.now,
        left_at=None,
    )
    uow.session.add(person)
    uow.session.flush()
    return person


def _name_errors(user_name: str, full_name: str, initials: str) -> dict[str, str]:
    errors = {}
    if not _USER_NAME.fullmatch(user_name.strip().casefold()):
        errors["user_name"] = (
            "Type 3 to 60 letters, digits, dots or dashes, beginning with a letter."
        )
    if not 2 <= len(" ".join(full_name.split())) <= _LONGEST_NAME or not full_name.isprintable():
        errors["full_name"] = (
            f"Type the name as it is to stand beside signatures, at most {_LONGEST_NAME} letters."
        )
    if not re.fullmatch(r"[A-Za-z]{2,4}", initials.strip()):
        errors["initials"] = "Type two to four letters; they stand on labels."
    return errors


def _check_password(password: str, user_name: str, full_name: str) -> None:
    problem = password_problem(password, (user_name, full_name), common_passwords())
    if problem:
        raise BadForm({"new_password": problem})


def _present(uow: UnitOfWork, person_id: str) -> Person:
    person = people.person(uow.session, person_id)
    if person is None or person.left_at is not None:
        raise Refusal("There is no such account, or the person has left.", status=404)
    return person


def _person_of(uow: UnitOfWork, link: OneTimeLink) -> Person:
    """Whose link it is; of somebody who has left it is as gone as a used one."""
    person = people.person(uow.session, link.person_id or "")
    if person is None or person.left_at is not None:
        raise Refusal(_LINK_GONE)
    return person


def _use_up(uow: UnitOfWork, link: OneTimeLink) -> None:
    """Once: of two who use a link at the same moment the database lets one through."""
    if not people.use_link(uow.session, link.id, uow.now):
        raise Refusal(_LINK_GONE)


def _record(act: Act, event: str, subject: str, **values: Any) -> None:
    """Accounts are the installation's business, whatever page the administrator came from."""
    act.uow.record(INSTALLATION, event, person_id=act.person.id, subject=subject, **values)


def _account(person: Person) -> dict[str, object]:
    return {
        "user_name": person.user_name,
        "full_name": person.full_name,
        "initials": person.initials,
        "administrator": person.administrator,
    }


def _new_link(uow: UnitOfWork, surroundings: Surroundings, person_id: str | None) -> str:
    people.end_links(uow.session, person_id, uow.now)
    token = surroundings.random_bytes("one-time link", 24).hex()
    uow.session.add(
        OneTimeLink(
            id=surroundings.new_id("one-time link"),
            person_id=person_id,
            token_hash=_token_hash(token),
            made_at=uow.now,
            expires_at=uow.now + LINK_LIFE,
            used_at=None,
        )
    )
    return token


def _open_link(uow: UnitOfWork, token: str) -> OneTimeLink:
    link = people.link(uow.session, _token_hash(token))
    if link is None or link.used_at is not None or link.expires_at < uow.now:
        raise Refusal(_LINK_GONE)
    return link


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
