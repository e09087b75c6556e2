"""Who keeps the recovery sheets where, the look at the seals, and the yearly drill (H8)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.unblinded import (
    recovery_custody,
    recovery_drill,
)
from pharmacy.unblinded.tables_recovery import RecoveryKey
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.unblinded.recovery_acts import (
    SHEETS,
    facts_of,
    place,
    place_all,
    reissue,
)


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """A study with a loaded list."""
    return open_study(sqlite_url)


def test_custody_of_all_four_makes_it_sealed(study: LitStudy) -> None:
    """What the page before going live asks for: both pairs' custodians and seals recorded."""
    facts = facts_of(study)
    assert facts.made
    assert not facts.sealed
    for name in SHEETS:
        assert not facts_of(study).sealed
        place(study, name)
    facts = facts_of(study)
    assert facts.sealed
    assert not facts.overdue
    assert facts.drill_due is not None
    assert [sheet.custodian for sheet in facts.sheets] == [f"Custodian {name}" for name in SHEETS]
    reissue(study)
    assert not facts_of(study).sealed, "the custody of void sheets counts for nothing"


def test_one_fire_or_one_person_must_not_have_a_pair(study: LitStudy) -> None:
    place(study, "A1")
    for name, said, field in (
        ("B1", {"custodian": "custodian  a1"}, "custodian"),
        ("A2", {"place": "BUILDING 1"}, "place"),
        ("B2", {"seal": "s-a1"}, "seal"),
        ("B2", {"unblinded": False}, "unblinded"),
        ("B2", {"custodian": "   "}, "custodian"),
    ):
        with pytest.raises(BadForm) as refused:
            place(study, name, **said)
        assert set(refused.value.errors) == {field}
    place(study, "B2", custodian="Custodian A1"), "halves of two pairs say nothing together"


def test_a_seal_is_looked_at_every_quarter(study: LitStudy) -> None:
    """Overdue after three months; seal and check words are compared, and nothing is opened."""
    place_all(study)
    study.trial.clock.move(days=93)
    assert facts_of(study).overdue == SHEETS
    sheet = facts_of(study).sheets[0]
    for said, field in (
        (("X-1", sheet.check), "seal"),
        ((sheet.seal, "wrong words"), "check"),
    ):
        with pytest.raises(BadForm) as refused:
            study.do("statistician", recovery_custody.record_check, "A1", True, *said, PASSWORD)
        assert set(refused.value.errors) == {field}
    checked = (True, sheet.seal.lower(), sheet.check.upper(), PASSWORD)
    study.do("statistician", recovery_custody.record_check, "A1", *checked)
    assert facts_of(study).overdue == ("B1", "A2", "B2")
    assert facts_of(study).sealed
    broken = (False, "", "", PASSWORD)
    study.do("pharmacist", recovery_custody.record_check, "B1", *broken)
    assert not facts_of(study).sealed
    assert "sheet B1 is not whole" in facts_of(study).used


def test_nobody_checks_what_nobody_keeps(study: LitStudy) -> None:
    with pytest.raises(Refusal, match="where this sheet lies"):
        study.do("statistician", recovery_custody.record_check, "A1", True, "1", "a b", PASSWORD)
    with pytest.raises(Refusal) as refused:
        study.do("statistician", recovery_custody.record_check, "C1", True, "1", "a b", PASSWORD)
    assert refused.value.status == 404


def test_the_drill_opens_the_canary_and_demands_new_sheets(study: LitStudy) -> None:
    """keys.md: a yearly full drill that opens a canary, then re-issue."""
    place_all(study)
    study.trial.clock.move(days=367)
    assert facts_of(study).drill_overdue
    assert study.recovery is not None
    words = study.recovery.words("B2", "A2")
    assert study.do("pharmacist", recovery_drill.drill, *words, PASSWORD) is True
    facts = facts_of(study)
    assert not facts.drill_overdue
    assert not facts.sealed
    assert "opened for a drill" in facts.used
    reissue(study)
    assert facts_of(study).used == ""
    assert not facts_of(study).drill_overdue


def test_a_canary_that_does_not_open_fails_the_drill(study: LitStudy) -> None:
    """The planted control: with another canary in its place the drill says so, on the record."""
    assert study.recovery is not None
    with study.trial.act("administrator") as act:
        row = act.uow.session.get_one(RecoveryKey, (study.study_id, 1))
        row.canary = row.canary[:-1] + bytes([row.canary[-1] ^ 1])
        act.record("tampered", "study")
    words = study.recovery.words("A1", "B1")
    assert study.do("pharmacist", recovery_drill.drill, *words, PASSWORD) is False
    assert facts_of(study).drill_due is None, "a drill that failed is none"
    newest = study.trial.events()[0]
    assert newest.event == "recovery_drill_checked"


def test_the_drill_can_open_nothing_else() -> None:
    """It names no wrap, no list and no record key: read from its own source."""
    source = Path(recovery_drill.__file__).read_text()
    assert reached(source) == set()
    assert reached(source + "\nfrom pharmacy.unblinded import granting\n") == {"granting"}


def reached(source: str) -> set[str]:
    """What a module imports that opens or hands out a study's keys."""
    dangerous = {"granting", "recovering", "founding", "wrapping", "aead", "unwrap", "KeyWrap"}
    names = {
        part
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in node.names
        for part in (*name.name.split("."), *(getattr(node, "module", "") or "").split("."))
    }
    return names & dangerous
