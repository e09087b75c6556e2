"""Rotating the study's keys: everything opens for whoever remains, and for nobody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.crypto.errors import CannotOpen
from pharmacy.crypto.signing import sign, signing_key_pair
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import participants
from pharmacy.services import people as people_verbs
from pharmacy.unblinded import (
    bag_record,
    bench,
    contexts,
    inbox,
    list_proof,
    load_certificate,
    private_record,
    resealing,
    rotation,
    trail,
    versions,
)
from pharmacy.unblinded.locked import KeysChanged
from pharmacy.unblinded.resealing import NotProved
from pharmacy.unblinded.room import OpenRoom
from pharmacy.unblinded.tables import (
    BagRecord,
    BreakShare,
    HolderKeys,
    KeyWrap,
    LitSession,
    SealedList,
    Slot,
    StudyKeys,
)
from pharmacy.unblinded.tables_keys import KeyChain, Vouch
from pharmacy.unblinded.versions import founded_bytes
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.renewal_acts import (
    HOLDERS,
    SECRETS,
    all_rooms,
    asked,
    held,
    rotate,
    share_count,
    what_opens,
)

SALINE = "sodium chloride 0.9% (placebo)"
IVIG = "immune globulin intravenous (human) 10%"
TRUSTED = "not the ones you trusted"


@pytest.fixture
def study(database_url: str) -> Iterator[LitStudy]:
    """A study with a list, a planned course, and an investigator who has tried their keys."""
    made = open_study(database_url)
    made.enrol_breaker()
    made.try_break_keys()
    made.planned("M-002")
    made.enrolled("M-003", "70")
    all_rooms(made)
    yield made
    made.trial.units.close()


def _bag(study: LitStudy) -> str:
    with study.trial.look("pharmacist") as act:
        return str(act.uow.session.scalars(sa.select(BagRecord.bag_id)).first())


def _participants(study: LitStudy) -> dict[str, str]:
    with study.trial.look("pharmacist") as act:
        found = participants.of_study(act.uow.session, study.study_id)
        return {one.code: one.id for one in found if one.state == "allocated"}


def _count(study: LitStudy, table: Any) -> int:
    with study.trial.look("pharmacist") as act:
        return act.uow.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _tamper(study: LitStudy, change: Callable[[Session], None]) -> None:
    with study.trial.act("administrator") as act:
        change(act.uow.session)
        act.record("tampered", "study")


def test_everything_opens_for_everybody_in_the_next_version(study: LitStudy) -> None:
    """K1, K11, H5: the same arm, record and trail, by each holder; and the code break compares."""
    bag = _bag(study)
    before = {who: what_opens(study, who, bag) for who in HOLDERS}
    assert rotate(study) == 2
    assert {who: what_opens(study, who, bag) for who in HOLDERS} == before
    codes = _participants(study)
    answers = [study.break_code(codes[code]) for code in ("M-002", "M-003")]
    assert [one.words for one in answers] == [SALINE, IVIG]
    assert all(one.compared for one in answers), "the investigator's pins move on by themselves"
    study.try_break_keys(granter="pharmacist")


def test_again_and_again_by_different_people(study: LitStudy) -> None:
    """Pins of version 1 move over two versions at once; so do an investigator's."""
    bag = _bag(study)
    before = what_opens(study, "statistician", bag)
    for number, who in enumerate(("pharmacist", "pharmacist2", "pharmacist"), 2):
        assert rotate(study, who) == number
    assert what_opens(study, "statistician", bag) == before
    assert what_opens(study, "checker", bag) == "planned"
    assert study.break_code(_participants(study)["M-003"]).compared


def test_nothing_of_the_former_version_is_left(study: LitStudy) -> None:
    """K1: no wrap, no share, no slot and no record opens with a former key; every room is shut."""
    old = study.room("pharmacist")
    rows = {table: _count(study, table) for table in (KeyWrap, Slot, BreakShare, BagRecord)}
    rotate(study)
    with study.trial.look("pharmacist") as act:
        session = act.uow.session
        for table in (KeyWrap, StudyKeys):
            newest = max(session.scalars(sa.select(table.version)))
            assert newest == 2
        assert set(session.scalars(sa.select(KeyWrap.version))) == {2}
        assert set(session.scalars(sa.select(Slot.key_version))) == {2}
        assert set(session.scalars(sa.select(BreakShare.key_version))) == {2}
        with pytest.raises(KeysChanged):
            bag_record.read(act, old, _bag(study))
        with pytest.raises(KeysChanged):
            trail.entries(act, old.record_key)
        forged = replace(old, version=2)
        with pytest.raises(CannotOpen):
            bag_record.read(act, forged, _bag(study))
    assert _count(study, LitSession) == 0
    assert {table: _count(study, table) for table in rows} == rows


