"""A nurse's request killed at any step: all of it or nothing, and once when it is sent again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import g
from werkzeug.wrappers import Response

from pharmacy.web import forms
from tests.support.builders import make_trial
from tests.support.killing import Ground, kill_everywhere
from tests.support.killing_grounds import need_whole, on_sqlite
from tests.support.nurse_acts import ACTS, ReadyAct, act_named
from tests.support.temp_postgres import Database, TempPostgres


@pytest.mark.parametrize("act", ACTS, ids=str)
def test_killed_at_any_step_it_is_done_wholly_or_not_at_all(
    act: ReadyAct, sqlite_url: str, tmp_path: Path
) -> None:
    """K8, D6: sound, its trails whole; before or after, nothing between; sent again, done once."""
    ground, form = on_sqlite(act, sqlite_url, tmp_path)
    need_whole(ground, form, act.events)


def _commits_half_way(finish: Callable[[str], Response]) -> Callable[[str], Response]:
    def finish_in_two(location: str) -> Response:
        g.uow.commit()
        return finish(location)

    return finish_in_two


@pytest.mark.parametrize("name", ["scan", "end"])
def test_a_planted_commit_half_way_is_found(
    name: str, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The act in one transaction and its number in the next: killed between, it is done twice."""
    monkeypatch.setattr(forms, "finish", _commits_half_way(forms.finish))
    ground, form = on_sqlite(act_named(name), sqlite_url, tmp_path)
    faults = kill_everywhere(ground, form).faults
    assert any("half done" in fault for fault in faults)
    assert any("sent again" in fault for fault in faults)


@pytest.mark.parametrize("name", ["start"])
def test_a_client_killed_at_any_step_leaves_postgresql_whole(
    name: str,
    tmp_path: Path,
    postgres: Database,
    postgres_server: TempPostgres,
) -> None:
    """K8, D6: the server ends what its client left open."""
    act, made = act_named(name), [postgres]
    trial = make_trial(postgres.app_url)
    sending = act.ready(trial)

    def fresh() -> str:
        if len(made) > 1:
            postgres_server.drop_database(made.pop())
        made.append(postgres_server.create_database(postgres))
        return made[-1].app_url

    ground = Ground(trial, tmp_path, fresh)
    trial.units.close()
    form = ground.filled(postgres.app_url, act.who, sending)
    killed = kill_everywhere(ground, form)
    postgres_server.drop_database(made.pop())
    assert killed.faults == []
    assert killed.before >= 10
    assert killed.after >= 1
