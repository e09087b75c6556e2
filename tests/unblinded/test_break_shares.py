"""Both halves of a slot's key, what makes them, and what spoils them (J1, H3, K8)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import join
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.domain.roles import Role
from pharmacy.persistence import marks
from pharmacy.unblinded import break_shares, contexts, holders, private_record
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import (
    KEY_SIZE,
    BreakShare,
    HolderKeys,
    Slot,
)
from tests.support.builders import add_person
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study
from tests.unblinded.break_acts import IVIG, PHONE, SALINE, events, participant_id, rewrite, rows


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants with a place, group 2 and group 1, and an investigator with shares."""
    made = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    made.enrol_breaker()
    return made


def test_two_investigators_break_each_with_their_own_halves(study: LitStudy) -> None:
    """One's shares are of no use to the other."""
    study.trial.ids["second"] = add_person(study.trial, "second", "Ben Ortiz", Role.INVESTIGATOR)
    study.enrol_breaker("second", by="statistician")
    one = participant_id(study)
    assert study.break_code(one, "second").words == study.break_code(one).words == IVIG
    assert rows(study, marks.LearnedArm) == 2


@pytest.mark.parametrize("by", ["pharmacist", "statistician"])
def test_a_list_loaded_after_the_enrolment_brings_its_shares(sqlite_url: str, by: str) -> None:
    """In the loading's own transaction; the enrolment is believed by its granter's signature."""
    made = open_study(sqlite_url, loaded=False)
    made.enrol_breaker(by=by)
    assert rows(made, BreakShare) == 0
    made.load()
    assert rows(made, BreakShare) == 12
    made.enrolled("M-002")
    assert made.break_code(participant_id(made, "M-002")).words == SALINE


def test_an_enrolment_that_nobody_signed_stops_the_loading(sqlite_url: str) -> None:
    """Somebody who writes the database cannot make an investigator."""
    made = open_study(sqlite_url, loaded=False)
    made.enrol_breaker()
    rewrite(made, "UPDATE lit_break_enrolment SET signature = zeroblob(64)")
    with pytest.raises(Refusal):
        made.load()
    assert rows(made, BreakShare) == 0


def test_keys_exchanged_after_the_enrolment_stop_the_loading(sqlite_url: str) -> None:
    made = open_study(sqlite_url, loaded=False)
    made.enrol_breaker()
    rewrite(made, "UPDATE lit_holder_keys SET exchange_public = :x WHERE person_id = :p",
             x=b"\x09" * 32, p=made.trial.ids["investigator"])  # fmt: skip
    with pytest.raises(Refusal):
        made.load()


def _flip(column: str) -> str:
    return f"UPDATE lit_break_share SET {column} = :flipped WHERE number = 2"


@pytest.mark.parametrize("column", ["wrapped_half", "kept_half", "signature"])
@pytest.mark.parametrize("resigned", [False, True])
def test_a_flipped_bit_of_a_share_is_one_sentence(
    study: LitStudy, column: str, resigned: bool
) -> None:
    """Whatever was changed, nothing opens and the sentence is the same; nobody is marked."""
    with study.trial.look("investigator") as act:
        row = act.uow.session.scalars(sa.select(BreakShare).where(BreakShare.number == 2)).one()
        flipped = bytearray(getattr(row, column))
    flipped[40] ^= 1
    rewrite(study, _flip(column), flipped=bytes(flipped))
    with pytest.raises(Refusal, match=f"^Your keys do not open .*{PHONE}") as refused:
        study.break_code(participant_id(study))
    assert refused.value.status == 409
    assert "code_break_shown" not in events(study)
    assert rows(study, marks.LearnedArm) == 0


@pytest.mark.parametrize("column", ["wrapped_half", "kept_half", "signature"])
def test_another_slots_half_is_refused(study: LitStudy, column: str) -> None:
    """A share moved to another place of the list opens nothing there."""
    rewrite(
        study,
        f"UPDATE lit_break_share SET {column} = "
        f"(SELECT s.{column} FROM lit_break_share s WHERE s.number = 1) WHERE number = 2",
    )
    with pytest.raises(Refusal, match=PHONE):
        study.break_code(participant_id(study))


def test_another_investigators_share_is_refused(study: LitStudy) -> None:
    study.trial.ids["second"] = add_person(study.trial, "second", "Ben Ortiz", Role.INVESTIGATOR)
    study.enrol_breaker("second")
    own = study.trial.ids["investigator"]
    for column in ("wrapped_half", "kept_half", "signature"):
        rewrite(
            study,
            f"UPDATE lit_break_share SET {column} = (SELECT s.{column} FROM lit_break_share s "
            "WHERE s.person_id <> :own AND s.number = 2) WHERE number = 2 AND person_id = :own",
            own=own,
        )
    with pytest.raises(Refusal, match=PHONE):
        study.break_code(participant_id(study))


