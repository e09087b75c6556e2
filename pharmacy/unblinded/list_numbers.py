"""Randomization numbers that a list has used: each once, over all of its parts.

A slot keeps no number. What is kept is a digest under the first part's opening, in no order of the
list, so that it says nothing to anybody without the list key and nothing of any arm to those with.
"""

from __future__ import annotations

import sqlalchemy as sa

from pharmacy.crypto.commitments import keyed_digest
from pharmacy.services.act import Act
from pharmacy.unblinded import contexts, list_parts
from pharmacy.unblinded.list_table import AllocationList
from pharmacy.unblinded.tables import ListNumber


def any_used(act: Act, list_key: bytes, allocation_list: AllocationList) -> bool:
    """Whether one of these rows has a number that stands in the loaded list."""
    query = sa.select(ListNumber.digest).where(ListNumber.study_id == act.in_study.id)
    used = set(act.uow.session.scalars(query))
    return not used.isdisjoint(_digests(act, list_key, allocation_list))


def keep(act: Act, list_key: bytes, allocation_list: AllocationList) -> None:
    """Remember the numbers of a part that was just sealed."""
    for digest in _digests(act, list_key, allocation_list):
        act.uow.session.add(ListNumber(study_id=act.in_study.id, digest=digest))
    act.uow.session.flush()


def _digests(act: Act, list_key: bytes, allocation_list: AllocationList) -> list[bytes]:
    key = list_parts.opening_of(list_key, list_parts.parts(act)[0])
    context = contexts.list_number(act.in_study.id)
    numbers = [row.number for row in allocation_list.rows if row.number]
    return sorted(keyed_digest(key, context + number.encode()) for number in numbers)
