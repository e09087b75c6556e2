"""One's own passkeys: making, listing and removing them; and of whom one is asked."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import BadForm, Refusal, WrongPassword
from pharmacy.domain.roles import ROLES, Role
from pharmacy.domain.site_time import format_moment
from pharmacy.persistence import audit, authenticators, bags, passkeys, people, sign_ins
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.passkeys import NAME_LENGTH, Passkey
from pharmacy.persistence.people import Person
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import second_factor, throttling
from pharmacy.services.act import Act
from pharmacy.services.passkey_proof import challenges
from pharmacy.services.second_factor import COUNTER_WENT_BACK
from pharmacy.services.surroundings import Passkeys

_UTC = ZoneInfo("UTC")
_MOST = 10
_NOT_MADE = (
    "The browser's answer does not hold, so no passkey was made. Open this page again and make "
    "it once more."
)
_NOT_HERE = (
    "Passkeys need an address with a name, and this installation has none. Use the authenticator."
)
_NO_MATCH = "This is not your password. Nothing was changed; try again."
_GONE = "There is no such passkey of yours. It may have been removed already."
_LAST = (
    "This is the only second factor you have. Set up an authenticator, or make another passkey, "
    "first."
)


@dataclass(frozen=True)
class Listed:
    """One passkey as its person reads it."""

    id: str
    name: str
    made: str


def offered(act: Act) -> bool:
    """Whether passkeys work at this installation's address."""
    return act.surroundings.passkeys is not None


def listed(act: Act) -> list[Listed]:
    """The acting person's passkeys, the oldest first."""
    return [_listed(row) for row in passkeys.of(act.uow.session, act.person.id)]


def to_make(act: Act, session: SignInSession) -> str:
    """What the browser is asked for a new passkey, as JSON; '' where none can be made."""
    if act.surroundings.passkeys is None:
        return ""
    known = [row.credential_id for row in passkeys.of(act.uow.session, act.person.id)]
    person, challenge = act.person, _challenges(act, session)[0]
    return act.surroundings.passkeys.to_make(
        challenge, person.id, person.user_name, person.full_name, known
    )


def make(act: Act, session: SignInSession, name: str, answer: str, password: str) -> None:
    """Keep the passkey that the browser made for the acting person, under a name of theirs.

    Refused: more than ten; `BadForm`: an answer that does not hold; `WrongPassword`: an open
    browser alone adds no second factor (ASVS 7.5.1).
    """
    known = _offered(act)
    _check_password(act, password)
    name = " ".join(name.split())
    held = passkeys.of(act.uow.session, act.person.id)
    if not name or len(name) > NAME_LENGTH:
        raise BadForm({"name": f"Give it a name of at most {NAME_LENGTH} letters."})
    if name.casefold() in {row.name.casefold() for row in held}:
        raise BadForm({"name": "You have a passkey of this name. Choose another."})
    if len(held) >= _MOST:
        raise Refusal(f"You have {_MOST} passkeys. Remove one first.")
    tried = (known.made(answer, challenge) for challenge in _challenges(act, session))
    made = next((one for one in tried if one is not None), None)
    if made is None or passkeys.by_credential(act.uow.session, made.credential_id) is not None:
        raise BadForm({"passkey": _NOT_MADE})
    counter = second_factor.seal_counter(act.surroundings, act.person.id, made.counter)
    row = Passkey(
        id=act.new_id("passkey"),
        person_id=act.person.id,
        credential_id=made.credential_id,
        public_key=made.public_key,
        name=name,
        made_at=act.now,
        counter=counter,
    )
    act.uow.session.add(row)
    _record(act, "passkey_made", new={"name": name, "passkeys": len(held) + 1})


def one(act: Act, passkey_id: str) -> Listed:
    """One of the acting person's passkeys; any other is refused (404)."""
    return _listed(_own(act, passkey_id))


