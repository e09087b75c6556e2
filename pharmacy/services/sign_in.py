"""Sign-in, the sessions it begins, and how they end.

`Proof` says what was shown at the door, and `is_enough` decides. User name, password and code are
asked on one page and answered by one sentence, so that nobody without the password learns which of
them was right. Who leaves the code empty shows the second factor on the next page.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

from pharmacy.domain.errors import Refusal
from pharmacy.domain.sign_in_limit import Limit
from pharmacy.persistence import bags, people, sign_ins
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.people import Person
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import second_factor, throttling
from pharmacy.services.surroundings import Surroundings
from pharmacy.services.units import Units

IDLE_LIMIT = timedelta(minutes=15)
ABSOLUTE_LIMIT = timedelta(hours=12)
_LIMITED_LIMIT = timedelta(hours=1)
_SEEN_EVERY = timedelta(seconds=60)
NO_MATCH = (
    "User name, password and code do not match. Check them and try again; each code works once."
)
_NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
)


@dataclass(frozen=True)
class Proof:
    """What a person has shown at the door; `asked` is whether a second factor is asked of them.

    Who has none yet comes in by the password, and as far as setting one up (`must_set_up`).
    """

    password: bool = False
    second_factor: bool = False
    asked: bool = False

    def is_enough(self) -> bool:
        """Whether it opens everything.

        A code break never waits for a second factor: the password alone opens that
        (`second_step.to_break`), and whoever has no authenticator yet is let through to it.
        """
        return self.password and (self.second_factor or not self.asked)


@dataclass(frozen=True)
class Compared:
    """A password that was compared before the act began, and with which stored form.

    The slow step holds no lock meanwhile: SQLite has one for all writers.
    """

    phc: str
    matches: bool


@dataclass(frozen=True)
class Door:
    """The answer at the door: a session's token for the cookie, or a sentence.

    `second_step` is the token of one that still lacks the second factor. `recovery_codes_left` is
    None unless one of them let the person in.
    """

    token: str = ""
    second_step: str = ""
    sentence: str = ""
    recovery_codes_left: int | None = None


def sign_in(
    uow: UnitOfWork,
    surroundings: Surroundings,
    user_name: str,
    password: str,
    whence: str,
    *,
    code: str = "",
    instead_of: str = "",
    compared: Compared | None = None,
) -> Door:
    """Begin a session. The miss is part of the answer, so the caller commits either way.

    An unknown user name costs the same hash and gets the same sentence (ASVS 6.3.8), and so does
    a wrong code. `code` is read over for a person of whom none is asked; of whom one is asked, an
    empty one leads to the second step. The session is a new one; `instead_of`, the token this
    browser had until now, ends with it (G9). `compared` is what `compare` said before; what it says
    is used and told only where the count of misses lets this try pass.
    """
    key = throttling.sign_in_key(user_name, whence)
    try:
        throttling.check(uow, key)
    except Refusal as wait:
        return Door(sentence=wait.sentence)
    person = people.by_user_name(uow.session, user_name)
    matches = password_matches(surroundings, person, password, compared)
    shown = second_factor.look(uow, surroundings, person, code)
    if person is not None and matches and shown.asked and not code.strip():
        return _first_step(uow, surroundings, person, password, instead_of)
    proof = Proof(matches, shown.accepted, shown.asked)
    enough = proof.is_enough() and (not shown.asked or second_factor.take(uow, surroundings, shown))
    if person is None or not enough:
        failures = throttling.missed(uow, key)
        record_refused(uow, person, failures)
        return Door(sentence=NO_MATCH)
    throttling.forget(uow, key)
    renewed = _renew_hash(surroundings, person, password)
    uow.record(
        INSTALLATION,
        "signed_in",
        person_id=person.id,
        subject=f"person:{person.id}",
        new={"password_hash_renewed": True} if renewed else None,
    )
    leave_behind(uow, instead_of)
    left = second_factor.recovery_codes_left(uow, person.id) if shown.recovery_id else None
    return Door(begin_session(uow, surroundings, person), recovery_codes_left=left)


def _first_step(
    uow: UnitOfWork, surroundings: Surroundings, person: Person, password: str, instead_of: str
) -> Door:
    """The password is right; the misses before it stay counted until the rest is shown, too."""
    _renew_hash(surroundings, person, password)
    uow.record(
        INSTALLATION,
        "password_accepted",
        person_id=person.id,
        subject=f"person:{person.id}",
        new={"second_factor": "not shown yet"},
    )
    leave_behind(uow, instead_of)
    return Door(second_step=begin_session(uow, surroundings, person, Limit.SECOND_STEP))


def compare(
    units: Units, surroundings: Surroundings, user_name: str, password: str, whence: str
) -> Compared | None:
    """Compare a password before the act, with nothing locked; None for a try that has to wait."""
    with units.reading() as uow:
        if throttling.must_wait(uow, throttling.sign_in_key(user_name, whence)):
            return None
        phc = _stored_form(people.by_user_name(uow.session, user_name))
    return Compared(phc, surroundings.hasher.verify(phc, password))


def password_matches(
    surroundings: Surroundings,
    person: Person | None,
    password: str,
    compared: Compared | None = None,
) -> bool:
    """Whether this is the password of a person who is here; of nobody it takes as long to say."""
    phc = _stored_form(person)
    if compared is None or compared.phc != phc:
        compared = Compared(phc, surroundings.hasher.verify(phc, password))
    return compared.matches and phc != _NOBODY


def _stored_form(person: Person | None) -> str:
    """The hash to compare with; somebody's who is nobody where there is none."""
    return (person.password_hash if person and not person.left_at else None) or _NOBODY


