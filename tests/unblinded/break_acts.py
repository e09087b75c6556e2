"""What tests of the code break do again and again."""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.unblinded.code_break import breaking
from tests.support.lit_builders import LitStudy

IVIG = "immune globulin intravenous (human) 10%"
SALINE = "sodium chloride 0.9% (placebo)"
PHONE = "205-555-0142"


def participant_id(study: LitStudy, code: str = "M-008") -> str:
    with study.trial.look("investigator") as act:
        return next(one.id for one in breaking.choices(act) if one.code == code)


def events(study: LitStudy) -> list[str]:
    return [entry.event for entry in reversed(study.trial.events())]


def rows(study: LitStudy, table: type) -> int:
    with study.trial.look("investigator") as act:
        return int(act.uow.session.scalar(sa.select(sa.func.count()).select_from(table)))


def rewrite(study: LitStudy, statement: str, **values: object) -> None:
    with study.trial.engine.begin() as connection:
        changed = connection.execute(sa.text(statement), values)
        assert changed.rowcount > 0
