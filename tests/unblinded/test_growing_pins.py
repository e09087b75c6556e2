"""Whoever can write the database can neither add a part to a list nor take one out (K12).

Each test changes stored rows as a thief with a database shell would, and opens the room again.
"""

from __future__ import annotations

import hashlib

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.crypto.aead import seal
from pharmacy.crypto.commitments import commit
from pharmacy.crypto.signing import signing_key_pair
from pharmacy.domain.errors import Refusal
from pharmacy.unblinded import contexts, list_parts
from pharmacy.unblinded.code_break import breaking
from pharmacy.unblinded.tables import (
    ARM_SIZE,
    KEY_SIZE,
    BreakEnrolment,
    ListPart,
    Slot,
    Stratum,
)
from tests.support.growth_builders import ANOTHER, BLOCK, grow
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.test_pins import OPENERS, _refused, _tamper

THIEF = signing_key_pair(bytes([3]) * 32)[0]


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Everybody has opened the room once before the list has grown by two parts."""
    made = open_study(sqlite_url, enrolled=("M-001",))
    made.enrol_breaker()
    made.try_break_keys()
    for who in OPENERS:
        made.open_room(who)
    grow(made, BLOCK)
    grow(made, ANOTHER)
    return made


def _digest(slots: list[Slot]) -> bytes:
    hashed = hashlib.sha256()
    for row in slots:
        hashed.update(contexts.slot_key(row.study_id, row.key_version, row.stratum, row.number))
        hashed.update(row.slot_key + row.envelope)
    return hashed.digest()


def _forged_part(session: Session, part: int, first: int, private: bytes = THIEF) -> None:
    """A part of the thief's own behind the others, everything about it fitting together."""
    last = session.scalars(sa.select(ListPart).order_by(ListPart.part.desc())).first()
    assert last is not None
    slots = []
    for number in range(first, first + 4):
        place = (last.study_id, 1, "", number)
        key, salt = bytes([number]) * 32, bytes([100 + number]) * 32
        made = Slot(
            id=f"{number:032x}",
            study_id=last.study_id,
            stratum="",
            number=number,
            part=part,
            key_version=1,
            slot_key=seal(bytes(32), key, KEY_SIZE, contexts.slot_key(*place), salt),
            envelope=seal(key, bytes(32), ARM_SIZE, contexts.envelope(*place), salt),
            participant_id=None,
        )
        slots.append(made)
    forged = ListPart(
        study_id=last.study_id,
        part=part,
        key_version=1,
        loaded_version=1,
        commitment=commit(bytes([4]) * 32, b"another list"),
        opening=last.opening,
        slots_digest=_digest(slots),
        loaded_by=last.loaded_by,
        source="redcap",
        dummy=True,
        seed_wrap=None,
        facts_signature=last.facts_signature,
    )
    forged.signature = list_parts.sign_part(forged, private, bytes(32))
    session.add_all([forged, *slots])
    session.execute(sa.update(Stratum).values(slots=first + 3))


def test_untouched_it_opens_and_moves_on(study: LitStudy) -> None:
    """The other tests would prove nothing otherwise: a signature moves the pins forward."""
    for who in OPENERS:
        assert study.open_room(who).record_key
        assert study.open_room(who).record_key


@pytest.mark.parametrize("seen", [True, False])
def test_a_part_taken_out(study: LitStudy, seen: bool) -> None:
    """With its slots and its count; also by who has not opened the room since it came."""
    if seen:
        for who in OPENERS:
            study.open_room(who)

    def change(session: Session) -> None:
        session.execute(sa.delete(ListPart).where(ListPart.part == 3))
        session.execute(sa.delete(Slot).where(Slot.part == 3))
        session.execute(sa.update(Stratum).values(slots=16))

    _tamper(study, change)
    _refused(study)


def test_a_part_added(study: LitStudy) -> None:
    """Signed by the thief, whatever name stands beside it."""
    _tamper(study, lambda session: _forged_part(session, 4, 21))
    _refused(study)


