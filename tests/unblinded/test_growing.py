"""A loaded list grows: rows are added behind those that are there, and nothing is edited (C3)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Refusal
from pharmacy.unblinded import (
    allocation,
    list_derivation,
    list_growing,
    list_opening,
    list_parts,
    list_proof,
    load_certificate,
)
from pharmacy.unblinded.list_refusals import ListRefused
from pharmacy.unblinded.list_table import read_part
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables import BreakShare, ListNumber, Slot, Stratum
from tests.support import strata_builders
from tests.support.builders import PASSWORD
from tests.support.growth_builders import (
    ANOTHER,
    BLOCK,
    grow,
    make_rows,
    parts_of,
    rules_for,
    sealing_of,
)
from tests.support.lit_builders import ARMS, PEPPER, LitStudy, open_study, table_of
from tests.support.strata_builders import RULES, eligible_in, open_two_sites, own_rules
from tests.unblinded.list_acts import blinded_events, confirm, live_twin, sealed_events

__all__ = ["own_rules"]

NUMBERED = "redcap_randomization_number,redcap_randomization_group"


def numbered(groups: str, start: int = 1) -> bytes:
    """A table whose rows have randomization numbers in order."""
    lines = [NUMBERED, *(f"R-{start + at:03},{group}" for at, group in enumerate(groups))]
    return "\r\n".join([*lines, ""]).encode()


def slots_of(study: LitStudy, part: int | None = None) -> list[Slot]:
    """The slots in order, of one part where it is named."""
    query = sa.select(Slot).order_by(Slot.stratum, Slot.number)
    with study.trial.look("statistician") as act:
        rows = act.uow.session.scalars(query).all()
    return [row for row in rows if part in (None, row.part)]


def stored(rows: list[Slot]) -> list[tuple[object, ...]]:
    """Everything that a slot's row says."""
    return [tuple(getattr(row, column.name) for column in Slot.__table__.columns) for row in rows]


@pytest.fixture
def study(database_url: str) -> Iterator[LitStudy]:
    """A study whose list is loaded, on either database."""
    made = open_study(database_url)
    yield made
    made.trial.units.close()


def test_rows_come_behind_those_that_are_there(study: LitStudy) -> None:
    """C3: numbers go on within the stratum, and what is loaded stays, byte for byte."""
    study.enrolled("M-001")
    before = stored(slots_of(study))
    part = grow(study, BLOCK)
    assert part.part == 2
    assert [row.number for row in slots_of(study, 2)] == [13, 14, 15, 16]
    assert stored(slots_of(study, 1)) == before
    with study.trial.look("statistician") as act:
        stratum = act.uow.session.get_one(Stratum, (study.study_id, ""))
        assert (stratum.next_slot, stratum.slots) == (2, 16)


def test_somebody_who_waits_for_a_full_stratum_is_served_after_it(sqlite_url: str) -> None:
    """C3: in the order of the signatures, from the first new row on."""
    codes = [f"M-{at:03}" for at in range(1, 13)]
    study = open_study(sqlite_url, enrolled=codes)
    waiting = study.eligible("M-013")
    with pytest.raises(Refusal, match="No slot is left"):
        study.do("pharmacist", allocation.serve_oldest)
    grow(study)
    assert study.do("pharmacist", allocation.serve_oldest).id == waiting
    assert [row.participant_id for row in slots_of(study, 2)] == [waiting, None, None, None]


def test_the_same_rows_for_the_same_part_are_there_already(sqlite_url: str) -> None:
    """One effect of a form that is sent twice."""
    study = open_study(sqlite_url)
    first = grow(study, BLOCK, 2)
    assert grow(study, BLOCK, 2).commitment == first.commitment
    assert len(parts_of(study)) == 2
    assert len(blinded_events(study, "list_grown")) == 1
    with pytest.raises(Refusal, match="has grown since"):
        grow(study, ANOTHER, 2)
    with pytest.raises(Refusal, match="has grown since"):
        grow(study, ANOTHER, 4)
    with pytest.raises(Refusal, match="has grown since"):
        grow(study, ARMS, 1)


def test_a_loaded_table_is_no_new_part(sqlite_url: str) -> None:
    """Neither the first list nor a part of it."""
    study = open_study(sqlite_url)
    with pytest.raises(Refusal, match="as part 1 of the list"):
        grow(study, ARMS)
    grow(study, BLOCK)
    with pytest.raises(Refusal, match="as part 2 of the list"):
        grow(study, BLOCK)


def test_numbers_never_come_again(sqlite_url: str) -> None:
    """Over all parts; what is kept of a number names no slot."""
    study = open_study(sqlite_url, table=numbered(ARMS))
    with pytest.raises(ListRefused) as refused:
        grow(study, table=numbered(BLOCK, 12))
    assert refused.value.rule == "part_number_used"
    grow(study, table=numbered(BLOCK, 13))
    with pytest.raises(ListRefused):
        grow(study, table=numbered(ANOTHER, 16))
    with study.trial.look("statistician") as act:
        kept = act.uow.session.scalars(sa.select(ListNumber.digest)).all()
    assert len(set(kept)) == 16


