"""Grounds to kill on: one database made ready, of which every kill gets a copy, and what must hold.

All copies of a SQLite file lie at one address, one after the other, so that the app that answers
there is made once.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from tests.support.builders import Trial, make_trial
from tests.support.killing import Form, Ground, kill_everywhere
from tests.support.nurse_acts import ReadyAct, Sending


def fresh_copies(source: Path, folder: Path) -> Callable[[], str]:
    """A function that puts a copy of a file, as it is at the first call, where the last one lay."""
    target, checked = folder / "copy.db", []

    def fresh() -> str:
        if not checked:
            with closing(sqlite3.connect(source)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            checked.append(source)
        for part in ("", "-wal", "-shm"):
            Path(f"{target}{part}").unlink(missing_ok=True)
        shutil.copyfile(source, target)
        return f"sqlite:///{target}"

    return fresh


def ground_at(trial: Trial, folder: Path, **settings: object) -> Ground:
    """A ground on a trial's own SQLite file, whose connections are given back."""
    source = Path(str(trial.engine.url.database))
    trial.units.close()
    return Ground(trial, folder, fresh_copies(source, folder), settings)


def on_sqlite(act: ReadyAct, url: str, folder: Path) -> tuple[Ground, Form]:
    """An act made ready in one SQLite file, and its form filled."""
    trial = make_trial(url)
    return filled_on(trial, url, folder, act.who, act.ready(trial))


def filled_on(
    trial: Trial, url: str, folder: Path, who: str, sending: Sending, **settings: object
) -> tuple[Ground, Form]:
    """The same for a trial that is ready; `settings` are those of the app that answers."""
    ground = ground_at(trial, folder, **settings)
    return ground, ground.filled(url, who, sending)


def need_whole(ground: Ground, form: Form, events: Iterable[str], least: int = 10) -> None:
    """Killed at any of its steps it is done wholly or not at all, and once when sent again.

    `least` is how many kills must have met it before its commit.
    """
    killed = kill_everywhere(ground, form)
    assert killed.faults == []
    assert killed.written == sorted(events)
    assert killed.before >= least, "too few steps were met before the commit"
    assert killed.after >= 1, "no step was met after the commit"
    assert killed.before + killed.after == killed.kills
