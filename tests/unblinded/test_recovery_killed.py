"""Re-issue, taking over, new shares and a new pepper killed at every step (K11)."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from pharmacy.crypto.server_secret import ServerSecret
from pharmacy.domain.roles import Role
from pharmacy.unblinded import (
    break_key_rotation,
    granting,
    holders,
    recovering,
    recovery_key,
    recovery_reissue,
)
from pharmacy.unblinded.server_secrets import ServerSecrets
from pharmacy.unblinded.tables import KeyWrap
from pharmacy.unblinded.versions import in_force
from tests.support.builders import PASSWORD, add_person
from tests.support.killing import unsound
from tests.support.lit_builders import BREAK_KEY, PEPPER, LitStudy, open_study
from tests.system.backup_drill import moved
from tests.unblinded.recovery_acts import SERVER, facts_of
from tests.unblinded.test_server_secrets import (
    AFTER,
    CHANGING,
    NEW_BREAK_KEY,
    break_one,
    left,
)

Verb = Callable[[LitStudy], None]
CHANGING_BREAK_KEY = ServerSecrets(PEPPER, ServerSecret(NEW_BREAK_KEY, BREAK_KEY))
AFTER_BREAK_KEY = ServerSecrets(PEPPER, NEW_BREAK_KEY)


@pytest.fixture
def study(sqlite_url: str) -> LitStudy:
    """Everything the four acts need, in one file of which each kill gets a copy."""
    made = open_study(sqlite_url, enrolled=("M-002",))
    made.enrol_breaker()
    made.trial.ids["newcomer"] = add_person(made.trial, "newcomer", "Nia New", Role.PHARMACIST)
    made.make_keys("newcomer")
    made.room("pharmacist")
    made.trial.units.close()
    source = Path(str(made.trial.engine.url.database))
    with closing(sqlite3.connect(source)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return made


def copies(study: LitStudy, folder: Path) -> Iterator[LitStudy]:
    """The same people before one copy of the database after the other."""
    source = Path(str(study.trial.engine.url.database))
    for number in range(100_000):
        target = folder / f"copy{number}.db"
        shutil.copyfile(source, target)
        there = moved(study, f"sqlite:///{target}")
        there.rooms = dict(study.rooms)
        yield there
        there.trial.engine.dispose()
        for part in ("", "-wal", "-shm"):
            Path(f"{target}{part}").unlink(missing_ok=True)


def dies(there: LitStudy, verb: Verb, kill_at: int) -> bool:
    """Run the verb in a process of its own that is killed at its n-th step; False if it lives."""
    there.trial.engine.dispose()
    child = os.fork()
    if child == 0:
        try:
            steps = iter(range(1, 1_000_000))

            def step(*_said: object) -> None:
                if next(steps) == kill_at:
                    os.kill(os.getpid(), signal.SIGKILL)

            sa.event.listen(there.trial.engine, "before_cursor_execute", step)
            sa.event.listen(there.trial.engine, "commit", step)
            sa.event.listen(Session, "after_commit", step)
            verb(there)
            os._exit(0)
        finally:
            os._exit(1)
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended):
        return True
    assert os.waitstatus_to_exitcode(ended) == 0, "the process broke"
    return False


def kill_everywhere(study: LitStudy, folder: Path, verb: Verb, look: Verb, again: Verb) -> int:
    """Kill at step 1, 2, 3 ...; look each time, do it again, and look once more."""
    for kills, there in enumerate(copies(study, folder)):
        died = dies(there, verb, kills + 1)
        url = str(there.trial.engine.url)
        assert unsound(url) == [], f"step {kills + 1}"
        look(there)
        if died:
            again(there)
        look(there)
        assert unsound(url) == [], f"step {kills + 1}, again"
        if not died:
            return kills
    raise AssertionError("it never lives")


def reissue(there: LitStudy) -> None:
    words = there.passphrases["pharmacist"]
    there.recovery = there.trial.do("pharmacist", recovery_reissue.reissue, words, SERVER)


def take_over(there: LitStudy) -> None:
    assert there.recovery is not None
    first, second = there.recovery.words("A1", "B1")
    said = (first, second, "left", there.passphrases["newcomer"], PASSWORD, PEPPER)
    there.trial.do("newcomer", recovering.recover, *said)


def take_over_if_not(there: LitStudy) -> None:
    with there.trial.look("newcomer") as act:
        held = granting.granted(act, act.person.id)
    if not held:
        take_over(there)


def renew(there: LitStudy) -> None:
    words = there.passphrases["pharmacist"]
    there.do("pharmacist", break_key_rotation.renew, words, CHANGING_BREAK_KEY)


def unlock(there: LitStudy) -> None:
    with there.trial.act("checker") as act:
        holders.unlock_own(act, there.passphrases["checker"], CHANGING.pepper)
        act.record("tried", "passphrase")


def one_recovery_key(there: LitStudy) -> None:
    """Wraps, canary and the study's row are of one key, and everybody opens the room."""
    with there.trial.look("pharmacist") as act:
        row, made = recovery_key.current(act), in_force(act)
        assert row is not None
        assert row.public == made.recovery_public
        wraps = sa.select(KeyWrap).where(KeyWrap.recipient == recovery_key.RECOVERY)
        assert len(act.uow.session.scalars(wraps).all()) == 2
    for who in ("statistician", "pharmacist", "checker"):
        assert there.open_room(who)


def keys_or_none(there: LitStudy) -> None:
    """The newcomer has both keys and opens the room, or has nothing at all."""
    with there.trial.look("newcomer") as act:
        held = granting.granted(act, act.person.id)
    assert held in ((), ("list", "record"))
    assert bool(facts_of(there).used) == bool(held)
    if held:
        assert there.open_room("newcomer", enrolled_by="newcomer").list_key


def test_new_sheets(study: LitStudy, tmp_path: Path) -> None:
    """One key counts whenever it is killed; the sheets of the last making open its canary."""

    def again(there: LitStudy) -> None:
        reissue(there)
        assert there.recovery is not None
        with there.trial.look("pharmacist") as act:
            row = recovery_key.current(act)
            assert row is not None
            assert there.recovery.number == row.public.hex()[:8].upper()

    assert kill_everywhere(study, tmp_path, reissue, one_recovery_key, again) >= 20


def test_taking_over(study: LitStudy, tmp_path: Path) -> None:
    kills = kill_everywhere(study, tmp_path, take_over, keys_or_none, take_over_if_not)
    assert kills >= 20


def test_new_shares(study: LitStudy, tmp_path: Path) -> None:
    """A break works after every kill, and at the end under the key of now alone."""

    def breaks(there: LitStudy) -> None:
        assert break_one(there, CHANGING_BREAK_KEY, f"form-{os.urandom(8).hex()}")

    def again(there: LitStudy) -> None:
        renew(there)
        assert break_one(there, AFTER_BREAK_KEY, "under-the-key-of-now")

    assert kill_everywhere(study, tmp_path, renew, breaks, again) >= 20


def test_a_new_pepper(study: LitStudy, tmp_path: Path) -> None:
    """The record opens whenever it is killed, and afterwards under the pepper of now alone."""

    def again(there: LitStudy) -> None:
        unlock(there)
        assert "Rose Okafor" not in left(there, AFTER.pepper)

    assert kill_everywhere(study, tmp_path, unlock, unlock, again) >= 5
