"""Allocation in several strata: each request into its own, in order, nobody held up (C3)."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.protocol import parse_protocol
from pharmacy.persistence import participants
from pharmacy.persistence.participants import Participant
from pharmacy.services import factors
from pharmacy.services import studies as study_verbs
from pharmacy.unblinded import allocation, overview, sealed_list, strata, trail
from pharmacy.unblinded.rules import parse_list_rules
from pharmacy.unblinded.tables import Slot, Stratum
from pharmacy.unblinded.taken_slots import check_taken_slots
from tests.support.lit_builders import LitStudy
from tests.support.strata_builders import (
    DENVER,
    PRODUCTS,
    RULES,
    SLOTS,
    STRATA,
    eligible_in,
    open_two_sites,
    own_rules,
    protocol_text,
    table,
)
from tests.support.temp_postgres import Database
from tests.support.world import build_app

__all__ = ["own_rules"]
pytestmark = pytest.mark.usefixtures("own_rules")
THREADS = 50
# More than its slots in the first stratum; the others have room to spare.
WANTED = {"101/1": 15, "101/2": 11, "102/1": 12, "102/2": 12}


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Two sites, one factor, four lists of twelve."""
    return open_two_sites(sqlite_url)


def _taken(study: LitStudy) -> dict[str, list[str]]:
    """Codes of the participants in each stratum's slots, in the slots' order, from slot 1 on."""
    with study.trial.look("pharmacist") as act:
        query = (
            sa.select(Slot.stratum, Slot.number, Participant.code)
            .join(Participant, Slot.participant_id == Participant.id)
            .order_by(Slot.stratum, Slot.number)
        )
        rows = act.uow.session.execute(query).all()
    found: dict[str, list[str]] = {stratum: [] for stratum in STRATA}
    for stratum, number, code in rows:
        found[stratum].append(code)
        assert number == len(found[stratum]), "a slot was passed over"
    return found


def _serve(study: LitStudy) -> str:
    return str(study.do("pharmacist", allocation.serve_oldest).code)


def _request_of(study: LitStudy, participant_id: str) -> str:
    with study.trial.look("pharmacist") as act:
        found = participants.request_of(act.uow.session, participant_id)
        assert found is not None
        return found.id


def _board(study: LitStudy) -> overview.Waiting:
    with study.trial.look("pharmacist") as act:
        return overview.board(act, None).waiting


def test_fifty_at_once_over_four_strata(database_url: str) -> None:
    """Each stratum's slots in the order of the signatures, none twice, none skipped; and nobody
    who has a place waits behind somebody who has none.
    """
    study = open_two_sites(database_url)
    order = _requests(study, WANTED)
    answers = _all_at_once(study)
    expected = {stratum: codes[:SLOTS] for stratum, codes in order.items()}
    assert _taken(study) == expected
    winners = sorted(code for codes in expected.values() for code in codes)
    assert sorted(set(answers) - {allocation.NONE_HAS_PLACE}) == winners
    assert len(winners) == len([answer for answer in answers if answer in winners])
    _check_trails(study, expected)
    study.trial.engine.dispose()


def _requests(study: LitStudy, wanted: dict[str, int]) -> dict[str, list[str]]:
    """Requests that wait, one stratum after the other in turn: codes as they were signed."""
    left, order = Counter(wanted), dict[str, list[str]]()
    while left:
        for stratum in sorted(left):
            code = f"{len(order.setdefault(stratum, [])):02d}-{stratum.replace('/', '-')}"
            eligible_in(study, code, stratum)
            order[stratum].append(code)
            left -= Counter({stratum: 1})
    return order


def _all_at_once(study: LitStudy) -> list[str]:
    """What fifty presses at one moment were answered, in a room without the list key."""
    blind_room = replace(study.room("pharmacist"), list_key=None)
    gate = threading.Barrier(THREADS)

    def one(_: int) -> str:
        gate.wait()
        try:
            with study.trial.act("pharmacist") as act:
                return str(allocation.serve_oldest(act, blind_room).code)
        except Refusal as refusal:
            return refusal.sentence

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(one, range(THREADS)))


