"""Whoever can write the database cannot make a holder trust what they wrote (K2, K12, K13).

Each test changes stored rows as a thief with a database shell would, and opens the room again.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.crypto.aead import seal
from pharmacy.crypto.commitments import commit, keyed_digest
from pharmacy.crypto.signing import sign, signing_key_pair
from pharmacy.crypto.wrapping import key_pair, wrap
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence.audit import AuditEntry
from pharmacy.unblinded import contexts, pins, private_record
from pharmacy.unblinded import room as rooms
from pharmacy.unblinded.granting import vouched_bytes
from pharmacy.unblinded.tables import (
    ARM_SIZE,
    KEY_SIZE,
    HolderKeys,
    KeyWrap,
    LitAuditEntry,
    SealedList,
    Slot,
    StudyKeys,
)
from pharmacy.unblinded.versions import founded_bytes
from tests.support.lit_builders import PEPPER, LitStudy, open_study

OPENERS = ("statistician", "pharmacist", "checker")


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Everybody has opened the room once, after the list was loaded and two slots were taken."""
    made = open_study(sqlite_url, enrolled=("M-001", "M-002"))
    for who in (*OPENERS, "pharmacist2"):
        made.open_room(who)
    return made


def _tamper(study: LitStudy, change: Callable[[Session], None]) -> None:
    """A change that leaves no entry and asks no trigger's leave, as a thief would make it."""
    with study.trial.engine.begin() as connection:
        for name in ("audit_entry", "lit_audit_entry", "audit_head", "lit_audit_head"):
            rows = connection.execute(
                sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :t"),
                {"t": name},
            )
            for (trigger,) in rows.all():
                connection.execute(sa.text(f'DROP TRIGGER "{trigger}"'))
        with Session(bind=connection) as session:
            change(session)
            session.flush()


def _refused(study: LitStudy, *people: str) -> None:
    for who in people or OPENERS:
        with pytest.raises(Refusal, match="not the ones you trusted"):
            study.open_room(who)


def _slots(session: Session, number: int, other: int) -> tuple[Slot, Slot]:
    rows = session.scalars(sa.select(Slot).where(Slot.number.in_((number, other)))).all()
    return rows[0], rows[1]


def test_untouched_it_opens(study: LitStudy) -> None:
    """The other tests would prove nothing otherwise."""
    _tamper(study, lambda session: None)
    for who in OPENERS:
        assert study.open_room(who).record_key


@pytest.mark.parametrize("columns", [("envelope",), ("slot_key",), ("slot_key", "envelope")])
def test_two_slots_exchanged(study: LitStudy, columns: tuple[str, ...]) -> None:
    """Envelopes, their keys, or both (H3)."""

    def change(session: Session) -> None:
        one, other = _slots(session, 1, 3)
        for name in columns:
            mine, theirs = getattr(one, name), getattr(other, name)
            setattr(one, name, theirs)
            setattr(other, name, mine)

    _tamper(study, change)
    _refused(study)


def test_two_slots_renumbered(study: LitStudy) -> None:
    """The number is in what the loader signed."""

    def change(session: Session) -> None:
        one, other = _slots(session, 5, 6)
        one.number = 99
        session.flush()
        other.number = 5
        session.flush()
        one.number = 6

    _tamper(study, change)
    _refused(study)


def test_two_participants_exchanged(study: LitStudy) -> None:
    """Who sits in which slot stands in the clear; the two trails together say it too (C3)."""

    def change(session: Session) -> None:
        one, other = _slots(session, 1, 2)
        mine, theirs = one.participant_id, other.participant_id
        one.participant_id = None
        session.flush()
        other.participant_id = mine
        session.flush()
        one.participant_id = theirs

    _tamper(study, change)
    _refused(study)


def test_a_participant_put_into_a_slot_by_hand(study: LitStudy) -> None:
    """A place that no act gave."""
    third = study.eligible("M-003")

    def change(session: Session) -> None:
        session.execute(sa.update(Slot).where(Slot.number == 3).values(participant_id=third))

    _tamper(study, change)
    _refused(study)


