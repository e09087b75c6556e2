"""Who is here, and what they are in a study."""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Role
from pharmacy.persistence import people, studies
from pharmacy.persistence.people import Person
from pharmacy.persistence.studies import Study
from pharmacy.persistence.unit_of_work import UnitOfWork


def present(uow: UnitOfWork, person_id: str) -> Person | None:
    """The person, unless they have left."""
    person = people.person(uow.session, person_id)
    return None if person is None or person.left_at is not None else person


def in_study(uow: UnitOfWork, person: Person, study_id: str) -> tuple[Study, frozenset[Role]]:
    """A study and the person's roles there. Without any: the same 404 as for no such study."""
    study = studies.study(uow.session, study_id)
    roles = people.roles_of(uow.session, person.id, study_id)
    if study is None or not (roles or person.administrator):
        raise Refusal("There is no such study for you.", status=404)
    return study, roles


def studies_of(uow: UnitOfWork, person: Person) -> list[tuple[Study, frozenset[Role]]]:
    """The studies a person has a role in, by code, with the roles."""
    found = [
        (study, people.roles_of(uow.session, person.id, study.id))
        for study in studies.all_studies(uow.session)
    ]
    return [(study, roles) for study, roles in found if roles]
