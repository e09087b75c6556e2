"""What each stage of a study admits (J11, E15): the table, asked act by act."""

from __future__ import annotations

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import (
    ADMITS,
    NOT_LIVE_YET,
    StudyAct,
    StudyStage,
    check,
    first_stage,
    mode_words,
    named,
    next_stage,
    way,
    why_not,
)
from pharmacy.persistence.stages import STAGES
from pharmacy.services.stages import ASKS, CONFIRMS

# One letter for each stage that admits the act: Prepared, Open, Locked, Unblinded, Closed.
TABLE = {
    StudyAct.LOAD_LIST: "PO...",
    StudyAct.ENROL: ".O...",
    StudyAct.ORDER: ".O...",
    StudyAct.ALLOCATE: ".O...",
    StudyAct.PLAN: ".O...",
    StudyAct.PREPARE: ".O...",
    StudyAct.RELEASE: ".O...",
    StudyAct.ASSESS_VISIT: ".O...",
    StudyAct.PROTOCOL: "PO...",
    StudyAct.BENCH: ".OLU.",
    StudyAct.BEDSIDE: ".OLU.",
    StudyAct.KEEP: "POLU.",
    StudyAct.REPORT: "POLU.",
    StudyAct.ASSESS: "POLU.",
    StudyAct.REVEAL_LIST: "...UC",
    StudyAct.ARCHIVE: "....C",
}


@pytest.mark.parametrize("stage", StudyStage)
@pytest.mark.parametrize("act", StudyAct)
def test_each_stage_admits_what_the_table_says(stage: StudyStage, act: StudyAct) -> None:
    admitted = stage.value[0].upper() in TABLE[act]

    assert (act in ADMITS[stage]) is admitted
    assert (why_not(stage, act) == "") is admitted
    if admitted:
        check(stage, act)
    else:
        with pytest.raises(Refusal, match=r"^[A-Z].*\.$") as refused:
            check(stage, act)
        assert refused.value.status == 409


@pytest.mark.parametrize("practice", [True, False])
def test_a_study_goes_one_way(practice: bool) -> None:
    """C7, E21: a live study is prepared first; a practice study begins open."""
    gone = [first_stage(practice)]
    while (after := next_stage(gone[-1])) is not None:
        gone.append(after)

    later = ["open", "locked", "unblinded", "closed"]
    assert gone == list(way(practice)) == (later if practice else ["prepared", *later])


def test_what_waits_for_going_live_is_refused_in_one_sentence() -> None:
    """E21: one sentence, except where something else is missing even then."""
    refused = {act: why_not(StudyStage.PREPARED, act) for act in StudyAct}
    early = {act for act, said in refused.items() if said == NOT_LIVE_YET}

    assert early == {act for act, row in TABLE.items() if row.startswith(".O")}


def test_the_steps_under_two_signatures_are_those_that_the_database_keeps() -> None:
    """Going live has a row of its own; the CHECK of `study_stage` names the others."""
    assert tuple(stage.value for stage in way(practice=True)[1:]) == STAGES
    assert {stage.value for stage in ASKS} == {stage.value for stage in CONFIRMS} == set(STAGES)


@pytest.mark.parametrize(
    ("practice", "stage", "words", "name"),
    [
        (True, StudyStage.OPEN, "Practice", "MIGHT"),
        (True, StudyStage.LOCKED, "Practice", "MIGHT, data locked"),
        (False, StudyStage.PREPARED, "Preparing", "MIGHT"),
        (False, StudyStage.OPEN, "Live", "MIGHT"),
        (False, StudyStage.CLOSED, "Live", "MIGHT, closed"),
    ],
)
def test_what_a_page_calls_a_study(
    practice: bool, stage: StudyStage, words: str, name: str
) -> None:
    assert (mode_words(practice, stage), named("MIGHT", stage)) == (words, name)


def test_breaking_a_code_is_no_act_that_a_stage_could_refuse() -> None:
    """J1, J2: care is asked for at any stage, so the table has no word for it."""
    assert not [act for act in StudyAct if "break" in act.value or "code" in act.value]
