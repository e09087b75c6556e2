"""The steps to a study's end killed at any statement, and pressed by two at once (D6, K8, J11)."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.domain.errors import Refusal
from pharmacy.domain.stages import StudyStage
from pharmacy.persistence.engine import make_engine
from pharmacy.services import stages
from pharmacy.services.units import Units
from pharmacy.unblinded import archive, envelope, list_export, study_end, trail, versions
from pharmacy.unblinded.envelope import STUDY_OPENING
from pharmacy.unblinded.tables import LitAuditEntry
from pharmacy.unblinded.warrants import Warrant
from tests.support import closing_acts as acts
from tests.support.builders import PASSWORD
from tests.support.killing import events_of, unsound
from tests.support.killing_grounds import fresh_copies
from tests.support.lit_builders import PEPPER, LitStudy, open_study

OPENED = b"<opened>"
FORM = "the-form-that-is-killed"


@dataclass
class Killed:
    """What came of killing one act at each of its steps, and doing it again."""

    kills: int = 0
    opened: int = 0
    done: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """One act of somebody, what is done before it, and the one event that it leaves.

    `stride` is how far apart the kills are: opening a list is hundreds of statements.
    """

    name: str
    who: str
    event: str
    before: Callable[[LitStudy], None]
    verb: Callable[[LitStudy], tuple[Callable[..., Any], tuple[Any, ...]]]
    stride: int = 1


def _confirms(stage: StudyStage, who: str) -> Callable[[LitStudy], tuple[Any, tuple[Any, ...]]]:
    return lambda study: (
        study_end.confirm,
        (stage, PASSWORD, study.passphrases[who], PEPPER),
    )


def _asked(study: LitStudy) -> None:
    acts.lock(study)
    study.do("pharmacist", study_end.ask, StudyStage.UNBLINDED, PASSWORD)


def _asked_to_close(study: LitStudy) -> None:
    acts.unblind(study)
    study.do("statistician", study_end.ask, StudyStage.CLOSED, PASSWORD)


STEPS = (
    Step(
        "lock",
        "statistician",
        "data_locked",
        acts.state_lock,
        _confirms(StudyStage.LOCKED, "statistician"),
    ),
    Step(
        "unblind",
        "statistician",
        "study_unblinded",
        _asked,
        _confirms(StudyStage.UNBLINDED, "statistician"),
    ),
    Step(
        "close",
        "pharmacist",
        "study_closed",
        _asked_to_close,
        _confirms(StudyStage.CLOSED, "pharmacist"),
    ),
    Step(
        "export",
        "statistician",
        STUDY_OPENING,
        acts.unblind,
        lambda _: (list_export.export, (FORM,)),
    ),
    Step(
        "sign",
        "pharmacist",
        archive.SIGNED_EVENT,
        acts.close,
        lambda study: (
            archive.sign_archive,
            (study.passphrases["pharmacist"], FORM, PEPPER),
        ),
        stride=17,
    ),
)


@dataclass
class Ground:
    """A study ready for its step, in one file of which every kill gets a copy."""

    study: LitStudy
    copy: Callable[[], str]

    def fresh(self) -> LitStudy:
        """The study on a copy of its database, its rooms as they were opened."""
        engine = make_engine(self.copy())
        trial = replace(
            self.study.trial, engine=engine, units=Units(engine, self.study.trial.clock)
        )
        return replace(self.study, trial=trial)


def _ground(step: Step, url: str, folder: Path) -> Ground:
    study = open_study(url, enrolled=("M-002",))
    step.before(study)
    study.room(step.who)
    study.room("statistician")
    study.trial.units.close()
    return Ground(study, fresh_copies(Path(str(study.trial.engine.url.database)), folder))


def kill_everywhere(ground: Ground, step: Step) -> Killed:
    """Kill the act at one step after the other until it survives; look, and do it again."""
    killed, kill_at = Killed(), 1
    while True:
        study = ground.fresh()
        url = str(study.trial.engine.url)
        said, ended = _in_a_child(study, step, kill_at)
        at = f"step {kill_at}" if ended else "not killed"
        killed.faults += [f"{at}: {fault}" for fault in unsound(url)]
        written = events_of(url).count(step.event), _lit_events(study).count(step.event)
        if written not in ((0, 0), (1, 1)):
            killed.faults.append(f"{at}: half done: {written}")
        if OPENED in said and STUDY_OPENING not in _lit_events(study):
            killed.faults.append(f"{at}: opened and not written down")
        if not ended:
            assert written == (1, 1), "the act does not survive"
            return killed
        killed.kills, kill_at = killed.kills + 1, kill_at + step.stride
        killed.opened += OPENED in said
        killed.done += written == (1, 1)
        _in_a_child(study, step, None)
        again = events_of(url).count(step.event), _lit_events(study).count(step.event)
        if again != (1, 1):
            killed.faults.append(f"{at}, done again: not one effect: {again}")
        killed.faults += [f"{at}, done again: {fault}" for fault in unsound(url)]
        study.trial.units.close()


def _in_a_child(study: LitStudy, step: Step, kill_at: int | None) -> tuple[bytes, bool]:
    """What a process of its own said of opened envelopes, and whether it was killed."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _act_and_end(study, step, kill_at, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    _, ended = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL
    assert killed or os.waitstatus_to_exitcode(ended) == 0, "the act's process broke"
    return said, killed


