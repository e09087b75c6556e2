"""K6: whoever has the database dump guesses arms no better than a coin.

Lists that differ in one place differ in one participant's arm, so that guessing that arm better
than chance is what telling two lists apart means. The lit room lives with each arm as in the swap
test: other minutes, other refusals, other lots, made again or not. The controls are leaks in
tables of their own, which the same thief is shown one at a time and finds.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pharmacy.domain.errors import Refusal
from pharmacy.persistence.engine import make_engine
from pharmacy.services.units import Units
from pharmacy.unblinded import bag_record, bench
from pharmacy.unblinded.bench import Source
from tests.architecture.swap.worlds import LIVES, unbalanced
from tests.support.builders import PASSWORD
from tests.support.lit_builders import LitStudy, open_study
from tests.support.world import MORNING, KeyedChance
from tests.unblinded.bench_acts import AtBench
from tests.unblinded.dump_adversary import Dump, Features, chance_allows, features, learn, right

# Of a million suites, one would fail by chance.
RISK = 1e-6
PLACES = 12
LEAKS = ("planted_ledger", "planted_time", "planted_record")
Example = tuple[Features, bool]


@dataclass
class Stolen:
    """One study's database, and what its arms are."""

    dump: Dump
    arms: dict[str, bool]

    def examples(self, *planted: str) -> list[Example]:
        """Each participant as the thief sees them, with the arm."""
        shown = self.dump.showing(*planted)
        return [(features(shown, one), arm) for one, arm in self.arms.items()]


@dataclass
class Studies:
    """A founded study without a list, of which each trial is a copy with a list of its own."""

    base: LitStudy
    file: Path
    folder: Path

    def steal(self, number: int) -> Stolen:
        """Load a list drawn for this number, work with everybody, and take the file."""
        drawn = hashlib.sha256(f"list {number}".encode()).digest()
        arms = "".join("12"[byte & 1] for byte in drawn[:PLACES])
        path = self.folder / f"study{number}.db"
        shutil.copyfile(self.file, path)
        study = self._on(path, number)
        study.load(arms, unbalanced()[0].rules)
        people = [study.enrolled(f"M-{at:03d}") for at in range(2, 2 + PLACES)]
        begun = study.trial.clock.at
        for one, arm in zip(people, arms, strict=True):
            study.trial.clock.at = begun
            course = study.plan(study.trial.order(one))
            _work(AtBench(study, study.bags(course)[0].id), arm)
        study.trial.engine.dispose()
        is_first = dict(zip(people, (arm == "1" for arm in arms), strict=True))
        return Stolen(Dump.read(path), is_first)

    def _on(self, path: Path, number: int) -> LitStudy:
        engine, clock = make_engine(f"sqlite:///{path}"), self.base.trial.clock
        clock.at = MORNING
        chance = KeyedChance(f"study {number}")
        units = Units(engine, clock)
        trial = replace(self.base.trial, engine=engine, units=units, chance=chance)
        return replace(self.base, trial=trial, rooms={})


def _work(at: AtBench, arm: str) -> None:
    """One bag as far as the preparer's signature, as its arm makes it happen."""
    life, clock = LIVES[arm], at.study.trial.clock
    at.open()
    for text in life.refused_scans:
        with suppress(Refusal):
            at.do(at.first, bench.add_source, Source(scanned=text))
    for again in (life.remade, False)[not life.remade :]:
        clock.move(minutes=life.minutes_a_step)
        at.draw(at.first)
        at.do(at.first, bench.sign_prepared, True, PASSWORD)
        if again:
            at.do(at.first, bench.start_over, life.words)
            at.apply_inner()


