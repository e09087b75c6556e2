"""What tests of the recovery key do again and again."""

from __future__ import annotations

from pharmacy.domain.roles import Role
from pharmacy.unblinded import (
    recovering,
    recovery_custody,
    recovery_reissue,
)
from pharmacy.unblinded.recovery_halves import RecoverySheets
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import StudyKeys
from tests.support.builders import PASSWORD, add_person
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy

SERVER = ServerSecrets(PEPPER, BREAK_KEY)
SHEETS = ("A1", "B1", "A2", "B2")


def public_of(study: LitStudy) -> bytes:
    with study.trial.look("statistician") as act:
        return act.uow.session.get_one(StudyKeys, (study.study_id, 1)).recovery_public


def reissue(study: LitStudy, who: str = "statistician") -> RecoverySheets:
    """New sheets by a holder who has opened the room before."""
    study.room(who)
    sheets = study.trial.do(who, recovery_reissue.reissue, study.passphrases[who], SERVER)
    study.recovery = sheets
    return sheets


def facts_of(study: LitStudy) -> recovery_custody.RecoveryFacts:
    with study.trial.look("statistician") as act:
        return recovery_custody.recovery_facts(act)


def place(study: LitStudy, name: str, **said: object) -> None:
    facts = {
        "custodian": f"Custodian {name}",
        "place": f"Building {name[1]}",
        "seal": f"S-{name}",
        "unblinded": True,
        "password": PASSWORD,
        **said,
    }
    study.do("statistician", recovery_custody.record_place, name, *facts.values())


def place_all(study: LitStudy) -> None:
    for name in SHEETS:
        place(study, name)


def newcomer(study: LitStudy, who: str = "newcomer", role: Role = Role.PHARMACIST) -> None:
    """Somebody with a role of the lit room and keys of their own, and nothing of the study's."""
    study.trial.ids[who] = add_person(study.trial, who, f"{who.title()} Person", role)
    study.make_keys(who)


def take_over(study: LitStudy, who: str = "newcomer", pair: str = "1", **said: str) -> None:
    assert study.recovery is not None
    first, second = study.recovery.words(f"A{pair}", f"B{pair}")
    given = {
        "first": first,
        "second": second,
        "reason": "left",
        "passphrase": study.passphrases[who],
        "password": PASSWORD,
        **said,
    }
    study.trial.do(who, recovering.recover, *given.values(), PEPPER)