def test_one_half_alone_opens_nothing_and_both_open_one_slot(study: LitStudy) -> None:
    """K8: the control is that both halves together do open that slot, and no other."""
    with study.trial.look("investigator") as act:
        keys = holders.keys_of(act, act.person.id)
        granter = holders.keys_of(act, study.trial.ids["pharmacist"])
        assert keys is not None
        assert granter is not None
        unlocked = private_record.unlock(
            keys, study.passphrases["investigator"], act.surroundings.deriver, PEPPER
        )
        share = break_shares.share(act, "", 2)
        assert share is not None
        private = unlocked.record.exchange_private
        halves = break_shares.open_halves(share, keys, private, [granter], BREAK_KEY)
        slots = {row.number: row for row in act.uow.session.scalars(sa.select(Slot))}
    whole = join(halves.own, halves.kept)
    opened = []
    for number, slot in slots.items():
        context = contexts.envelope(slot.study_id, slot.key_version, slot.stratum, number)
        for name, key in (("own", halves.own), ("kept", halves.kept), ("both", whole)):
            try:
                open_sealed(key, slot.envelope, KEY_SIZE, context)
                opened.append((number, name))
            except CannotOpen:
                continue
    assert opened == [(2, "both")]
    with pytest.raises(CannotOpen):
        break_shares.open_halves(share, keys, private, [granter], bytes(32))
    with pytest.raises(CannotOpen):
        break_shares.open_halves(share, keys, bytes(31) + b"\x01", [granter], BREAK_KEY)


def test_a_thief_of_database_and_settings_opens_nothing(study: LitStudy) -> None:
    """The server's halves all open with the settings; without a passphrase they are chance."""
    with study.trial.look("investigator") as act:
        shares = act.uow.session.scalars(sa.select(BreakShare)).all()
        slots = act.uow.session.scalars(sa.select(Slot)).all()
        keys = act.uow.session.scalars(sa.select(HolderKeys)).all()
    kept = []
    for share in shares:
        place = (share.study_id, share.key_version, share.stratum, share.number, share.person_id)
        context = contexts.break_half("kept", *place)
        kept.append(open_sealed(BREAK_KEY, share.kept_half, KEY_SIZE, context))
    assert len(set(kept)) == 12
    tried = [*kept, BREAK_KEY, PEPPER, *(one.exchange_public for one in keys)]
    for slot in slots:
        context = contexts.envelope(slot.study_id, slot.key_version, slot.stratum, slot.number)
        for key in tried:
            with pytest.raises(CannotOpen):
                open_sealed(key, slot.envelope, KEY_SIZE, context)


def test_wrong_words_make_no_shares(study: LitStudy) -> None:
    study.trial.ids["second"] = add_person(study.trial, "second", "Ben Ortiz", Role.INVESTIGATOR)
    study.make_break_keys("second")
    given = (study.trial.ids["second"], study.six_words("investigator"))
    with pytest.raises(BadForm):
        study.do("pharmacist", break_shares.enrol, *given, study.passphrases["pharmacist"],
                 PEPPER, BREAK_KEY)  # fmt: skip
    assert rows(study, BreakShare) == 12


def test_a_checker_makes_no_shares(study: LitStudy) -> None:
    with pytest.raises(Refusal) as refused:
        study.do("checker", break_shares.enrol, study.trial.ids["investigator"], "", "", PEPPER,
                 BREAK_KEY)  # fmt: skip
    assert refused.value.status == 403


def test_enrolling_twice_changes_nothing(study: LitStudy) -> None:
    before = events(study)
    study.enrol_breaker()
    assert events(study) == before


@pytest.mark.parametrize("lacks", ["passphrase", "server's key", "nothing"])
def test_a_break_takes_the_investigators_half_and_the_servers(
    study: LitStudy, lacks: str
) -> None:
    """K8, by the door's own way: with either lacking nobody is told; with both the arm is."""
    one = participant_id(study)
    server = ServerSecrets(PEPPER, bytes(32) if lacks == "server's key" else BREAK_KEY)
    typed = "not these six words" if lacks == "passphrase" else study.passphrases["investigator"]
    if lacks == "nothing":
        assert study.break_code(one, server=server, passphrase=typed).words == IVIG
        return
    with pytest.raises(Refusal):
        study.break_code(one, server=server, passphrase=typed)
    assert "code_break_shown" not in events(study)
    assert rows(study, marks.LearnedArm) == 0