def _act_and_end(study: LitStudy, step: Step, kill_at: int | None, writing: int) -> None:
    """The child's whole life."""
    try:
        opener = list_export.open_envelope

        def told(*given: Any) -> Any:
            arm = opener(*given)
            os.write(writing, OPENED)
            return arm

        list_export.open_envelope = told
        if kill_at is not None:
            _die_at(study.trial.engine, kill_at)
        verb, given = step.verb(study)
        study.do(step.who, verb, *given)
        os._exit(0)
    finally:
        os._exit(1)


def _die_at(engine: sa.Engine, kill_at: int) -> None:
    steps = iter(range(1, 1_000_000))

    def count(*_said: Any) -> None:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(engine, "before_cursor_execute", count)
    sa.event.listen(engine, "commit", count)
    sa.event.listen(Session, "after_commit", count)


def _lit_events(study: LitStudy) -> list[str]:
    """The unblinded trail as it is committed, read by a room that was opened before."""
    room = study.rooms["statistician"]
    with study.trial.look("statistician") as act:
        ring = versions.ring(act.uow.session, study.study_id, room.record_key)
        rows = act.uow.session.scalars(sa.select(LitAuditEntry).order_by(LitAuditEntry.seq))
        return [str(trail.read(row, ring)["event"]) for row in rows]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)
def test_killed_at_any_step_it_is_in_both_trails_or_in_none(
    step: Step, sqlite_url: str, tmp_path: Path
) -> None:
    """D6, K8: done again it has one effect; what was opened was written down before."""
    killed = kill_everywhere(_ground(step, sqlite_url, tmp_path), step)
    assert killed.faults == []
    assert killed.kills >= 8, "too few steps were met"
    assert killed.done < killed.kills
    assert killed.done >= 1 or step.stride > 1, "no step was met after the commit"
    if step.name in ("export", "sign"):
        assert killed.opened >= 2, "no step was met between opening and answer"


def _writes_down_afterwards(
    act: Any, room: Any, event: str, subject: str, reason: str, **_: Any
) -> Warrant:
    return Warrant(act.in_study.id, 0, act.person.id, subject, reason)


def test_a_planted_warrant_that_is_not_committed_is_found(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The act does not ask for the entry, and nothing is written before the opening."""
    monkeypatch.setattr(list_export, "commit_warrant", _writes_down_afterwards)
    monkeypatch.setattr(envelope, "_check", lambda *_: None)
    step = next(one for one in STEPS if one.name == "export")
    ground = _ground(step, sqlite_url, tmp_path)
    study = ground.fresh()
    said, _ = _in_a_child(study, step, 40)
    assert OPENED in said
    assert STUDY_OPENING not in _lit_events(study)
    study.trial.units.close()


@pytest.mark.parametrize("stage", [StudyStage.LOCKED, StudyStage.UNBLINDED])
def test_two_who_confirm_at_once_are_one_step(database_url: str, stage: StudyStage) -> None:
    """J11: whoever is second is told so; one signature, one entry in each trail."""
    study = open_study(database_url)
    acts.state_lock(study)
    who = ("statistician", "statistician")
    if stage is StudyStage.UNBLINDED:
        acts.confirm(study, StudyStage.LOCKED)
        study.do("statistician", study_end.ask, StudyStage.UNBLINDED, PASSWORD)
        who = ("pharmacist", "pharmacist2")
    for one in who:
        study.room(one)
    told: list[str] = []
    start = Barrier(2)

    def press(one: str) -> None:
        start.wait()
        try:
            acts.confirm(study, stage, one)
            told.append("done")
        except Refusal as refused:
            told.append(refused.sentence)

    threads = [Thread(target=press, args=(one,)) for one in who]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "done" in told
    event = stages.CONFIRMED_EVENTS[stage]
    assert [entry.event for entry in study.trial.events()].count(event) == 1
    study.room("statistician")
    assert _lit_events(study).count(event) == 1
    with study.trial.look("coordinator") as act:
        assert stages.stage_of(act.uow, act.in_study) is stage
        assert len([one for one in stages.page(act).lines if one.confirmed]) == (
            1 if stage is StudyStage.LOCKED else 2
        )
    study.trial.units.close()


def test_a_lock_and_an_allocation_that_meet_are_settled(database_url: str) -> None:
    """Either the place was given before the lock, or it is refused: never after it."""
    from pharmacy.unblinded import allocation

    study = open_study(database_url)
    study.eligible("M-002")
    acts.state_lock(study)
    study.room("pharmacist")
    study.room("statistician")
    told: list[str] = []
    start = Barrier(2)

    def serve() -> None:
        start.wait()
        try:
            study.do("pharmacist", allocation.serve_oldest)
            told.append("served")
        except Refusal as refused:
            told.append(refused.sentence)

    def lock() -> None:
        start.wait()
        acts.confirm(study, StudyStage.LOCKED)

    threads = [Thread(target=serve), Thread(target=lock)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = [entry.event for entry in reversed(study.trial.events())]
    served, locked = "participant_allocated" in events, events.index("data_locked")
    assert told == (
        ["served"] if served else ["The data of this study are locked. No place is given any more."]
    )
    assert not served or events.index("participant_allocated") < locked
    study.trial.units.close()
