"""Keys renewed, taken back, given or changed, and killed at every statement (K11).

What there is afterwards is wholly the former state or wholly the next, and in both everything
opens: rooms, records, an envelope, a code break. Whoever was revoked opens nothing of the next.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.crypto.errors import CannotOpen
from pharmacy.domain.errors import Refusal
from pharmacy.persistence import participants
from pharmacy.persistence.engine import make_engine
from pharmacy.services.units import Units
from pharmacy.unblinded import bag_record, granting, rekeying, revoking, rotation
from pharmacy.unblinded.tables import BagRecord, StudyKeys
from tests.support.builders import PASSWORD
from tests.support.killing import rows_of, unsound
from tests.support.killing_grounds import fresh_copies
from tests.support.lit_builders import PEPPER, LitStudy, open_study
from tests.support.temp_postgres import Database, TempPostgres
from tests.support.world import KeyedChance
from tests.unblinded.renewal_acts import HOLDERS, SECRETS, all_rooms, asked, opens_nothing

Do = Callable[[LitStudy], None]
Look = Callable[[LitStudy], list[str]]


@dataclass(frozen=True)
class Deed:
    """An act that is killed, what it needs before, and what its next state must show."""

    name: str
    do: Do
    look: Look
    ready: Do = lambda study: None

    def __str__(self) -> str:
        return self.name


@dataclass
class Killed:
    """What came of killing one act at each of its steps."""

    before: int = 0
    after: int = 0
    faults: list[str] = field(default_factory=list)


def _rotate(study: LitStudy) -> None:
    study.do("pharmacist", rotation.rotate, asked(study, "pharmacist"), SECRETS)


def _revoke(whom: str) -> Do:
    def do(study: LitStudy) -> None:
        said = asked(study, "pharmacist", "left")
        study.do("pharmacist", revoking.revoke, study.trial.ids[whom], said, SECRETS)

    return do


def _begin_change(study: LitStudy) -> None:
    old = study.passphrases["pharmacist2"]
    words = study.trial.do("pharmacist2", rekeying.begin_change, old, PEPPER)
    study.passphrases["next"] = words


def _confirm_change(study: LitStudy) -> None:
    words = study.passphrases["next"]
    study.trial.do("pharmacist2", rekeying.confirm_change, words, PEPPER, "here")


def _give_up(study: LitStudy) -> None:
    study.trial.do("pharmacist2", rekeying.give_up_keys, PASSWORD, True)


def _grant(study: LitStudy) -> None:
    person_id, words = study.trial.ids["checker"], study.six_words("checker")
    own = study.passphrases["pharmacist"]
    study.trial.do("pharmacist", granting.grant, person_id, words, own, PEPPER)


def _none_opens(*whom: str) -> Look:
    def look(study: LitStudy) -> list[str]:
        return [f"{who} opens the room" for who in whom if not opens_nothing(study, who)]

    return look


def _breaks_nothing(study: LitStudy) -> list[str]:
    try:
        study.break_code(_allocated(study))
    except Refusal:
        return []
    return ["the revoked investigator breaks a code"]


def _under_the_new_words(study: LitStudy) -> list[str]:
    old = study.passphrases["pharmacist2"]
    study.passphrases["pharmacist2"] = study.passphrases["next"]
    try:
        study.open_room("pharmacist2")
    finally:
        study.passphrases["pharmacist2"] = old
    return []


def _checker_comes_in(study: LitStudy) -> list[str]:
    room = study.open_room("checker", enrolled_by="pharmacist")
    return ["the checker holds the list key"] if room.list_key else []


DEEDS = (
    Deed("rotate", _rotate, lambda study: []),
    Deed("revoke a pharmacist", _revoke("pharmacist2"), _none_opens("pharmacist2")),
    Deed("revoke the founder", _revoke("statistician"), _none_opens("statistician")),
    Deed("revoke an investigator", _revoke("investigator"), _breaks_nothing),
    Deed("change a passphrase", _confirm_change, _under_the_new_words, _begin_change),
    Deed("give up keys", _give_up, _none_opens("pharmacist2")),
)
GRANT = Deed("grant", _grant, _checker_comes_in)


def _allocated(study: LitStudy) -> str:
    with study.trial.look("pharmacist") as act:
        return participants.of_study(act.uow.session, study.study_id)[0].id


def _made(url: str, deed: Deed) -> LitStudy:
    holders = ("pharmacist", "pharmacist2") if deed is GRANT else HOLDERS[1:]
    study = open_study(url, granted=holders)
    study.enrol_breaker()
    study.try_break_keys()
    study.planned("M-002")
    for who in ("statistician", *holders):
        study.room(who)
    if deed is GRANT:
        study.make_keys("checker")
    else:
        all_rooms(study)
    deed.ready(study)
    study.trial.units.close()
    return study


def _on(study: LitStudy, url: str) -> LitStudy:
    """The same people with the same secrets before a copy of the database."""
    engine = make_engine(url)
    trial = replace(
        study.trial,
        engine=engine,
        units=Units(engine, study.trial.clock),
        chance=KeyedChance("kill"),
    )
    rooms, words = dict(study.rooms), dict(study.passphrases)
    return LitStudy(trial, words, study.recovery, rooms)


def _killed(study: LitStudy, url: str, deed: Deed, kill_at: int | None) -> bool:
    """Do it in a process of its own that is killed before its n-th step; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            here = _on(study, url)
            if kill_at is not None:
                _die_at(here, kill_at)
            deed.do(here)
            os._exit(0)
        finally:
            os._exit(1)
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL:
        return True
    assert os.waitstatus_to_exitcode(ended) == 0, "the act's process broke"
    return False