def begin_session(
    uow: UnitOfWork, surroundings: Surroundings, person: Person, limit: Limit | None = None
) -> str:
    """A new session for a person who has proved who they are; returns the cookie's token.

    With a `limit` the second factor was not shown, and it is good for little.
    """
    token = surroundings.random_bytes("sign-in token", 32).hex()
    uow.session.add(
        SignInSession(
            id=surroundings.new_id("sign-in session"),
            token_hash=_token_hash(token),
            person_id=person.id,
            csrf_secret=surroundings.random_bytes("csrf secret", 32),
            started_at=uow.now,
            seen_at=uow.now,
            ended_at=None,
            limited_to=limit.value if limit else None,
        )
    )
    return token


def open_session(uow: UnitOfWork, token: str, *, idle_counts: bool) -> SignInSession | None:
    """The session of a cookie while it is open, not idle too long and not too old.

    `idle_counts` is False inside the lit room, which keeps its own, sealed clock: a request
    there must leave no trace of when it came. The idle limit rests while an infusion that the
    person started runs; signing its end asks for the password.
    """
    row = sign_ins.by_token(uow.session, _token_hash(token))
    if row is None or row.ended_at is not None:
        return None
    if uow.now - row.started_at > (_LIMITED_LIMIT if row.limited_to else ABSOLUTE_LIMIT):
        return None
    idle = idle_counts and uow.now - row.seen_at > IDLE_LIMIT
    if idle and not bags.runs_an_infusion(uow.session, row.person_id):
        return None
    return row


def seen_is_due(uow: UnitOfWork, row: SignInSession) -> bool:
    """Whether the idle clock is to be moved: at most once a minute."""
    return uow.now - row.seen_at >= _SEEN_EVERY


def seen(uow: UnitOfWork, session_id: str) -> None:
    """Move the idle clock of a session."""
    row = uow.session.get(SignInSession, session_id)
    if row is not None:
        row.seen_at = uow.now


def sign_out(uow: UnitOfWork, row: SignInSession) -> None:
    """End one session."""
    row.ended_at = uow.now
    uow.record(
        INSTALLATION, "signed_out", person_id=row.person_id, subject=f"person:{row.person_id}"
    )


def csrf_token(row: SignInSession) -> str:
    """The token of a session's forms: nothing on a page comes from the clock or from chance."""
    return hmac.new(row.csrf_secret, b"csrf", hashlib.sha256).hexdigest()


def csrf_matches(row: SignInSession, token: str) -> bool:
    """Whether a form carries this session's token."""
    return hmac.compare_digest(csrf_token(row).encode(), token.encode())


def _token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def leave_behind(uow: UnitOfWork, token: str) -> None:
    """End the session that a browser had until somebody signed in there; '' for none."""
    row = sign_ins.by_token(uow.session, _token_hash(token)) if token else None
    if row is not None and row.ended_at is None:
        row.ended_at = uow.now
        uow.record(
            INSTALLATION,
            "session_replaced",
            person_id=row.person_id,
            subject=f"person:{row.person_id}",
            reason="Somebody signed in in the same browser.",
        )


def _renew_hash(surroundings: Surroundings, person: Person, password: str) -> bool:
    """Hash a password anew whose stored cost is not today's (G5)."""
    if not surroundings.hasher.needs_rehash(person.password_hash or ""):
        return False
    salt = surroundings.random_bytes("password salt", 16)
    person.password_hash = surroundings.hasher.hash(password, salt)
    return True


def record_refused(uow: UnitOfWork, person: Person | None, failures: int) -> None:
    """Who tried is not known: the entry names whose account it was, and nobody as its author.

    What was typed is not kept; people type passwords into the wrong field.
    """
    uow.record(
        INSTALLATION,
        "sign_in_refused",
        person_id=None,
        subject=f"person:{person.id}" if person else "person:unknown",
        new={"failures_in_a_row": failures},
    )


def hand_over(
    uow: UnitOfWork, surroundings: Surroundings, row: SignInSession, person: Person
) -> str:
    """Make an open session another person's, who has just proved who they are; a new token.

    At one bench two people take turns inside the lit room. The row is rewritten and its clocks
    stay, so that neither their number nor the moment tells how long the first one worked.
    """
    token = surroundings.random_bytes("lit hand-over token", 32).hex()
    row.person_id = person.id
    row.token_hash = _token_hash(token)
    row.csrf_secret = surroundings.random_bytes("lit hand-over csrf", 32)
    return token
