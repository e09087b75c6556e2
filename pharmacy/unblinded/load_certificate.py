"""The load certificate: what may be printed of a loaded list, and who holds its keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Role
from pharmacy.persistence import audit, people
from pharmacy.services.act import Act
from pharmacy.unblinded import private_record
from pharmacy.unblinded.founding import VERSION
from pharmacy.unblinded.granting import granted
from pharmacy.unblinded.holders import keys_of
from pharmacy.unblinded.sealed_list import LOAD_MEANING, LOADED_EVENT, NOT_LIVE
from pharmacy.unblinded.tables import SealedList, Stratum, StudyKeys


@dataclass(frozen=True)
class Certificate:
    """What is printed after loading: nothing of the list itself."""

    study_code: str
    study_title: str
    slots: int
    commitment: str
    list_key: str
    record_key: str
    loaded_by: str
    loaded_at: datetime | None
    fingerprints: tuple[tuple[str, str], ...]
    meaning: str = LOAD_MEANING
    statement: str = NOT_LIVE


def certificate(act: Act) -> Certificate:
    """The load certificate's facts; refused (404) before a list is loaded."""
    loaded = act.uow.session.get(SealedList, act.in_study.id)
    if loaded is None:
        raise Refusal("No list is loaded yet.", status=404)
    strata = sa.select(Stratum).where(Stratum.study_id == act.in_study.id)
    keys = act.uow.session.get_one(StudyKeys, (act.in_study.id, VERSION))
    loader = people.person(act.uow.session, loaded.loaded_by)
    entries = audit.page(act.uow.session, act.in_study.id, text=LOADED_EVENT, most=1)
    return Certificate(
        study_code=act.in_study.code,
        study_title=act.in_study.title,
        slots=sum(row.slots for row in act.uow.session.scalars(strata)),
        commitment=loaded.commitment.hex(),
        list_key=keys.list_commitment.hex(),
        record_key=keys.record_commitment.hex(),
        loaded_by=loader.full_name if loader else "",
        loaded_at=entries[0].at if entries else None,
        fingerprints=_fingerprints(act),
    )


def _fingerprints(act: Act) -> tuple[tuple[str, str], ...]:
    rows = []
    for role in (Role.STATISTICIAN, Role.PHARMACIST, Role.CHECKER):
        for person in people.members(act.uow.session, act.in_study.id, role):
            keys = keys_of(act, person.id)
            if keys is not None and granted(act, person.id):
                rows.append((person.full_name, private_record.six_words(keys)))
    return tuple(dict.fromkeys(rows))