@pytest.mark.parametrize(
    ("groups", "rule"),
    [
        ("21", "blocks"),
        ("2211211", "ratio"),
        ("22112211" * 2, "part_too_many_rows"),
        ("", "part_without_rows"),
        ("2113", "unknown_group"),
        ("22221111", "blocks"),
    ],
)
def test_a_part_follows_the_rules(groups: str, rule: str) -> None:
    """C5: whole, balanced blocks, no more than the rules let a part add, and no row quoted."""
    rules = rules_of("MIGHT")
    with pytest.raises(ListRefused) as refused:
        read_part(table_of(groups), rules)
    assert refused.value.rule == rule


def test_rules_without_growth_let_nothing_grow(sqlite_url: str) -> None:
    study = open_study(sqlite_url)
    fixed = replace(rules_for(study), growth=None)
    with pytest.raises(Refusal, match="do not let its list grow"):
        study.do(
            "statistician", list_growing.add, table_of(BLOCK), fixed, sealing_of(study)
        )
    with pytest.raises(ListRefused) as refused:
        read_part(table_of(BLOCK), fixed)
    assert refused.value.rule == "part_not_allowed"


def test_the_statement_both_secrets_and_the_role_are_asked_for(sqlite_url: str) -> None:
    """C5, C6: as the first time."""
    study = open_study(sqlite_url)
    with pytest.raises(BadForm, match="dummy list"):
        grow(study, stated=False)
    with pytest.raises(Refusal):
        grow(study, password="wrong")
    with pytest.raises(Refusal):
        grow(study, passphrase="wrong words")
    with pytest.raises(Refusal, match="do not include"):
        sealing = sealing_of(study)
        study.do("pharmacist", list_growing.add, table_of(BLOCK), rules_for(study), sealing)
    assert len(parts_of(study)) == 1


def test_both_trails_say_it_and_the_blinded_one_no_count(sqlite_url: str) -> None:
    """C4: a part may be one block, so that its rows would tell a block's length."""
    study = open_study(sqlite_url)
    part = grow(study)
    (body,) = blinded_events(study, "list_grown")
    said = json.loads(body)
    assert said["new"]["part"] == 2
    assert "slots" not in said["new"]
    assert part.commitment.hex() not in body.decode()
    sealed = [entry for entry in sealed_events(study) if entry["event"] == "list_grown"]
    assert [(entry["slots"], entry["commitment"]) for entry in sealed] == [
        (4, part.commitment.hex())
    ]


def test_rows_made_here_can_be_made_again(sqlite_url: str) -> None:
    """A seed of their own, sealed to their maker; the first list's proof stays what it was."""
    study = open_study(sqlite_url)
    part = make_rows(study, {"": 8})
    assert part.source == "made"
    assert make_rows(study, {"": 8}, 2).commitment == part.commitment
    with pytest.raises(Refusal, match="has grown since"):
        make_rows(study, {"": 4}, 2)
    assert [row.number for row in slots_of(study, 2)] == list(range(13, 21))
    words = study.passphrases["statistician"]
    rules = rules_for(study)
    again = study.do(
        "statistician", list_derivation.derive_again, rules, words, "derive-operation-1", PEPPER, 2
    )
    assert again is True
    with pytest.raises(Refusal, match="not made here"):
        study.do(
            "statistician", list_derivation.derive_again, rules, words, "derive-operation-2", PEPPER
        )


@pytest.mark.parametrize("rows", [{}, {"": 0}, {"": 3}, {"": 16}, {"elsewhere": 4}])
def test_rows_made_here_are_whole_blocks(sqlite_url: str, rows: dict[str, int]) -> None:
    study = open_study(sqlite_url)
    with pytest.raises(BadForm):
        make_rows(study, rows)
    assert len(parts_of(study)) == 1


def test_a_part_has_a_certificate_that_proves_it(sqlite_url: str) -> None:
    """C5: signed with what came before it, provable with its own opening."""
    study = open_study(sqlite_url)
    grow(study, BLOCK)
    grow(study, ANOTHER)
    with study.trial.look("statistician") as act:
        files = [load_certificate.certificate_file(act, part) for part in (1, 2, 3)]
        third = load_certificate.certificate(act, 3)
    assert (third.slots, third.loaded_at is not None) == (4, True)
    opened = [
        study.do(
            "statistician",
            list_opening.reveal_opening,
            "drill",
            study.passphrases["statistician"],
            f"reveal-operation-{part}",
            PEPPER,
            part,
        )
        for part in (2, 3)
    ]
    certificates = [list_proof.read(text) for text in files]
    assert all(map(list_proof.is_signed, certificates))
    rows = read_part(table_of(BLOCK), rules_for(study))
    assert list_proof.is_of(certificates[1], bytes.fromhex(opened[0]), rows)
    assert not list_proof.is_of(certificates[2], bytes.fromhex(opened[1]), rows)
    moved = replace(certificates[2], before=certificates[1].before)
    assert not list_proof.is_signed(moved)
    assert not list_proof.is_signed(replace(certificates[2], part=2))
    with pytest.raises(BadForm):
        list_proof.read(files[1].replace(list_proof.FULL_FORM, list_proof.FORM))


