"""Who can open the list, by their own secrets and what stands in the database (K1; H5)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.wrapping import key_pair, unwrap, wrap
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts
from pharmacy.unblinded.arm import Arm, reveal
from pharmacy.unblinded.recovery_halves import join_sheets
from pharmacy.unblinded.tables import ARM_SIZE, KEY_SIZE, KeyWrap, Slot, StudyKeys
from tests.support.lit_builders import ARMS, LitStudy, open_study
from tests.unblinded.sealed_things import unlocked

NURSE_PRIVATE, NURSE_PUBLIC = key_pair(bytes([7]) * 32)
WORDS = {"1": "ivig", "2": "saline"}


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A list of twelve with its holders, and an investigator who can break codes."""
    made = open_study(sqlite_url)
    made.enrol_breaker()
    return made


def _recovery(study: LitStudy, public: bytes) -> bytes:
    assert study.recovery is not None
    first, second = study.recovery.words("A1", "B1")
    return join_sheets(study.study_id, public, first, second).private


def opened(study: LitStudy) -> dict[str, int]:
    """How many envelopes each private key opens, rightly, by any wrap in the database."""
    names = {person_id: who for who, person_id in study.trial.ids.items()}
    with study.trial.look("statistician") as act:
        public = act.uow.session.get_one(StudyKeys, (study.study_id, 1)).recovery_public
        people = unlocked(act, study)
        own = {names[one]: each.record.exchange_private for one, (_, each) in people.items()}
        publics = {one: keys.exchange_public for one, (keys, _) in people.items()}
        publics |= {"recovery": public, study.trial.ids["nurse"]: NURSE_PUBLIC}
        tried = {**own, "recovery": _recovery(study, public), "nurse": NURSE_PRIVATE}
        return {who: _opened(act, private, publics) for who, private in tried.items()}


def _opened(act: Act, private: bytes, publics: dict[str, bytes]) -> int:
    keys = []
    for row in act.uow.session.scalars(sa.select(KeyWrap)):
        said = (row.study_id, row.version, row.key_name, row.recipient, publics[row.recipient])
        try:
            keys.append(unwrap(private, row.wrapped, contexts.key_wrap(*said)))
        except CannotOpen:
            continue
    slots = act.uow.session.scalars(sa.select(Slot).order_by(Slot.number)).all()
    return sum(_is_right(slot, key) for slot in slots for key in keys)


def _is_right(slot: Slot, list_key: bytes) -> bool:
    place = (slot.study_id, slot.key_version, slot.stratum, slot.number)
    try:
        key = open_sealed(list_key, slot.slot_key, KEY_SIZE, contexts.slot_key(*place))
        arm = open_sealed(key, slot.envelope, ARM_SIZE, contexts.envelope(*place))
    except CannotOpen:
        return False
    return reveal(Arm.from_bytes(arm)) == WORDS[ARMS[slot.number - 1]]


NOBODY = {"checker": 0, "investigator": 0, "nurse": 0}
HOLDERS = {"statistician": 12, "pharmacist": 12, "pharmacist2": 12, "recovery": 12}


def test_each_holder_and_the_recovery_key_open_all_and_nobody_else_any(study: LitStudy) -> None:
    """K1: the checker holds the record key alone, the investigator halves, the nurse nothing."""
    assert opened(study) == {**HOLDERS, **NOBODY}


def test_control_a_wrap_for_the_nurse_is_found(study: LitStudy) -> None:
    """The plant of K1: somebody in the server wraps the list key to whom nobody enrolled."""
    nurse = study.trial.ids["nurse"]
    list_key = study.room("statistician").list_key
    assert list_key is not None
    where = contexts.key_wrap(study.study_id, 1, "list", nurse, NURSE_PUBLIC)
    with study.trial.act("administrator") as act:
        granter = study.trial.ids["statistician"]
        act.uow.session.add(
            KeyWrap(
                study_id=study.study_id,
                version=1,
                recipient=nurse,
                key_name="list",
                wrapped=wrap(NURSE_PUBLIC, list_key, where),
                granted_by=granter,
                signature=bytes(64),
                opened=False,
            )
        )
        act.record("planted", f"study:{study.study_id}")
    assert opened(study) == {**HOLDERS, **NOBODY, "nurse": 12}
