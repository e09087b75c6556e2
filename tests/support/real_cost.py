"""One investigator whose password and keys cost what they cost in production.

Everything else of a study is made with the cheap derivation, or each test would take minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pharmacy.crypto.deriving import Argon2Deriver
from pharmacy.crypto.passwords import PASSWORD_SALT_LENGTH, Argon2Hasher
from pharmacy.domain.roles import Permission
from pharmacy.persistence import people
from pharmacy.unblinded import holders
from tests.support.builders import PASSWORD
from tests.support.lit_builders import PEPPER, LitStudy


def breaks_at_real_cost(study: LitStudy, who: str = "investigator") -> None:
    """Enrol an investigator whose sign-in and break take Argon2id as the product sets it."""
    with study.trial.act(who) as act:
        person = people.person(act.uow.session, act.person.id)
        assert person is not None
        person.password_hash = Argon2Hasher().hash(PASSWORD, os.urandom(PASSWORD_SALT_LENGTH))
        act.record("password_hashed_by_test", f"person:{person.id}")
    words = _do(study, who, holders.make, PEPPER, Permission.BREAK_CODE)
    _do(study, who, holders.confirm, words, PEPPER, Permission.BREAK_CODE)
    study.passphrases[who] = words
    study.enrol_breaker(who)


def _do(study: LitStudy, who: str, verb: Callable[..., Any], *args: Any) -> Any:
    with study.trial.act(who) as act:
        slow = replace(act.surroundings, deriver=Argon2Deriver())
        return verb(replace(act, surroundings=slow), *args)
