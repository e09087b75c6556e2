"""Setting up an authenticator: a key, a code that proves it, and ten recovery codes.

Key and codes follow from the session's own random secret and from the server's, so that a page
opened twice shows the same ones and nothing is stored of a key before a code of it was shown.
"""

from __future__ import annotations

from dataclasses import dataclass

from pharmacy.domain.errors import BadForm, WrongPassword
from pharmacy.persistence import authenticators, bags, sign_ins
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.authenticators import Authenticator, AuthenticatorUse, RecoveryCode
from pharmacy.persistence.sign_ins import SignInSession
from pharmacy.services import throttling
from pharmacy.services.act import Act
from pharmacy.services.second_factor import (
    SEALED_SECRET,
    SECRET_BYTES,
    hash_of_code,
    look,
    recovery_codes_left,
    seal,
    seal_step,
    take,
)

ISSUER = "Twinbag"
RECOVERY_CODES = 10
# 120 bits each: past the 112 from which a plain hash is enough (ASVS 6.5.2).
_RECOVERY_BYTES, _RECOVERY_LETTERS = 15, 24
_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_NOT_OF_THIS = (
    "This is not the code of the key shown here. Scan it once more, or type the key, and "
    "wait for the next code. The phone's clock must be right to half a minute."
)
_NOT_BOTH = "Password and present code do not match. Nothing was changed; try again."


@dataclass(frozen=True)
class SetUp:
    """What the page for setting up shows. `replaces`: there is an authenticator already."""

    address: str
    key: str
    replaces: bool
    recovery_codes_left: int


def to_set_up(act: Act, session: SignInSession) -> SetUp:
    """The key for a new authenticator: the same one through a whole sign-in."""
    row = authenticators.of(act.uow.session, act.person.id)
    secret, known = _new_secret(act, session, row), act.surroundings.authenticators
    return SetUp(
        known.address(secret, act.person.user_name, ISSUER),
        known.typed(secret),
        row is not None,
        recovery_codes_left(act.uow, act.person.id),
    )


def set_up(
    act: Act, session: SignInSession, code: str, password: str = "", present_code: str = ""
) -> None:
    """Make the shown key the person's authenticator, for a code of it; with new recovery codes.

    A first code that does not fit is `BadForm`. To replace an authenticator takes the password
    and a code of the present one, or a recovery code (ASVS 7.5.1): `WrongPassword` for both alike.
    Other sessions of the person end, unless an infusion runs in one.
    """
    row = authenticators.of(act.uow.session, act.person.id)
    secret = _new_secret(act, session, row)
    step = act.surroundings.authenticators.step_of(secret, code, act.now)
    if step is None:
        raise BadForm({"one_time_code": _NOT_OF_THIS})
    if row is not None:
        _prove_again(act, password, present_code)
    authenticators.forget(act.uow.session, act.person.id)
    act.uow.session.flush()
    sealed = seal(act.surroundings, SEALED_SECRET, act.person.id, secret)
    _keep(act, session, sealed, step)
    if not bags.runs_an_infusion(act.uow.session, act.person.id):
        sign_ins.end_others(act.uow.session, act.person.id, session.id, act.now)
    act.uow.record(
        INSTALLATION,
        "authenticator_set_up",
        person_id=act.person.id,
        subject=f"person:{act.person.id}",
        new={"recovery_codes": RECOVERY_CODES, "replaces": row is not None},
    )


def recovery_codes(act: Act, session: SignInSession) -> tuple[str, ...]:
    """The recovery codes in groups, to the sign-in that made them, until they are kept; else ()."""
    row = authenticators.of(act.uow.session, act.person.id)
    if row is None or row.codes_kept:
        return ()
    codes = _draw_codes(act, session, row.secret)
    hashes = {hash_of_code(act.person.id, code) for code in codes}
    if not authenticators.recovery_hashes(act.uow.session, act.person.id) <= hashes:
        return ()
    return tuple(
        " ".join(code[at : at + 4] for at in range(0, _RECOVERY_LETTERS, 4)) for code in codes
    )


def keep_recovery_codes(act: Act) -> None:
    """The person has written the codes down: they are not shown again."""
    row = authenticators.of(act.uow.session, act.person.id)
    if row is None or row.codes_kept:
        return
    row.codes_kept = True
    act.uow.record(
        INSTALLATION,
        "recovery_codes_kept",
        person_id=act.person.id,
        subject=f"person:{act.person.id}",
    )


def _prove_again(act: Act, password: str, present_code: str) -> None:
    key = throttling.signing_key(act.person.id)
    throttling.check(act.uow, key)
    phc = act.person.password_hash
    matches = phc is not None and act.surroundings.hasher.verify(phc, password)
    shown = look(act.uow, act.surroundings, act.person, present_code)
    if not (matches and take(act.uow, act.surroundings, shown)):
        raise WrongPassword(_NOT_BOTH, 403)
    throttling.forget(act.uow, key)


def _keep(act: Act, session: SignInSession, sealed: bytes, step: int) -> None:
    person_id, added = act.person.id, act.uow.session.add
    added(Authenticator(person_id=person_id, secret=sealed, set_up_at=act.now, codes_kept=False))
    last_step = seal_step(act.surroundings, person_id, step)
    added(AuthenticatorUse(person_id=person_id, last_step=last_step))
    for code in _draw_codes(act, session, sealed):
        added(
            RecoveryCode(
                id=act.new_id("recovery code"),
                person_id=person_id,
                code_hash=hash_of_code(person_id, code),
                used_at=None,
            )
        )
    act.uow.session.flush()


def _new_secret(act: Act, session: SignInSession, present: Authenticator | None) -> bytes:
    seed = session.csrf_secret + (present.secret if present else b"")
    return act.surroundings.authenticators.draw(f"secret of {act.person.id}", seed, SECRET_BYTES)


def _draw_codes(act: Act, session: SignInSession, sealed: bytes) -> list[str]:
    drawn = act.surroundings.authenticators.draw(
        f"recovery codes of {act.person.id}",
        session.csrf_secret + sealed,
        RECOVERY_CODES * _RECOVERY_BYTES,
    )
    return [
        _letters(drawn[at : at + _RECOVERY_BYTES]) for at in range(0, len(drawn), _RECOVERY_BYTES)
    ]


def _letters(drawn: bytes) -> str:
    number = int.from_bytes(drawn, "big")
    places = range(_RECOVERY_LETTERS - 1, -1, -1)
    return "".join(_LETTERS[number >> 5 * place & 31] for place in places)