def remove(act: Act, session: SignInSession, passkey_id: str, password: str) -> None:
    """Remove a passkey; the person's other sessions end, unless an infusion runs in one.

    Refused (409): the only second factor, where one is asked of everybody. `WrongPassword`.
    """
    row = _own(act, passkey_id)
    _check_password(act, password)
    left = len(passkeys.of(act.uow.session, act.person.id)) - 1
    has_authenticator = authenticators.of(act.uow.session, act.person.id) is not None
    if act.surroundings.demands_second_factor and not (left or has_authenticator):
        raise Refusal(_LAST)
    name = row.name
    if not passkeys.remove(act.uow.session, row.id):
        raise Refusal(_GONE, status=404)
    if not bags.runs_an_infusion(act.uow.session, act.person.id):
        sign_ins.end_others(act.uow.session, act.person.id, session.id, act.now)
    _record(act, "passkey_removed", old={"name": name}, new={"passkeys": left})


def is_asked(act: Act, session: SignInSession) -> bool:
    """Whether the person is asked to make one: unblinded somewhere, with none, and not put off.

    Asked, not demanded: the browser at hand may have no passkeys.
    """
    return (
        offered(act)
        and act.surroundings.demands_second_factor
        and not session.passkey_put_off
        and works_unblinded(act.uow, act.person.id)
        and not passkeys.exist(act.uow.session, act.person.id)
    )


def put_off(act: Act, session: SignInSession) -> None:
    """Not now: not asked again before the next sign-in."""
    session.passkey_put_off = True
    _record(act, "passkey_put_off")


def works_unblinded(uow: UnitOfWork, person_id: str) -> bool:
    """Whether the person holds an unblinded role in any study."""
    held = people.memberships(uow.session, person_id)
    return any(not ROLES[Role(row.role)].blinded for row in held)


def words(uow: UnitOfWork, person: Person) -> str:
    """A person's passkeys as the administrator reads them."""
    names = [row.name for row in passkeys.of(uow.session, person.id)]
    if names:
        return ", ".join(names)
    return "None, and the work is unblinded" if works_unblinded(uow, person.id) else "None"


def lacking(uow: UnitOfWork, person: Person) -> bool:
    """Whether the administrator is shown that an unblinded person has none."""
    here = person.left_at is None and works_unblinded(uow, person.id)
    return here and not passkeys.exist(uow.session, person.id)


def refused_counter(uow: UnitOfWork, person_id: str) -> str:
    """When a passkey of the person last counted backwards; '' when none ever did."""
    entry = audit.newest_of(uow.session, INSTALLATION, COUNTER_WENT_BACK, person_id)
    return format_moment(entry.at, _UTC) if entry else ""


def _offered(act: Act) -> Passkeys:
    if act.surroundings.passkeys is None:
        raise Refusal(_NOT_HERE)
    return act.surroundings.passkeys


def _challenges(act: Act, session: SignInSession) -> tuple[bytes, bytes]:
    """Those of this sign-in, for the passkeys that the person has: each one made changes them."""
    held = b"".join(row.counter for row in passkeys.of(act.uow.session, act.person.id))
    seed = session.csrf_secret + held
    return challenges(act.surroundings, act.now, "making a passkey", seed)


def _check_password(act: Act, password: str) -> None:
    key = throttling.signing_key(act.person.id)
    throttling.check(act.uow, key)
    phc = act.person.password_hash
    if phc is None or not act.surroundings.hasher.verify(phc, password):
        raise WrongPassword(_NO_MATCH, 403)
    throttling.forget(act.uow, key)


def _own(act: Act, passkey_id: str) -> Passkey:
    row = passkeys.passkey(act.uow.session, passkey_id)
    if row is None or row.person_id != act.person.id:
        raise Refusal(_GONE, status=404)
    return row


def _listed(row: Passkey) -> Listed:
    return Listed(row.id, row.name, format_moment(row.made_at, _UTC))


def _record(act: Act, event: str, *, old: object = None, new: object = None) -> None:
    subject = f"person:{act.person.id}"
    act.uow.record(INSTALLATION, event, person_id=act.person.id, subject=subject, old=old, new=new)
