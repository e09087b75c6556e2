"""The practice study of `make demo`: MIGHT with a dummy list, people in every role, work waiting.

Made once, through the services and at their real price, in a draft of its own that becomes the
database whole or not at all: a start cut short leaves nothing behind, and the next one begins
again.
"""

from __future__ import annotations

import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import click
from flask import Flask

from pharmacy.demo import papers, sign_ins
from pharmacy.demo.practice import Practice, StillClock
from pharmacy.demo.scenes import BEFORE_EVERYTHING, play
from pharmacy.domain.errors import Refusal
from pharmacy.persistence import people
from pharmacy.persistence.engine import make_engine
from pharmacy.web.house import House

_NOT_A_DEMO = "Only a practice installation holds the practice study. Start it with: make demo"
_MADE_FOR = "sqlite"


def seed(app: Flask) -> list[str]:
    """Make the practice study in the app's database unless it is there; the lines to print.

    A later start returns the same lines and changes nothing. Refused (409) for an app that is
    not a practice installation.
    """
    house: House = app.extensions["twinbag"]
    database = _database(house)
    file = database.with_name(sign_ins.FILE_NAME)
    with house.units.reading() as uow:
        made = bool(people.everybody(uow.session))
    if made:
        click.echo("The practice study is as it was left.")
        return sign_ins.kept(file)
    click.echo("Making the practice study, this once. It takes a little while.")
    with tempfile.TemporaryDirectory(prefix=".practice-", dir=database.parent) as folder:
        return _make(app, house, database, Path(folder), file)


def _database(house: House) -> Path:
    """The embedded database's file, the only kind a practice installation has."""
    with house.units.reading() as uow:
        url = uow.session.get_bind().engine.url
    if not house.practice_only or url.get_backend_name() != _MADE_FOR or not url.database:
        raise Refusal(_NOT_A_DEMO)
    return Path(url.database)


def _make(app: Flask, house: House, database: Path, folder: Path, file: Path) -> list[str]:
    """Make the study in a draft inside `folder`, keep its lines, then fill `database` at once."""
    draft = folder / database.name
    _copy(database, draft)
    engine = make_engine(f"sqlite:///{draft}")
    now = house.surroundings.now()
    clock = StillClock(now - BEFORE_EVERYTHING)
    pepper, break_key = (app.extensions[f"twinbag_{name}"] for name in ("pepper", "break_key"))
    practice = Practice(engine, house.surroundings, pepper, break_key, clock)
    try:
        to_scan = play(practice, now)
        lines = sign_ins.lines_of(practice, to_scan, file)
    finally:
        engine.dispose()
    papers.keep(to_scan, folder, database.parent)
    sign_ins.keep(lines, folder, file)
    _copy(draft, database)
    return lines


def _copy(source: Path, target: Path) -> None:
    """Fill `target` with everything of `source`, in one transaction of SQLite's own."""
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)
