"""Breaking a code: both halves, one slot, written down first, marked for ever (J1 to J4, K8)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.crypto.aead import open_sealed
from pharmacy.crypto.commitments import join
from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import BadForm, Refusal, WrongPassphrase
from pharmacy.domain.roles import Permission, Role
from pharmacy.persistence import audit, marks
from pharmacy.persistence.notices import Notice
from pharmacy.services import people as people_verbs
from pharmacy.services import trails
from pharmacy.unblinded import break_shares, contexts, holders, inbox, private_record
from pharmacy.unblinded.break_story import broken_codes
from pharmacy.unblinded.code_break import breaking, own_keys
from pharmacy.unblinded.envelope import open_envelope
from pharmacy.unblinded.tables import (
    KEY_SIZE,
    BreakShare,
    HolderKeys,
    InboxRecord,
    Slot,
)
from pharmacy.unblinded.warrants import BreakWarrant, commit_break_warrant
from tests.support.builders import add_person
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study

IVIG = "immune globulin intravenous (human) 10%"
SALINE = "sodium chloride 0.9% (placebo)"
PHONE = "205-555-0142"


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants with a place, group 2 and group 1, and an investigator with shares."""
    made = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    made.enrol_breaker()
    return made


def participant_id(study: LitStudy, code: str = "M-008") -> str:
    with study.trial.look("investigator") as act:
        return next(one.id for one in breaking.choices(act) if one.code == code)


def events(study: LitStudy) -> list[str]:
    return [entry.event for entry in reversed(study.trial.events())]


def rows(study: LitStudy, table: type) -> int:
    with study.trial.look("investigator") as act:
        return int(act.uow.session.scalar(sa.select(sa.func.count()).select_from(table)))


@pytest.mark.parametrize(("code", "words"), [("M-002", SALINE), ("M-008", IVIG)])
def test_one_participants_arm_is_told_in_the_protocols_words(
    study: LitStudy, code: str, words: str
) -> None:
    """J1, J2, J3: the investigator alone, one participant, nobody's approval."""
    answer = study.break_code(participant_id(study, code))

    assert (answer.participant, answer.words) == (code, words)
    assert answer.sponsor_phone == "205-555-0199"
    assert repr(answer).find(words) == -1


def test_the_entry_comes_first_and_names_participant_and_reason(study: LitStudy) -> None:
    """J4, J5: who, whose, when, why; opened before shown."""
    before = len(events(study))
    study.break_code(participant_id(study), reason="overdose", said="Wrong bag hung at 02:50")

    assert events(study)[before:] == ["code_break_opened", "code_break_shown"]
    opened, shown = list(reversed(study.trial.events()))[before:]
    assert opened.subject == shown.subject == "participant:M-008"
    assert opened.person_id == study.trial.ids["investigator"]
    assert json.loads(opened.body)["reason"] == "overdose"
    assert "Wrong bag" not in opened.body.decode()


def test_the_pharmacy_reads_what_was_written_and_which_place(study: LitStudy) -> None:
    """The free text is sealed to the inbox; the record key opens it, and nothing else here does."""
    study.break_code(participant_id(study), said="Wrong bag hung at 02:50")

    (told,) = study.do("pharmacist", broken_codes)
    assert (told.participant, told.name, told.said) == (
        "M-008", "Ana Rivera", "Wrong bag hung at 02:50",
    )  # fmt: skip
    assert told.place == "All participants, number 2"
    assert not told.compared


def test_inbox_records_have_one_size(study: LitStudy) -> None:
    """keys.md: sealed at one size, whatever stands in it; too much is refused before anything."""
    one = participant_id(study)
    for said in ("", "x" * 1000, "\u00e9" * 500):
        study.break_code(one, said=said)
    with study.trial.look("investigator") as act:
        found = act.uow.session.scalars(sa.select(InboxRecord)).all()
    assert len(found) == 3
    assert {len(row.record) for row in found} == {2096}
    before = events(study)
    with pytest.raises(BadForm, match="too long"):
        study.break_code(one, said="x" * 1300)
    assert events(study) == before


