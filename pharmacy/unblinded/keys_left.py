"""Who still holds keys of a study without a role that needs them: told to the administrator.

Names alone: which keys, and what they open, is the lit room's. A role ends with one press, and keys
only when another holder takes them back; this is what keeps that from being forgotten (H5).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from pharmacy.domain.roles import Permission, Role
from pharmacy.persistence import people, studies
from pharmacy.persistence.people import Person
from pharmacy.services import stages
from pharmacy.services.accounts import KeysLeft
from pharmacy.services.act import Act
from pharmacy.unblinded import break_shares, granting, versions


def keys_left(act: Act) -> tuple[KeysLeft, ...]:
    """Everybody in every study who holds more than their roles there ask for, by study and name."""
    act.permit(Permission.ADMINISTER)
    found = []
    for study in studies.all_studies(act.uow.session):
        within = replace(act, study=study, roles=frozenset())
        if versions.study_keys(within) is None:
            continue
        named = stages.named(act.uow, study)
        for person in _holding_too_much(within):
            asked = tuple(one.full_name for one in _able(within) if one.id != person.id)
            found.append(KeysLeft(person.id, person.full_name, named, asked))
    return tuple(found)


def _holding_too_much(act: Act) -> list[Person]:
    left = {
        one.person.id: one.person
        for one in granting.holders(act)
        if set(one.granted) - set(one.needed)
    }
    left |= {one.person.id: one.person for one in break_shares.investigators(act) if not one.needed}
    return sorted(left.values(), key=lambda person: person.full_name)


def _able(act: Act) -> Iterator[Person]:
    """Who can take keys back: they hold the list key and have a role for it."""
    for role in (Role.PHARMACIST, Role.STATISTICIAN):
        for person in people.members(act.uow.session, act.in_study.id, role):
            if "list" in granting.granted(act, person.id):
                yield person