def test_what_must_not_be_rewritten_stays_readable(study: LitStudy) -> None:
    """E4: the trail's and the inbox's former entries open by the chain of record keys."""
    study.break_code(_participants(study)["M-002"])
    rotate(study)
    rotate(study, "pharmacist2")
    study.break_code(_participants(study)["M-003"])
    room = study.room("pharmacist")
    with study.trial.look("pharmacist") as act:
        events = [entry["event"] for entry in trail.entries(act, room.record_key)]
        told = inbox.opened(act, room, "code_break")
    assert events[0] == "keys_founded"
    assert events.count(rotation.ROTATED_EVENT) == 2
    assert {said["participant"] for said in told} == {"M-002", "M-003"}


def test_a_step_in_the_middle_meets_a_sentence(study: LitStudy) -> None:
    """Whoever works with the former keys does nothing by halves, and nothing is lost."""
    old, bag = study.room("pharmacist2"), _bag(study)
    rotate(study)
    with study.trial.act("pharmacist2") as act, pytest.raises(KeysChanged, match="renewed while"):
        bench.open_bag(act, old, bag, "a-form-of-before-1")
    with study.trial.act("pharmacist2") as act, pytest.raises(KeysChanged):
        bag_record.make(act, old, bag)
    with pytest.raises(KeysChanged), study.trial.act("pharmacist2") as act:
        trail.record(act, old.record_key, "looked", "study")
    assert what_opens(study, "pharmacist2", bag)


def test_a_form_sent_before_is_the_same_form_after(study: LitStudy) -> None:
    """One effect: its fingerprint is known under the former record key too."""
    bag = _bag(study)
    code = study.trial.code(bag)
    with pytest.raises(Refusal) as first:
        study.do("pharmacist", bench.apply_inner, bag, "the-same-form-twice", code)
    rotate(study)
    with pytest.raises(Refusal) as again:
        study.do("pharmacist", bench.apply_inner, bag, "the-same-form-twice", code)
    assert again.value.sentence == first.value.sentence


@pytest.mark.parametrize("who", ["checker", "nurse", "administrator", "coordinator"])
def test_who_may_not(study: LitStudy, who: str) -> None:
    """By a holder of the list key alone (G22)."""
    room = study.room("pharmacist")
    said = replace(asked(study, "pharmacist"))
    with pytest.raises(Refusal) as refused:
        study.trial.do(who, rotation.rotate, room, said, SECRETS)
    assert refused.value.status == 403


def test_what_is_asked(study: LitStudy) -> None:
    """Password, passphrase and a reason from the list; nothing happens without one of them."""
    good = asked(study, "pharmacist")
    for wrong, error in (
        (replace(good, reason="because"), BadForm),
        (replace(good, password="not this one"), Refusal),
        (replace(good, passphrase="a b c d e f"), Refusal),
    ):
        with pytest.raises(error):
            study.do("pharmacist", rotation.rotate, wrong, SECRETS)
    blind = replace(study.room("pharmacist"), list_key=None)
    with pytest.raises(Refusal, match="list key"):
        study.trial.do("pharmacist", rotation.rotate, blind, good, SECRETS)
    assert _count(study, StudyKeys) == 1


def test_it_is_on_both_trails(study: LitStudy) -> None:
    """E1: who and why in the open, and nothing that a person typed."""
    rotate(study)
    newest = study.trial.events()[0]
    assert (newest.event, newest.person_id) == (
        rotation.ROTATED_EVENT,
        study.trial.ids["pharmacist"],
    )


def test_somebody_who_lost_the_role_gets_nothing(study: LitStudy) -> None:
    """Keys follow roles: a rotation wraps for whoever's role still asks for it."""
    study.trial.do(
        "administrator",
        people_verbs.give_roles,
        study.trial.ids["pharmacist2"],
        study.study_id,
        frozenset(),
    )
    rotate(study)
    assert held(study, "pharmacist2") == ()
    assert held(study, "pharmacist") == ("list", "record")


class _Broken:
    """`resealing.seal` that seals something else the first time."""

    def __init__(self, real: Callable[..., bytes]) -> None:
        self.real, self.times = real, 0

    def __call__(self, key: bytes, plain: bytes, *rest: Any) -> bytes:
        self.times += 1
        return self.real(key, plain[:-1] + b"?" if self.times == 1 else plain, *rest)


