"""Breaking a code: one participant's arm, written down first, marked for ever (J1 to J4, K8)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal, WrongPassphrase
from pharmacy.domain.roles import Permission, Role
from pharmacy.persistence import audit, marks
from pharmacy.persistence.notices import Notice
from pharmacy.services import people as people_verbs
from pharmacy.services import trails
from pharmacy.unblinded import inbox
from pharmacy.unblinded.break_story import broken_codes
from pharmacy.unblinded.code_break import breaking
from pharmacy.unblinded.tables import (
    InboxRecord,
)
from tests.support.builders import add_person
from tests.support.lit_builders import LitStudy, open_study
from tests.support.temp_postgres import Database
from tests.unblinded.break_acts import IVIG, PHONE, SALINE, events, participant_id, rewrite, rows


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants with a place, group 2 and group 1, and an investigator with shares."""
    made = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    made.enrol_breaker()
    return made


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
    new_postgres: Callable[[], Database], tmp_path: Path
) -> None:
    """On PostgreSQL both may be on their way: the record's id lets one of them write."""
    made = open_study(new_postgres().app_url, enrolled=("M-008",))
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


def test_an_inbox_record_that_was_changed_is_refused(study: LitStudy) -> None:
    study.break_code(participant_id(study))
    rewrite(study, "UPDATE lit_inbox SET record = zeroblob(2096)")
    with pytest.raises(Refusal):
        study.do("pharmacist", inbox.opened, breaking.KIND)


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
