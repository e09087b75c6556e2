"""What the tests of made, dummy and proved lists do: load, make and confirm at a browser."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import sqlalchemy as sa
from werkzeug.test import TestResponse

from pharmacy.domain.roles import Role
from pharmacy.persistence import studies
from pharmacy.services import people as people_verbs
from pharmacy.unblinded import dummy_lists, list_derivation, trail
from pharmacy.unblinded.study_files import rules_of
from pharmacy.unblinded.tables import SealedList
from tests.support.builders import MIGHT, PASSWORD, add_study
from tests.support.lit_builders import HOLDERS, PEPPER, Browser, LitStudy, table_of

_ROLES = {
    "statistician": Role.STATISTICIAN,
    "pharmacist": Role.PHARMACIST,
    "pharmacist2": Role.PHARMACIST,
    "checker": Role.CHECKER,
}


def typed(browser: Browser, **changes: str) -> dict[str, str]:
    """Statement and both secrets of a form, with changes; empty ones are left out."""
    said = {
        "statement": "y",
        "password": PASSWORD,
        "passphrase": browser.study.passphrases[browser.who],
        **changes,
    }
    return {name: value for name, value in said.items() if value}


def send_list(
    browser: Browser, table: bytes = b"", codes: bytes = b"", **changes: str
) -> TestResponse:
    """Send the form that loads a list; no bytes are no file."""
    files = {"table": table, "codes": codes}
    sent = {name: (BytesIO(data), f"{name}.csv") for name, data in files.items() if data}
    return browser.post(browser.lit("list"), **sent, **typed(browser, **changes))


def make(study: LitStudy) -> SealedList:
    """The statistician has the list made, through the service."""
    words = study.passphrases["statistician"]
    rules = rules_of("MIGHT")
    made: SealedList = study.do(
        "statistician", list_derivation.make, rules, PASSWORD, words, True, PEPPER
    )
    return made


def confirm(study: LitStudy, *people: str) -> None:
    """People of the bench confirm the dummy list."""
    for who in people:
        study.do(who, dummy_lists.confirm, rules_of("MIGHT"), True, PASSWORD)


def live_twin(study: LitStudy) -> LitStudy:
    """A live study of the same protocol beside a practice study, its keys held by the same people.

    Live by its row, since the service refuses to make one; the practice study's code makes room.
    """
    with study.trial.act("administrator") as act:
        act.uow.session.execute(
            sa.update(studies.Study)
            .where(studies.Study.id == study.study_id)
            .values(code="MIGHT-TRY")
        )
        act.record("study_changed_by_test", f"study:{study.study_id}")
    trial = replace(study.trial, study_id=add_study(study.trial, MIGHT.read_text()))
    with trial.act("administrator") as act:
        for who, role in _ROLES.items():
            people_verbs.give_roles(act, trial.ids[who], trial.study_id, frozenset({role}))
        act.uow.session.execute(
            sa.update(studies.Study).where(studies.Study.id == trial.study_id).values(mode="live")
        )
        act.record("study_changed_by_test", f"study:{trial.study_id}")
    live = LitStudy(trial, dict(study.passphrases))
    live.found()
    for who in HOLDERS:
        live.grant(who)
    return live


def loaded(study: LitStudy) -> SealedList | None:
    """The loaded list's row."""
    with study.trial.look("statistician") as act:
        return act.uow.session.get(SealedList, study.study_id)


def sealed_events(study: LitStudy) -> list[dict[str, object]]:
    """The unblinded trail, opened."""
    room = study.room("statistician")
    with study.trial.look("statistician") as act:
        return trail.entries(act, room.record_key)


def blinded_events(study: LitStudy, event: str) -> list[bytes]:
    """The bodies of the blinded trail's entries of one event."""
    return [entry.body for entry in study.trial.events() if entry.event == event]


def other_table() -> bytes:
    """A list that differs from the usual one."""
    return table_of("1122" * 3)