def test_the_blinded_entry_of_an_allocation_rewritten(study: LitStudy) -> None:
    """Its hash is inside the sealed entry."""

    def change(session: Session) -> None:
        query = sa.select(AuditEntry).where(AuditEntry.event == "participant_allocated")
        row = session.scalars(query.order_by(AuditEntry.seq)).first()
        assert row is not None
        row.subject = "participant:M-002"
        row.body = row.body.replace(b"participant:M-001", b"participant:M-002")

    _tamper(study, change)
    _refused(study)


def test_a_sealed_entry_moved(study: LitStudy) -> None:
    """An entry of the unblinded trail opens at its own number only."""

    def change(session: Session) -> None:
        rows = session.scalars(sa.select(LitAuditEntry).order_by(LitAuditEntry.seq)).all()
        rows[-1].body, rows[-2].body = rows[-2].body, rows[-1].body

    _tamper(study, change)
    _refused(study)


@pytest.mark.parametrize("whose", ["statistician", "pharmacist2"])
def test_holder_keys_replaced(study: LitStudy, whose: str) -> None:
    """Another public key under a holder's name: everybody who has pinned that holder sees it."""

    def change(session: Session) -> None:
        row = session.get_one(HolderKeys, study.trial.ids[whose])
        row.exchange_public = key_pair(bytes(range(32)))[1]
        row.signing_public = signing_key_pair(bytes(range(32)))[1]

    _tamper(study, change)
    _refused(study, *(["statistician"] if whose == "pharmacist2" else ["pharmacist", "checker"]))


def test_a_wrap_of_another_key(study: LitStudy) -> None:
    """A record key of the thief's own, wrapped correctly to the pharmacist."""

    def change(session: Session) -> None:
        keys = session.get_one(HolderKeys, study.trial.ids["pharmacist"])
        row = session.get_one(KeyWrap, (study.study_id, 1, keys.person_id, "record"))
        context = contexts.key_wrap(
            study.study_id, 1, "record", keys.person_id, keys.exchange_public
        )
        row.wrapped = wrap(keys.exchange_public, bytes(range(32)), context)

    _tamper(study, change)
    _refused(study, "pharmacist")
    assert study.open_room("statistician")


@pytest.mark.parametrize("column", ["wrapped", "signature", "granted_by"])
def test_a_wrap_altered(study: LitStudy, column: str) -> None:
    """Bytes, signature or granter."""

    def change(session: Session) -> None:
        row = session.get_one(KeyWrap, (study.study_id, 1, study.trial.ids["pharmacist"], "list"))
        value = getattr(row, column)
        other = study.trial.ids["pharmacist2"] if column == "granted_by" else bytes(len(value))
        setattr(row, column, other)

    _tamper(study, change)
    _refused(study, "pharmacist")


