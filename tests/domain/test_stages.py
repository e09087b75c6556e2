"""What each stage of a study admits (J11, E15): the table, asked act by act."""

from __future__ import annotations

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import ADMITS, StudyAct, StudyStage, check, next_stage, why_not

# One letter for each stage that admits the act: Open, Locked, Unblinded, Closed.
TABLE = {
    StudyAct.LOAD_LIST: "O...",
    StudyAct.ENROL: "O...",
    StudyAct.ORDER: "O...",
    StudyAct.ALLOCATE: "O...",
    StudyAct.PLAN: "O...",
    StudyAct.PREPARE: "O...",
    StudyAct.RELEASE: "O...",
    StudyAct.ASSESS_VISIT: "O...",
    StudyAct.PROTOCOL: "O...",
    StudyAct.BENCH: "OLU.",
    StudyAct.BEDSIDE: "OLU.",
    StudyAct.KEEP: "OLU.",
    StudyAct.REPORT: "OLU.",
    StudyAct.ASSESS: "OLU.",
    StudyAct.REVEAL_LIST: "..UC",
    StudyAct.ARCHIVE: "...C",
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


def test_a_study_goes_one_way() -> None:
    way = [StudyStage.OPEN]
    while (after := next_stage(way[-1])) is not None:
        way.append(after)

    assert way == ["open", "locked", "unblinded", "closed"]


def test_breaking_a_code_is_no_act_that_a_stage_could_refuse() -> None:
    """J1, J2: care is asked for at any stage, so the table has no word for it."""
    assert not [act for act in StudyAct if "break" in act.value or "code" in act.value]