def test_investigators_get_their_halves_and_break_a_new_place(sqlite_url: str) -> None:
    """B9: shares of the new slots are made in the same act; a break works at once."""
    codes = [f"M-{at:03}" for at in range(1, 13)]
    study = open_study(sqlite_url, enrolled=codes)
    study.enrol_breaker()
    study.try_break_keys()
    grow(study)
    newcomer = study.enrolled("M-013")
    with study.trial.look("statistician") as act:
        rows = act.uow.session.scalars(sa.select(BreakShare.number)).all()
    assert sorted(rows) == list(range(1, 17))
    answer = study.break_code(newcomer)
    assert answer.participant == "M-013"
    assert answer.compared is True


def test_a_live_list_takes_no_rows_of_a_dummy_list(sqlite_url: str) -> None:
    """C7: nor the other way round, parts included."""
    practice = open_study(sqlite_url)
    grow(practice, BLOCK)
    confirm(practice, "pharmacist", "pharmacist2")
    live = live_twin(practice)
    live.load("121221122112")
    with pytest.raises(Refusal, match="is the dummy list of the practice study"):
        grow(live, BLOCK)
    with pytest.raises(Refusal, match="is the dummy list of the practice study"):
        grow(live, table=table_of(ARMS))
    grow(live, ANOTHER)
    assert parts_of(live)[1].dummy is False
    with pytest.raises(Refusal, match="is the list of the live study"):
        grow(practice, ANOTHER)


def test_a_dummy_list_that_has_grown_is_confirmed_as_it_was_loaded(sqlite_url: str) -> None:
    """Its first rows are what the rules ask for, whatever came behind them."""
    study = open_study(sqlite_url)
    grow(study)
    confirm(study, "pharmacist", "pharmacist2")


def test_strata_grow_each_on_their_own(own_rules: Path, database_url: str) -> None:
    """Only the strata that a part names; a full one is served again, another as before."""
    path = own_rules / "list_rules" / "second.toml"
    path.write_text(RULES + "\n[growth]\nrows_at_most = 8\n", "utf-8")
    study = open_two_sites(database_url)
    heading = "redcap_randomization_group,redcap_data_access_group,age_group"
    rows = [*(f"{group},102,1" for group in BLOCK), *(f"{group},101,2" for group in BLOCK * 2)]
    grow(study, table="\r\n".join([heading, *rows, ""]).encode())
    with study.trial.look("statistician") as act:
        strata = act.uow.session.scalars(sa.select(Stratum)).all()
        found = {row.stratum: row.slots for row in strata}
        assert list_parts.rows_of(act, 2) == {"101/2": 8, "102/1": 4}
    assert found == {"101/1": 12, "101/2": 20, "102/1": 16, "102/2": 12}
    rows_made = make_rows(study, {"101/1": 4, "102/1": 8})
    assert rows_made.part == 3
    with study.trial.look("statistician") as act:
        assert list_parts.rows_of(act, 3) == {"101/1": 4, "102/1": 8}
    study.trial.units.close()


def test_a_new_site_comes_with_a_part(own_rules: Path, sqlite_url: str) -> None:
    """The list that was loaded first keeps its rules and its proof; the site waits until then."""
    path = own_rules / "list_rules" / "second.toml"
    without = RULES.replace(
        '[[data_access_groups]]\nnumber = "102"\nsite = "VUMC"\n\n', ""
    )
    later = '\n[growth]\nrows_at_most = 8\n[[growth.data_access_groups]]\nnumber = "102"\n'
    path.write_text(
        without.replace("planned_enrolment = 40", "planned_enrolment = 20")
        + later
        + 'site = "VUMC"\n',
        "utf-8",
    )
    heading = "redcap_randomization_group,redcap_data_access_group,age_group"
    first = [f"{group},101,{age}" for age in "12" for group in ARMS]
    study = open_study(
        sqlite_url,
        protocol_text=strata_builders.protocol_text(),
        table="\r\n".join([heading, *first, ""]).encode(),
    )
    study.trial.do("administrator", strata_builders.study_verbs.add_site, strata_builders.DENVER)
    waiting = eligible_in(study, "M-001", "102/2")
    with pytest.raises(Refusal, match="No place is left"):
        study.do("pharmacist", allocation.serve_oldest)
    make_rows(study, {"102/1": 8, "102/2": 4})
    assert study.do("pharmacist", allocation.serve_oldest).id == waiting
    words = study.passphrases["statistician"]
    assert study.do(
        "statistician",
        list_derivation.derive_again,
        rules_for(study),
        words,
        "derive-operation-1",
        PEPPER,
        2,
    )


def test_passwords_do_not_stand_in_what_is_typed() -> None:
    """What goes into an error or a log by accident."""
    typed = list_growing.Sealing(2, PASSWORD, "six words", True, PEPPER)
    assert PASSWORD not in repr(typed)