class _Thief:
    """Keys of one's own for everything, and a consistent set of signatures over them."""

    def __init__(self, study: LitStudy) -> None:
        self.study = study
        self.list_key, self.record_key = bytes([1]) * 32, bytes([2]) * 32
        self.private, self.public = signing_key_pair(bytes([3]) * 32)

    def replace_study_keys(self, session: Session) -> None:
        """Study keys, founder's keys, every wrap and every signature, together."""
        study_id = self.study.study_id
        founder = session.get_one(HolderKeys, self.study.trial.ids["statistician"])
        founder.signing_public = self.public
        keys = session.get_one(StudyKeys, (study_id, 1))
        keys.list_commitment = keyed_digest(
            self.list_key, contexts.study_key(study_id, 1, "list")
        )
        keys.record_commitment = keyed_digest(
            self.record_key, contexts.study_key(study_id, 1, "record")
        )
        keys.signature = sign(self.private, contexts.founding(study_id, 1), founded_bytes(keys))
        for row in session.scalars(sa.select(KeyWrap).where(KeyWrap.recipient != "recovery")):
            holder = session.get_one(HolderKeys, row.recipient)
            secret = self.list_key if row.key_name == "list" else self.record_key
            context = contexts.key_wrap(
                study_id, 1, row.key_name, row.recipient, holder.exchange_public
            )
            row.wrapped = wrap(holder.exchange_public, secret, context)
            said = vouched_bytes(
                row.wrapped, private_record.digest_of(holder), private_record.digest_of(founder)
            )
            row.signature = sign(self.private, context, said)

    def replace_list(self, session: Session) -> None:
        """Every envelope under the thief's keys, and a commitment and signature that fit them."""
        study_id = self.study.study_id
        rows = session.scalars(sa.select(Slot).order_by(Slot.number)).all()
        for row in rows:
            place = (study_id, 1, row.stratum, row.number)
            key, salt = bytes([row.number]) * 32, bytes([100 + row.number]) * 32
            row.slot_key = seal(self.list_key, key, KEY_SIZE, contexts.slot_key(*place), salt)
            row.envelope = seal(key, bytes(32), ARM_SIZE, contexts.envelope(*place), salt)
        session.flush()
        acting = SimpleNamespace(
            uow=SimpleNamespace(session=session), in_study=SimpleNamespace(id=study_id)
        )
        digest = pins.slots_digest(acting)  # type: ignore[arg-type]
        loaded = session.get_one(SealedList, study_id)
        loaded.commitment = commit(bytes([4]) * 32, b"another list")
        loaded.slots_digest = digest
        loaded.signature = sign(
            self.private, contexts.list_signature(study_id, 1), loaded.commitment + digest
        )


def test_study_keys_and_signatures_replaced_together(study: LitStudy) -> None:
    """A whole consistent set of somebody else's, the founder's public key included."""
    _tamper(study, _Thief(study).replace_study_keys)
    _refused(study, "pharmacist", "checker")


def test_list_and_signature_replaced_together(study: LitStudy) -> None:
    """K12: signed by the thief, whom nobody has pinned, whatever name stands beside it."""
    thief = _Thief(study)
    _tamper(study, thief.replace_list)
    _refused(study)


def test_control_a_list_that_nobody_signed_for_would_be_believed(
    study: LitStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plant of K12: a list counts without its loader's signature, and the thief's is taken."""
    monkeypatch.setattr(pins, "check_list", lambda *_: None)
    _tamper(study, _Thief(study).replace_list)
    for who in OPENERS:
        study.open_room(who)


def test_everything_replaced_together(study: LitStudy) -> None:
    """K12: keys, list and signatures at once: the pins stand where the thief cannot write."""
    thief = _Thief(study)

    def change(session: Session) -> None:
        thief.replace_study_keys(session)
        thief.replace_list(session)

    _tamper(study, change)
    _refused(study, "pharmacist", "checker")


def test_the_first_opening_compares_words(sqlite_url: str) -> None:
    """K13: before there are pins, the granter's six words stand against a swap (H5)."""
    study = open_study(sqlite_url)
    words = study.six_words("statistician")
    _tamper(study, _Thief(study).replace_study_keys)
    assert study.six_words("statistician") != words
    passphrase = study.passphrases["pharmacist"]
    with pytest.raises(BadForm, match="six words of the person who enrolled you"):
        study.trial.do("pharmacist", rooms.open_room, "no session", passphrase, words, PEPPER)


def test_the_list_withdrawn(study: LitStudy) -> None:
    """A list that was pinned cannot be gone."""

    def change(session: Session) -> None:
        session.execute(sa.delete(SealedList))

    _tamper(study, change)
    _refused(study)


def test_a_private_record_exchanged(study: LitStudy) -> None:
    """Somebody else's sealed record under one's own name opens with neither passphrase."""

    def change(session: Session) -> None:
        mine = session.get_one(HolderKeys, study.trial.ids["pharmacist"])
        theirs = session.get_one(HolderKeys, study.trial.ids["pharmacist2"])
        mine.private_record, mine.salt = theirs.private_record, theirs.salt

    _tamper(study, change)
    for words in (study.passphrases["pharmacist"], study.passphrases["pharmacist2"]):
        study.passphrases["pharmacist"] = words
        with pytest.raises(Refusal, match="not the passphrase"):
            study.open_room("pharmacist")