def _die_at(study: LitStudy, kill_at: int) -> None:
    steps = iter(range(1, 1_000_000))

    def step(*_said: Any) -> None:
        if next(steps) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    sa.event.listen(study.trial.engine, "before_cursor_execute", step)
    sa.event.listen(study.trial.engine, "commit", step)
    sa.event.listen(Session, "after_commit", step)


def kill_everywhere(study: LitStudy, fresh: Callable[[], str], deed: Deed, stride: int) -> Killed:
    """Kill it at step 1, 1 + stride ... until it survives; each time everything is looked at."""
    killed = Killed()
    former = rows_of(fresh())
    killed.faults += _opens(_on(study, fresh()))
    step, last = 1, False
    while not last:
        url = fresh()
        last = not _killed(study, url, deed, step)
        found, at = rows_of(url), "not killed" if last else f"step {step}"
        killed.faults += [f"{at}: {fault}" for fault in unsound(url)]
        if found == former:
            killed.before += 1
        else:
            killed.after += 1
            here = _on(study, url)
            killed.faults += [f"{at}: {fault}" for fault in deed.look(here)]
            killed.faults += [f"{at}: {fault}" for fault in _opens(here, deed)]
            here.trial.units.close()
        step += stride
    return killed


def _opens(study: LitStudy, deed: Deed | None = None) -> list[str]:
    """Rooms, a bag's record and its envelope, and a code break: for whoever still has keys."""
    gone = {"revoke a pharmacist": "pharmacist2", "revoke the founder": "statistician"}
    gone |= {"change a passphrase": "pharmacist2", "give up keys": "pharmacist2"}
    out = gone.get(str(deed), "")
    faults = []
    for who in ("statistician", "pharmacist", "pharmacist2"):
        if who == out:
            continue
        try:
            room = study.open_room(who)
            with study.trial.look(who) as act:
                bag = act.uow.session.scalars(sa.select(BagRecord.bag_id)).first()
                bag_record.read(act, room, str(bag))
        except (Refusal, CannotOpen) as error:
            faults.append(f"{who} does not open the room: {error}")
    if str(deed) != "revoke an investigator":
        try:
            study.break_code(_allocated(study))
        except Refusal as error:
            faults.append(f"no code breaks: {error}")
    study.trial.units.close()
    return faults


def _copies(study: LitStudy, folder: Path) -> Callable[[], str]:
    return fresh_copies(Path(str(study.trial.engine.url.database)), folder)


@pytest.mark.parametrize("deed", [*DEEDS, GRANT], ids=str)
def test_killed_at_any_statement_either_state_works(
    deed: Deed, sqlite_url: str, tmp_path: Path
) -> None:
    """K11: nothing between the former keys and the next, and everything opens in both."""
    study = _made(sqlite_url, deed)
    killed = kill_everywhere(study, _copies(study, tmp_path), deed, stride=1)
    assert killed.faults == []
    assert killed.before >= 10, "too few steps were met before the commit"
    assert killed.after >= 2, "no step was met after the commit"


def _deletes_first(real: Callable[..., None]) -> Callable[..., None]:
    """Seals the slots anew when the former wraps are gone, durably, and the new not there yet."""

    def renew(act: Any, *rest: Any) -> None:
        newest = act.uow.session.scalars(sa.select(sa.func.max(StudyKeys.version))).one()
        rotation._delete_former(act, rest[0], [])
        act.record("planted", f"version {newest}")
        act.uow.commit()
        real(act, *rest)

    return renew


def test_a_planted_delete_before_verify_is_found(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """K11's control: the former keys deleted, and committed, before the next are proved."""
    study = _made(sqlite_url, DEEDS[0])
    monkeypatch.setattr(rotation.slot_renewal, "renew", _deletes_first(rotation.slot_renewal.renew))
    faults = kill_everywhere(study, _copies(study, tmp_path), DEEDS[0], stride=5).faults
    assert any("does not open the room" in fault for fault in faults), faults


def test_a_client_killed_at_any_step_leaves_postgresql_whole(
    postgres: Database, postgres_server: TempPostgres
) -> None:
    """K11 on the other engine: the server ends what its client left open."""
    deed, made = DEEDS[1], [postgres]
    study = _made(postgres.app_url, deed)

    def fresh() -> str:
        if len(made) > 1:
            postgres_server.drop_database(made.pop())
        made.append(postgres_server.create_database(postgres))
        return made[-1].app_url

    killed = kill_everywhere(study, fresh, deed, stride=7)
    postgres_server.drop_database(made.pop())
    assert killed.faults == []
    assert killed.before >= 10
    assert killed.after >= 1
