"""Taking the keys back from a holder or an investigator: everything is renewed without them.

What they saw, they know. Their role is the administrator's to take; this takes the keys.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission, Role
from pharmacy.persistence import people
from pharmacy.persistence.people import Person
from pharmacy.services.act import Act
from pharmacy.unblinded import break_shares, granting, recovery_leavers, rotation, trail
from pharmacy.unblinded.recovery_leavers import REVOKED_EVENT, Had
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.rotation import Asked
from pharmacy.unblinded.server_secrets import ServerSecrets

_LAST = (
    "This is the last pharmacist who holds the list key: without them nobody could prepare. Enrol "
    "another pharmacist first."
)
ONE_LEFT = (
    "Afterwards one pharmacist holds the list key. Enrol another one soon: if that person falls "
    "ill, only the recovery key is left."
)


@dataclass(frozen=True)
class Revocable:
    """Whose keys would be taken, what they hold, and what to know before.

    `recovery` is what they have of the recovery key: new sheets are needed then.
    """

    person: Person
    held: str
    warning: str
    recovery: Had | None


def revocable(act: Act, person_id: str) -> Revocable:
    """Somebody else with keys of the act's study; anybody else is refused (404)."""
    act.permit(Permission.RENEW_KEYS)
    person = people.person(act.uow.session, person_id)
    held = _held(act, person_id)
    if person is None or not held:
        raise Refusal("This person holds no keys of this study.", status=404)
    left = _pharmacists(act) - {person_id}
    warning = ONE_LEFT if len(left) == 1 else ""
    return Revocable(person, held, warning, recovery_leavers.had(act, person))


def revoke(
    act: Act, room: OpenRoom, person_id: str, asked: Asked, secrets: ServerSecrets
) -> Revocable:
    """Renew all keys of the study for everybody but one person, and write down who that is.

    Whoever kept a recovery sheet, or saw halves, makes new sheets due until they are made.
    Refused (409): one's own keys, and those of the last pharmacist with the list key; otherwise as
    `rotation.rotate`.
    """
    one = revocable(act, person_id)
    if person_id == act.person.id:
        raise Refusal("Somebody else takes your keys back. Ask another holder of the list key.")
    if not _pharmacists(act) - {person_id}:
        raise Refusal(_LAST)
    made = rotation.rotate(act, room, replace(asked, without=frozenset({person_id})), secrets)
    subject = f"person:{person_id}"
    key = rotation.record_key_of(act, asked.passphrase, secrets)
    trail.record(act, key, REVOKED_EVENT, subject, reason=asked.reason, held=one.held)
    said = {"version": made.version, **(one.recovery.facts if one.recovery else {})}
    act.record(REVOKED_EVENT, subject, new=said, reason=asked.reason)
    return one


def _held(act: Act, person_id: str) -> str:
    names = granting.granted(act, person_id)
    if names:
        return f"the {' and '.join(names)} key"
    if break_shares.enrolment(act, person_id) is not None:
        return "halves of every slot's key, to break a code"
    return ""


def _pharmacists(act: Act) -> set[str]:
    """The pharmacists who hold the list key."""
    members = people.members(act.uow.session, act.in_study.id, Role.PHARMACIST)
    return {one.id for one in members if "list" in granting.granted(act, one.id)}