def test_a_planted_missing_lock_is_found(
    postgres: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without turns several find the same request to be the oldest: some lose, none takes twice."""
    study = open_two_sites(postgres.app_url)
    _requests(study, dict.fromkeys(STRATA, 5))
    monkeypatch.setattr(allocation, "lock_list", lambda act: None)
    answers = _all_at_once(study)
    taken = _taken(study)
    study.trial.engine.dispose()
    assert Conflict().sentence in answers
    assert sum(map(len, taken.values())) == len([one for one in answers if one.startswith("0")])


def _check_trails(study: LitStudy, expected: dict[str, list[str]]) -> None:
    """The unblinded trail names slots with their stratum, the blinded one neither."""
    with study.trial.look("pharmacist") as act:
        key = study.room("pharmacist").record_key
        entries = trail.entries(act, key)
        check_taken_slots(act, key)
        rows = act.uow.session.scalars(sa.select(Stratum))
        standing = {row.stratum: row.next_slot for row in rows}
    taken = sorted(str(entry["subject"]) for entry in entries if entry["event"] == "slot_taken")
    slots = {f"slot:{name}/{n + 1}" for name, codes in expected.items() for n in range(len(codes))}
    assert taken == sorted(slots)
    assert standing == {name: len(codes) + 1 for name, codes in expected.items()}
    blinded = "\n".join(row.body.decode() for row in study.trial.events())
    for word in ("age_group", "101/", "102/", "stratum", "slot:"):
        assert word not in blinded


def test_the_oldest_of_the_study_into_its_own_stratum(study: LitStudy) -> None:
    for at, stratum in enumerate(("102/2", "101/1", "102/2", "101/2")):
        eligible_in(study, f"M-{at:03d}", stratum)
    assert [_serve(study) for _ in range(4)] == ["M-000", "M-001", "M-002", "M-003"]
    assert _taken(study) == {
        "101/1": ["M-001"],
        "101/2": ["M-003"],
        "102/1": [],
        "102/2": ["M-000", "M-002"],
    }


def _fill(study: LitStudy, stratum: str) -> None:
    for at in range(SLOTS):
        eligible_in(study, f"F-{at:03d}", stratum)
        _serve(study)


def test_a_full_stratum_holds_nobody_else_up(
    study: LitStudy, sqlite_url: str, tmp_path: Path
) -> None:
    """It is refused by name, the board says so, and the next oldest is served."""
    _fill(study, "101/1")
    stuck = eligible_in(study, "M-100", "101/1")
    eligible_in(study, "M-101", "102/1")
    with pytest.raises(Refusal, match=r"M-100: No place left in its stratum: call the statis"):
        study.do("pharmacist", allocation.serve, _request_of(study, stuck))
    app = build_app(sqlite_url, tmp_path, study.trial.clock, study.trial.chance)
    browser = study.lit_browser(app, "pharmacist")
    page = browser.get(browser.lit("board")).text
    assert "No place left in its stratum: call the statistician." in page
    assert _request_of(study, stuck) not in page
    waiting = _board(study)
    assert (waiting.count, waiting.participant) == (2, "M-101")
    assert waiting.passed_over == (("M-100", strata.NO_PLACE),)
    assert _serve(study) == "M-101"
    with pytest.raises(Refusal, match="No place is left in the stratum of any request"):
        _serve(study)
    assert _board(study).participant == ""
    eligible_in(study, "M-102", "102/2")
    assert _serve(study) == "M-102"


def test_a_younger_request_of_another_stratum_waits(study: LitStudy) -> None:
    eligible_in(study, "M-001", "101/1")
    younger = eligible_in(study, "M-002", "102/1")
    with pytest.raises(Refusal, match="Another request is the oldest"):
        study.do("pharmacist", allocation.serve, _request_of(study, younger))
    assert not any(_taken(study).values())


def test_a_site_that_the_list_does_not_have(study: LitStudy) -> None:
    """A site added after the list was made: said on the board, and nobody waits behind it."""
    third = replace(DENVER, code="THIRD")
    study.trial.do("administrator", study_verbs.add_site, third)
    STRATA["third"] = ("THIRD", "under_65")
    try:
        eligible_in(study, "M-001", "third")
    finally:
        del STRATA["third"]
    eligible_in(study, "M-002", "101/2")
    assert _board(study).passed_over == (("M-001", strata.NOT_LISTED),)
    assert _serve(study) == "M-002"


def test_a_correction_before_the_place_moves_the_request(study: LitStudy) -> None:
    """It is signed anew, and served where it now belongs, by the new signature."""
    moved = eligible_in(study, "M-001", "101/1")
    eligible_in(study, "M-002", "101/2")
    correct = (moved, {"age": "from_65"}, "mistyped")
    study.trial.do("coordinator", factors.record, *correct)
    assert _board(study).count == 1
    study.trial.eligible(moved)
    assert [_serve(study), _serve(study)] == ["M-002", "M-001"]
    assert _taken(study)["101/2"] == ["M-002", "M-001"]


def test_a_correction_after_the_place_moves_nothing(study: LitStudy) -> None:
    participant_id = eligible_in(study, "M-001", "101/1")
    _serve(study)
    study.trial.do("coordinator", factors.record, participant_id, {"age": "from_65"}, "source")
    assert _taken(study)["101/1"] == ["M-001"]
    assert not _taken(study)["101/2"]
    with study.trial.look("pharmacist") as act:
        check_taken_slots(act, study.room("pharmacist").record_key)


def test_a_request_that_was_taken_back_meanwhile_takes_no_slot(study: LitStudy) -> None:
    """What the queue was read from is read again under the participant's lock."""
    participant_id = eligible_in(study, "M-001", "101/1")
    with study.trial.look("pharmacist") as act:
        (queued,) = strata.queue(act)
    study.trial.do("coordinator", factors.record, participant_id, {"age": "from_65"}, "mistyped")
    room = study.room("pharmacist")
    with pytest.raises(Conflict), study.trial.act("pharmacist") as act:
        allocation._give_next(act, room, queued)
    study.trial.eligible(participant_id)
    with pytest.raises(Conflict), study.trial.act("pharmacist") as act:
        allocation._give_next(act, room, queued)
    study.trial.do("coordinator", factors.record, participant_id, {"age": "under_65"}, "mistyped")
    study.trial.eligible(participant_id)
    with pytest.raises(Conflict), study.trial.act("pharmacist") as act:
        allocation._give_next(act, room, queued)
    assert not any(_taken(study).values())


def test_a_list_whose_columns_nobody_feeds_is_not_loaded(sqlite_url: str, own_rules: Path) -> None:
    """The rules and the protocol must name the same levels before anything is sealed."""
    rules = own_rules / "list_rules" / "second.toml"
    for wrong in (RULES.replace('factor = "age"', 'factor = "sex"'), RULES.replace("from", "of")):
        rules.write_text(wrong)
        study = parse_list_rules(wrong), parse_protocol(protocol_text())
        assert "age_group and the protocol's factors do not fit" in strata.unfed(*study)
    rules.write_text(RULES)
    assert strata.unfed(parse_list_rules(RULES), parse_protocol(protocol_text())) == ""
    rules.write_text(RULES.replace('factor = "age"', 'factor = "sex"'))
    with pytest.raises(Refusal, match="do not fit together"):
        open_two_sites(sqlite_url)


def test_a_list_of_arms_that_nobody_could_prepare_or_tell_is_not_loaded(
    new_sqlite_url: Callable[[], str], own_rules: Path
) -> None:
    """Products, list rules and protocol must name the same arms before anything is sealed."""
    products = own_rules / "products" / "second.toml"
    for wrong in (
        PRODUCTS.replace('protocol_arm = "dummy"', 'protocol_arm = "placebo"'),
        PRODUCTS.replace('arm = "dummy"', 'arm = "dextrose"', 1),
    ):
        assert wrong != PRODUCTS
        products.write_text(wrong, "utf-8")
        with pytest.raises(Refusal, match="do not name the same arms"):
            open_two_sites(new_sqlite_url())
    products.unlink()
    with pytest.raises(Refusal, match="no file of products"):
        open_two_sites(new_sqlite_url())


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('["under_65", "from_65"]', '["under_65"]', "one level for each of levels"),
        ('["under_65", "from_65"]', '["a", "a"]', "names the same thing twice"),
        ('["under_65", "from_65"]', "[1, 2]", "holds coded values as text"),
        ('factor = "age"', "factor = 7", "needs text"),
        ('factor = "age"', 'factor = "age"\ncolour = "red"', "is not a field"),
    ],
)
def test_a_wrong_mapping_is_refused_by_its_field(old: str, new: str, what: str) -> None:
    assert old in RULES
    with pytest.raises(BadForm, match=what):
        parse_list_rules(RULES.replace(old, new))


def test_a_column_feeds_from_the_factor_of_its_name() -> None:
    """Without a mapping the column's name and its coded values are the protocol's own."""
    plain = RULES.split("factor = ")[0]
    column = parse_list_rules(plain).strata[1]
    assert (column.factor, column.factor_levels) == ("age_group", column.levels)


def test_the_list_of_the_tests_follows_its_rules(study: LitStudy) -> None:
    """All 48 rows are sealed, in four strata."""
    with study.trial.look("statistician") as act:
        assert sealed_list.is_loaded(act)
        rows = act.uow.session.scalars(sa.select(Slot.stratum)).all()
    assert Counter(rows) == dict.fromkeys(STRATA, SLOTS)
    assert table().count(b"\r\n") == 1 + len(rows)