def test_showing_again_is_another_recorded_act_and_never_refused(study: LitStudy) -> None:
    """keys.md: every showing is recorded."""
    one = participant_id(study)
    for _ in range(3):
        assert study.break_code(one).words == IVIG
    assert events(study).count("code_break_opened") == 3
    assert events(study).count("code_break_shown") == 3
    assert rows(study, Notice) == 3


def test_a_form_sent_twice_is_one_break(study: LitStudy) -> None:
    """D6: one entry, one record, one mark, one notice; each answer is a showing of its own."""
    one = participant_id(study)
    answers = [study.break_code(one, form="the-very-same-form") for _ in range(2)]

    assert [answer.words for answer in answers] == [IVIG, IVIG]
    assert events(study).count("code_break_opened") == 1
    assert events(study).count("code_break_shown") == 2
    assert (rows(study, InboxRecord), rows(study, Notice), rows(study, marks.LearnedArm)) == (
        1,
        1,
        1,
    )


def test_the_same_form_with_another_participant_is_refused(study: LitStudy) -> None:
    study.break_code(participant_id(study), form="the-very-same-form")
    with pytest.raises(Refusal, match="other contents"):
        study.break_code(participant_id(study, "M-002"), form="the-very-same-form")
    assert events(study).count("code_break_shown") == 1


def test_two_sendings_at_once_are_one_break(
    new_postgres: Callable[[], object], tmp_path: Path
) -> None:
    """On PostgreSQL both may be on their way: the record's id lets one of them write."""
    made = open_study(new_postgres().app_url, enrolled=("M-008",))  # type: ignore[attr-defined]
    made.enrol_breaker()
    one, told = participant_id(made), []
    both = threading.Barrier(2)

    def send() -> None:
        both.wait()
        told.append(made.break_code(one, form="the-very-same-form").words)

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(told)) == 1
    assert len(told) == 2
    assert events(made).count("code_break_opened") == 1
    assert rows(made, InboxRecord) == 1
    made.trial.engine.dispose()


def test_a_wrong_passphrase_opens_and_writes_nothing(study: LitStudy) -> None:
    before = events(study)
    with pytest.raises(WrongPassphrase):
        study.break_code(participant_id(study), passphrase="not these six words at all")
    assert events(study) == before
    assert rows(study, marks.LearnedArm) == 0


def test_somebody_without_shares_is_told_whom_to_call(study: LitStudy) -> None:
    """K9: no share, no keys, no list: one sentence with the on-call pharmacist's telephone."""
    one = participant_id(study)
    add = add_person(study.trial, "second", "Ben Ortiz", Role.INVESTIGATOR)
    study.trial.ids["second"] = add
    for prepared in (lambda: None, lambda: study.make_break_keys("second")):
        prepared()
        with pytest.raises(Refusal, match=PHONE):
            study.break_code(one, "second", passphrase="a b c d e f")
    assert "code_break_opened" not in events(study)


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
    _rewrite(made, "UPDATE lit_break_enrolment SET signature = zeroblob(64)")
    with pytest.raises(Refusal):
        made.load()
    assert rows(made, BreakShare) == 0


def test_keys_exchanged_after_the_enrolment_stop_the_loading(sqlite_url: str) -> None:
    made = open_study(sqlite_url, loaded=False)
    made.enrol_breaker()
    _rewrite(made, "UPDATE lit_holder_keys SET exchange_public = :x WHERE person_id = :p",
             x=b"\x09" * 32, p=made.trial.ids["investigator"])  # fmt: skip
    with pytest.raises(Refusal):
        made.load()


def _rewrite(study: LitStudy, statement: str, **values: object) -> None:
    with study.trial.engine.begin() as connection:
        changed = connection.execute(sa.text(statement), values)
        assert changed.rowcount > 0


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
    _rewrite(study, _flip(column), flipped=bytes(flipped))
    with pytest.raises(Refusal, match=f"^Your keys do not open .*{PHONE}") as refused:
        study.break_code(participant_id(study))
    assert refused.value.status == 409
    assert "code_break_shown" not in events(study)
    assert rows(study, marks.LearnedArm) == 0