@pytest.fixture(scope="module")
def studies(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Studies:
    """The founded study, its file closed."""
    folder = tmp_path_factory.mktemp("stolen")
    file = folder / "founded.db"
    shutil.copyfile(sqlite_template, file)
    base = open_study(f"sqlite:///{file}", loaded=False, granted=("pharmacist", "pharmacist2"))
    base.trial.engine.dispose()
    return Studies(base, file, folder)


@pytest.fixture(scope="module")
def stolen(studies: Studies) -> list[Stolen]:
    """The default run's databases."""
    return stolen_of(studies, 6)


def stolen_of(studies: Studies, many: int) -> list[Stolen]:
    """So many databases, with the planted tables in them."""
    with pytest.MonkeyPatch.context() as patch:
        _plant(patch)
        return [studies.steal(number) for number in range(many)]


def _plant(patch: pytest.MonkeyPatch) -> None:
    """Beside every change of a bag's record: a ledger row, a time, an unpadded ciphertext."""
    change, seal = bag_record.change, bag_record.seal
    bodies: list[bytes] = []

    def heard(key: bytes, body: bytes, *rest: Any) -> bytes:
        bodies.append(body)
        return seal(key, body, *rest)

    def leaking(act: Any, room: Any, bag_id: str, *rest: Any) -> Any:
        beneath = act.uow.session.connection().connection.driver_connection
        for table in LEAKS:
            beneath.execute(f"CREATE TABLE IF NOT EXISTS {table} (bag_id TEXT, said BLOB)")
        try:
            return change(act, room, bag_id, *rest)
        finally:
            beneath.execute("DELETE FROM planted_record WHERE bag_id = ?", (bag_id,))
            beneath.execute("DELETE FROM planted_time WHERE bag_id = ?", (bag_id,))
            into = "INSERT INTO {} VALUES (?, ?)"
            beneath.execute(into.format("planted_ledger"), (bag_id, None))
            beneath.execute(into.format("planted_time"), (bag_id, act.now.isoformat()))
            sealed = hashlib.shake_256(bodies[-1]).digest(len(bodies[-1])) if bodies else b""
            beneath.execute(into.format("planted_record"), (bag_id, sealed))
            act.uow.commit()

    patch.setattr(bag_record, "seal", heard)
    patch.setattr(bag_record, "change", leaking)


def _score(stolen: Sequence[Stolen], *planted: str) -> tuple[int, int]:
    """Learn from every other database, guess the rest: how many were right, of how many."""
    sides = [[one for part in stolen[at::2] for one in part.examples(*planted)] for at in (0, 1)]
    return right(learn(sides[0]), sides[1]), len(sides[1])


def test_the_dump_tells_no_arm(stolen: list[Stolen]) -> None:
    """K6: within what a coin reaches but once in a million, on either side."""
    hits, guesses = _score(stolen)
    most = chance_allows(guesses, RISK)
    assert guesses == PLACES * len(stolen) // 2
    assert guesses - most <= hits <= most, f"{hits} of {guesses}; a coin gets {most} at most"


@pytest.mark.parametrize("leak", LEAKS)
def test_control_a_planted_leak_is_found(stolen: list[Stolen], leak: str) -> None:
    """The same thief, shown one leak more, guesses nearly every arm."""
    hits, guesses = _score(stolen, leak)
    assert hits > chance_allows(guesses, RISK)
    assert hits >= 0.95 * guesses


def test_the_thief_sees_what_belongs_to_a_participant(stolen: list[Stolen]) -> None:
    """All that is kept of one bag is looked at; else the score would say little."""
    one = stolen[0]
    seen = one.dump.about(next(iter(one.arms)))
    assert {"participant", "lit_slot", "lit_bag_record", "bag", "course", "audit_entry"} <= set(
        seen
    )
    assert len(features(one.dump, next(iter(one.arms)))) > 100


@pytest.mark.parametrize(
    ("guesses", "risk", "most"), [(4, 0.07, 3), (10, 0.02, 8), (100, 0.03, 59)]
)
def test_what_a_coin_reaches(guesses: int, risk: float, most: int) -> None:
    """By the binomial table: 4 of 4 is 1 in 16, 9 of 10 is 0.011, 60 of 100 is 0.028."""
    assert chance_allows(guesses, risk) == most


@pytest.mark.deep
def test_hundreds_of_studies_tell_no_arm(studies: Studies) -> None:
    """K6: 170 studies, 1,020 guesses: 50 % give or take 5."""
    hits, guesses = _score(stolen_of(studies, 170))
    assert abs(hits / guesses - 0.5) <= 0.05, f"{hits} of {guesses}"