def test_a_part_exchanged_for_another(study: LitStudy) -> None:
    def change(session: Session) -> None:
        session.execute(sa.delete(ListPart).where(ListPart.part == 3))
        session.execute(sa.delete(Slot).where(Slot.part == 3))
        session.flush()
        _forged_part(session, 3, 17)

    _tamper(study, change)
    _refused(study)


def test_slots_without_a_part(study: LitStudy) -> None:
    """Rows behind the last part that nobody signed."""

    def change(session: Session) -> None:
        _forged_part(session, 4, 21)
        session.flush()
        session.execute(sa.delete(ListPart).where(ListPart.part == 4))

    _tamper(study, change)
    _refused(study)


@pytest.mark.parametrize(
    "column", ["commitment", "slots_digest", "signature", "loaded_by", "loaded_version"]
)
def test_what_a_part_says_altered(study: LitStudy, column: str) -> None:
    def change(session: Session) -> None:
        row = session.get_one(ListPart, (study.study_id, 2))
        value = getattr(row, column)
        others = {"loaded_by": study.trial.ids["pharmacist"], "loaded_version": 2}
        setattr(row, column, others.get(column) or bytes(len(value)))

    _tamper(study, change)
    _refused(study)


def test_two_slots_exchanged_between_parts(study: LitStudy) -> None:
    """H3: by their part, and by what is sealed in them."""

    def change(session: Session) -> None:
        session.execute(sa.update(Slot).where(Slot.number == 13).values(part=3))

    _tamper(study, change)
    _refused(study)


def test_the_order_of_parts_exchanged(study: LitStudy) -> None:
    """A part's signature covers what came before it."""

    def change(session: Session) -> None:
        for old, new in ((2, 9), (3, 2), (9, 3)):
            for table in (ListPart, Slot):
                session.execute(sa.update(table).where(table.part == old).values(part=new))

    _tamper(study, change)
    _refused(study)


def test_a_break_compares_what_the_list_grew_by(study: LitStudy) -> None:
    """K12: at a break the old pins hold for the old places, a signature for the new ones."""
    first = _participant(study)
    assert study.break_code(first).compared is True
    _tamper(study, lambda session: _forged_part(session, 4, 21))
    with pytest.raises(Refusal, match="not the ones that you compared"):
        study.break_code(first)


def test_an_investigator_learns_that_the_list_has_grown(study: LitStudy) -> None:
    """The pin moves on at the next try, by signature, and the trail says what was compared."""
    with study.trial.look("investigator") as act:
        row = act.uow.session.get_one(
            BreakEnrolment, (study.study_id, study.trial.ids["investigator"])
        )
        assert row.tried is False
    study.try_break_keys()
    tried = [entry.body for entry in study.trial.events() if entry.event == "break_keys_tried"]
    assert b'"list_parts":3' in tried[0]
    assert b"list_parts" not in tried[-1]
    assert study.break_code(_participant(study)).compared is True

    def change(session: Session) -> None:
        session.execute(sa.delete(ListPart).where(ListPart.part == 3))
        session.execute(sa.delete(Slot).where(Slot.part == 3))

    _tamper(study, change)
    with pytest.raises(Refusal, match="not the ones that you compared"):
        study.break_code(_participant(study))


def test_a_try_refuses_a_part_that_nobody_trusted_signed(study: LitStudy) -> None:
    _tamper(study, lambda session: _forged_part(session, 4, 21))
    with pytest.raises(Refusal, match="somebody changed them"):
        study.try_break_keys()


def test_nobody_signs_on_to_a_list_they_did_not_trust(study: LitStudy) -> None:
    """The open room was compared when it was opened; the loader's pins are asked once more."""
    study.room("statistician")

    def change(session: Session) -> None:
        session.execute(sa.delete(ListPart).where(ListPart.part == 3))
        session.execute(sa.delete(Slot).where(Slot.part == 3))

    _tamper(study, change)
    with pytest.raises(Refusal, match="not the ones you trusted"):
        grow(study, "2211")


def _participant(study: LitStudy) -> str:
    with study.trial.look("investigator") as act:
        return breaking.choices(act)[0].id


