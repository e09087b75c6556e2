"""The second step of a sign-in whose password was right: the second factor, or a code break alone.

A code break is never blocked by a lost phone. The password opens it, and nothing else; its own
passphrase is still asked, the installation's trail says so, and the administrator reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission, may
from pharmacy.domain.sign_in_limit import Limit
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import audit
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.people import Person
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import membership, passkey_proof, second_factor, sign_in, throttling
from pharmacy.services.act import Act
from pharmacy.services.sign_in import Door
from pharmacy.services.surroundings import Surroundings

_UTC = ZoneInfo("UTC")
_WITHOUT = "signed_in_without_second_factor"
WENT_BACK = (
    "The counter of this passkey went back, so a copy of it may be about. It was not accepted. "
    "Sign in with a code, remove the passkey under your name, and tell the administrator."
)
NO_PASSKEY = "This passkey is not accepted here. Try again, or use a code."
WRONG = "This code is not accepted. Wait for the next one and try again; each works once."


@dataclass(frozen=True)
class Breakable:
    """A study in which the person may break a code."""

    study_id: str
    code: str


def finish(
    uow: UnitOfWork,
    surroundings: Surroundings,
    row: SignInSession,
    person: Person,
    whence: str,
    *,
    code: str = "",
    passkey: str = "",
) -> Door:
    """Take a code, a recovery code or a browser's answer for a passkey, and begin the whole
    session in the limited one's place.

    A miss counts as one at the door; the caller commits either way.
    """
    key = throttling.sign_in_key(person.user_name, whence)
    try:
        throttling.check(uow, key)
    except Refusal as wait:
        return Door(sentence=wait.sentence)
    if passkey:
        shown = passkey_proof.look(uow, surroundings, row, person, passkey)
    else:
        shown = second_factor.look(uow, surroundings, person, code)
    if not second_factor.take(uow, surroundings, shown):
        sign_in.record_refused(uow, person, throttling.missed(uow, key))
        return Door(sentence=WENT_BACK if shown.went_back else NO_PASSKEY if passkey else WRONG)
    throttling.forget(uow, key)
    uow.record(INSTALLATION, "signed_in", person_id=person.id, subject=f"person:{person.id}")
    row.ended_at = uow.now
    left = second_factor.recovery_codes_left(uow, person.id) if shown.recovery_id else None
    return Door(sign_in.begin_session(uow, surroundings, person), recovery_codes_left=left)


def to_break(act: Act, row: SignInSession) -> str:
    """A session that breaks codes and does nothing else, in the limited one's place; its token."""
    act.permit(Permission.BREAK_CODE)
    act.uow.record(
        INSTALLATION,
        _WITHOUT,
        person_id=act.person.id,
        subject=f"person:{act.person.id}",
        new={"good_for": "breaking a code", "study": act.in_study.code},
    )
    row.ended_at = act.now
    return sign_in.begin_session(act.uow, act.surroundings, act.person, Limit.CODE_BREAK)


def breakable(uow: UnitOfWork, person: Person) -> list[Breakable]:
    """The studies in which a person may break a code, by study code."""
    return [
        Breakable(study.id, study.code)
        for study, roles in membership.studies_of(uow, person)
        if may(roles, Permission.BREAK_CODE)
    ]


def came_without(uow: UnitOfWork, person_id: str) -> str:
    """When somebody last came in without a second factor, as the administrator reads it; or ''."""
    entry = audit.newest_of(uow.session, INSTALLATION, _WITHOUT, person_id)
    return f"{format_moment(entry.at, _UTC)}, to break a code" if entry else ""
