"""What a break believes: keys compared at a calm hour, and warrants of this very act (H5, J4)."""

from __future__ import annotations

import pytest

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.persistence import marks
from pharmacy.unblinded import break_shares
from pharmacy.unblinded.break_story import broken_codes
from pharmacy.unblinded.code_break import own_keys
from pharmacy.unblinded.envelope import open_envelope
from pharmacy.unblinded.warrants import BreakWarrant, commit_break_warrant
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.break_acts import PHONE, events, participant_id, rewrite, rows


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two participants with a place, group 2 and group 1, and an investigator with shares."""
    made = open_study(sqlite_url, enrolled=("M-002", "M-008"))
    made.enrol_breaker()
    return made


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
    rewrite(study, "UPDATE lit_holder_keys SET signing_public = :x WHERE person_id = :p",
             x=b"\x21" * 32, p=study.trial.ids["pharmacist"])  # fmt: skip
    with pytest.raises(Refusal, match=f"not the ones that you compared.*{PHONE}"):
        study.break_code(participant_id(study))
    assert "code_break_opened" not in events(study)


def test_after_the_try_an_exchanged_list_is_refused(study: LitStudy) -> None:
    study.try_break_keys()
    rewrite(study, "UPDATE lit_slot SET envelope = (SELECT e.envelope FROM lit_slot e "
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