def test_what_is_not_proved_is_not_kept(study: LitStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    """K11: a record that does not come back as it was stops the rotation; the former stays."""
    monkeypatch.setattr(resealing, "seal", _Broken(resealing.seal))
    with pytest.raises(NotProved):
        rotate(study)
    monkeypatch.undo()
    assert _count(study, StudyKeys) == 1
    assert what_opens(study, "pharmacist2", _bag(study))


@pytest.mark.parametrize("table", [Slot, BagRecord, SealedList, BreakShare, KeyWrap])
def test_anything_altered_stops_it(study: LitStudy, table: Any) -> None:
    """K3: one byte of what is to be renewed, and nothing is."""
    column = {Slot: "envelope", BagRecord: "record", SealedList: "opening", KeyWrap: "signature"}

    def change(session: Session) -> None:
        row = session.scalars(sa.select(table)).first()
        if table is BreakShare:
            session.delete(session.get_one(HolderKeys, study.trial.ids["statistician"]))
            return
        old = getattr(row, column[table])
        setattr(row, column[table], old[:-1] + bytes([old[-1] ^ 1]))

    _tamper(study, change)
    who = "pharmacist"
    if table is KeyWrap:
        with study.trial.look(who) as act:
            first = act.uow.session.scalars(sa.select(KeyWrap)).first()
        if first is None or first.recipient != study.trial.ids[who]:
            return
    with pytest.raises(Refusal, match=TRUSTED):
        rotate(study, who)
    assert _count(study, StudyKeys) == 1


class _Inventor:
    """Somebody who writes the database and makes a version 2 of their own."""

    def __init__(self, study: LitStudy) -> None:
        self.study = study
        self.private, self.public = signing_key_pair(bytes([9]) * 32)

    def invent(self, session: Session, *, whose: str) -> None:
        """A version signed by a key of one's own, under the name of a holder."""
        study_id = self.study.study_id
        before = session.get_one(StudyKeys, (study_id, 1))
        made = StudyKeys(
            study_id=study_id,
            version=2,
            list_commitment=bytes(32),
            record_commitment=bytes([1]) * 32,
            inbox_public=before.inbox_public,
            inbox_private=before.inbox_private,
            recovery_public=before.recovery_public,
            founder_id=self.study.trial.ids[whose],
            signed_by=self.study.trial.ids[whose],
        )
        said = founded_bytes(made)
        made.signature = sign(self.private, contexts.founding(study_id, 2), said)
        session.add(made)
        session.flush()
        mine = private_record.digest_of(session.get_one(HolderKeys, made.founder_id))
        session.add(
            KeyChain(
                study_id=study_id,
                version=1,
                entries=0,
                record_key=bytes(114),
                made_by=made.founder_id,
                link=sign(
                    self.private,
                    contexts.key_link(study_id, 1),
                    versions.link_bytes(before, made, mine),
                ),
            )
        )


@pytest.mark.parametrize("whose", ["pharmacist", "statistician", "checker"])
def test_nobody_invents_a_version(study: LitStudy, whose: str) -> None:
    """K12, H5: the next version counts only with the signature of somebody believed before it."""
    _tamper(study, lambda session: _Inventor(study).invent(session, whose=whose))
    for who in HOLDERS:
        with pytest.raises(Refusal):
            study.open_room(who)
    with pytest.raises(Refusal, match="call the on-call pharmacist"):
        study.break_code(_participants(study)["M-002"])


def test_a_checker_makes_no_version(study: LitStudy) -> None:
    """Whoever holds the record key alone vouches for no list key, and signs no next version."""
    study.do("pharmacist", rotation.rotate, asked(study, "pharmacist"), SECRETS)
    checker = study.trial.ids["checker"]

    def change(session: Session) -> None:
        session.get_one(KeyChain, (study.study_id, 1)).made_by = checker

    _tamper(study, change)
    for who in ("pharmacist2", "statistician"):
        with pytest.raises(Refusal, match=TRUSTED):
            study.open_room(who)


def test_a_version_cannot_be_taken_back(study: LitStudy) -> None:
    """Whoever has seen version 2 does not go back to 1, as an old copy of the rows would be."""
    rotate(study)
    study.room("pharmacist2")

    def change(session: Session) -> None:
        session.execute(sa.update(KeyWrap).values(version=1))
        session.execute(sa.delete(Vouch).where(Vouch.version == 2))
        session.execute(sa.delete(StudyKeys).where(StudyKeys.version == 2))
        session.execute(sa.delete(KeyChain))

    _tamper(study, change)
    with pytest.raises(Refusal, match=TRUSTED):
        study.open_room("pharmacist2")


def test_who_was_enrolled_and_not_in_yet_compares_with_whoever_renewed(
    sqlite_url: str,
) -> None:
    """Their wraps are signed by the rotating holder now, and so are the words they compare."""
    study = open_study(sqlite_url)
    rotate(study)
    with pytest.raises(BadForm):
        study.open_room("checker", "statistician")
    assert isinstance(study.open_room("checker", "pharmacist"), OpenRoom)


def test_a_dead_version_number_is_nowhere(study: LitStudy) -> None:
    """A list loaded in version 1 keeps its certificate; the pins keep its commitment."""
    rotate(study)
    with study.trial.look("statistician") as act:
        loaded = act.uow.session.get_one(SealedList, study.study_id)
        assert (loaded.loaded_version, loaded.key_version) == (1, 2)
        assert versions.in_force(act).version == 2
        text = load_certificate.certificate_file(act)
    assert list_proof.is_signed(list_proof.read(text))
    assert share_count(study) == 12