@pytest.mark.parametrize("column", ["wrapped_half", "kept_half", "signature"])
def test_another_slots_half_is_refused(study: LitStudy, column: str) -> None:
    """A share moved to another place of the list opens nothing there."""
    _rewrite(
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
        _rewrite(
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


def test_a_break_that_nobody_tried_before_goes_on_and_says_so(study: LitStudy) -> None:
    """At 3 a.m. nothing is asked; after a try at a calm hour the break compares."""
    one = participant_id(study)
    assert not study.break_code(one).compared
    study.try_break_keys()
    assert study.break_code(one).compared
    told = study.do("pharmacist", broken_codes)
    assert sorted(said.compared for said in told) == [False, True]


def test_the_try_compares_the_granters_words_and_opens_no_code(study: LitStudy) -> None:
    with pytest.raises(BadForm, match="six words"):
        study.try_break_keys(granter="checker")
    study.try_break_keys()
    assert events(study)[-1] == "break_keys_tried"
    assert "code_break_opened" not in events(study)
    assert rows(study, marks.LearnedArm) == 0


def test_after_the_try_an_exchanged_granter_is_refused(study: LitStudy) -> None:
    study.try_break_keys()
    _rewrite(study, "UPDATE lit_holder_keys SET signing_public = :x WHERE person_id = :p",
             x=b"\x21" * 32, p=study.trial.ids["pharmacist"])  # fmt: skip
    with pytest.raises(Refusal, match=f"not the ones that you compared.*{PHONE}"):
        study.break_code(participant_id(study))
    assert "code_break_opened" not in events(study)


def test_after_the_try_an_exchanged_list_is_refused(study: LitStudy) -> None:
    study.try_break_keys()
    _rewrite(study, "UPDATE lit_slot SET envelope = (SELECT e.envelope FROM lit_slot e "
                    "WHERE e.number = 1) WHERE number = 9")  # fmt: skip
    with pytest.raises(Refusal, match="not the ones that you compared"):
        study.break_code(participant_id(study))


def test_a_try_before_the_list_is_loaded_pins_it_later(sqlite_url: str) -> None:
    made = open_study(sqlite_url, loaded=False)
    made.enrol_breaker()
    made.try_break_keys()
    made.load()
    made.enrolled("M-002")
    one = participant_id(made, "M-002")
    assert not made.break_code(one).compared
    made.try_break_keys()
    assert made.break_code(one).compared


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


@pytest.mark.parametrize("who", ["coordinator", "nurse", "monitor", "pharmacist", "statistician"])
def test_nobody_else_breaks_a_code(study: LitStudy, who: str) -> None:
    with pytest.raises(Refusal) as refused:
        study.break_code(participant_id(study), who, passphrase="a b c d e f")
    assert refused.value.status == 403


def test_the_mark_bars_reports_and_never_care(study: LitStudy) -> None:
    """keys.md: breaking again, participants and orders stay; trail and outcomes are barred."""
    with study.trial.look("investigator") as act:
        trails.study_trail(act)
    other = study.eligible("M-009")
    study.break_code(participant_id(study))

    with study.trial.look("investigator") as act:
        with pytest.raises(Refusal, match="learned an arm") as refused:
            trails.study_trail(act)
        assert refused.value.status == 403
        for open_still in (
            Permission.SEE_PARTICIPANTS, Permission.SIGN_ORDERS, Permission.BREAK_CODE,
        ):  # fmt: skip
            act.permit(open_still)
    assert other
    study.trial.order(participant_id(study))
    assert study.break_code(participant_id(study, "M-002")).words == SALINE
    with study.trial.look("coordinator") as act:
        trails.study_trail(act)


def test_a_marked_person_assesses_no_outcome(study: LitStudy) -> None:
    study.break_code(participant_id(study))
    wanted = frozenset({Role.OUTCOME_ASSESSOR})
    with (
        study.trial.look("administrator") as act,
        pytest.raises(Refusal, match="learned an arm"),
    ):
        people_verbs.give_roles(act, study.trial.ids["investigator"], study.study_id, wanted)


def test_the_notice_tells_no_arm_and_no_participant(study: LitStudy) -> None:
    """J6: who and when."""
    study.break_code(participant_id(study))
    with study.trial.look("pharmacist") as act:
        (notice,) = act.uow.session.scalars(sa.select(Notice))
    assert notice.sentence == (
        "The code of a participant was broken by Ana Rivera at 2 Mar 2026 08:30 CST; "
        "no arm is told here."
    )


def test_a_warrant_of_another_form_or_participant_opens_nothing(study: LitStudy) -> None:
    """Wall 4: the committed entry of this very act, and nothing else."""
    one, other = participant_id(study), participant_id(study, "M-002")
    halves = break_shares.Halves((study.study_id, 1, "", 2), bytes(32), bytes(32))
    with study.trial.units.acting() as uow:
        act = study.trial.bare_act(uow, "investigator")
        given = commit_break_warrant(act, "participant:M-008", "treatment", "a-form-of-its-own")
        forged = [
            (given, other),
            (BreakWarrant(**{**vars(given), "seq": given.seq - 1}), one),
            (BreakWarrant(**{**vars(given), "seq": given.seq + 1}), one),
            (BreakWarrant(**{**vars(given), "form": "another-form"}), one),
            (BreakWarrant(**{**vars(given), "reason": "other"}), one),
            (BreakWarrant(**{**vars(given), "study_id": "elsewhere"}), one),
            (BreakWarrant(**{**vars(given), "person_id": "somebody"}), one),
            (BreakWarrant(**{**vars(given), "subject": "participant:M-002"}), one),
            (BreakWarrant(**{**vars(given), "subject": "participant:M-002"}), other),
        ]
        for warrant, for_whom in forged:
            with pytest.raises(Refusal, match="written down first"):
                open_envelope(act, halves, warrant, for_whom)
        act.record("code_break_opened", "participant:M-002", new={"form": "later"}, reason="other")
        uncommitted = BreakWarrant(
            study.study_id, given.seq + 1, act.person.id, "participant:M-002", "other", "later"
        )
        with pytest.raises(Refusal, match="written down first"):
            open_envelope(act, halves, uncommitted, other)


def test_a_rooms_warrant_is_none_for_a_break_nor_the_reverse(study: LitStudy) -> None:
    room = study.room("pharmacist")
    with study.trial.units.acting() as uow:
        act = study.trial.bare_act(uow, "investigator")
        given = commit_break_warrant(act, "participant:M-008", "treatment", "a-form-of-its-own")
        with pytest.raises(Refusal, match="written down first"):
            open_envelope(act, room, given, participant_id(study))


def test_an_inbox_record_that_was_changed_is_refused(study: LitStudy) -> None:
    study.break_code(participant_id(study))
    _rewrite(study, "UPDATE lit_inbox SET record = zeroblob(2096)")
    with pytest.raises(Refusal):
        study.do("pharmacist", inbox.opened, breaking.KIND)


def test_where_an_investigator_stands(sqlite_url: str) -> None:
    made = open_study(sqlite_url)

    def stands() -> tuple[bool, ...]:
        with made.trial.look("investigator") as act:
            found = own_keys.standing(act)
            return (found.made, found.confirmed, found.enrolled, found.tried)

    assert stands() == (False, False, False, False)
    made.make_break_keys()
    assert stands() == (True, True, False, False)
    made.enrol_breaker()
    assert stands() == (True, True, True, False)
    made.try_break_keys()
    assert stands() == (True, True, True, True)


def test_the_mark_only_comes(study: LitStudy) -> None:
    """Append-only by trigger, like the trails."""
    study.break_code(participant_id(study))
    for statement in (
        "DELETE FROM learned_arm",
        "UPDATE learned_arm SET at = at",
        "INSERT OR REPLACE INTO learned_arm SELECT * FROM learned_arm",
    ):
        with (
            pytest.raises(sa.exc.DBAPIError, match="a mark stays"),
            study.trial.engine.begin() as connection,
        ):
            connection.exec_driver_sql(statement)
    with study.trial.look("coordinator") as act:
        assert len(audit.entries(act.uow.session, study.study_id)) > 0
