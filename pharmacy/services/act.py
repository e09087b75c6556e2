"""One act of one person: the transaction, who acts, in which study, and the surroundings."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission, Role, may
from pharmacy.persistence.audit import INSTALLATION
from pharmacy.persistence.people import Person
from pharmacy.persistence.studies import Study
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import marks
from pharmacy.services.surroundings import Surroundings

_NOT_YOURS = "Your roles in this study do not include this. Ask the administrator if they should."


@dataclass(frozen=True)
class Act:
    """What every verb gets first. `study` is None for acts of the installation."""

    uow: UnitOfWork
    surroundings: Surroundings
    person: Person
    study: Study | None = None
    roles: frozenset[Role] = field(default_factory=frozenset)

    @property
    def now(self) -> datetime:
        """The moment of this act, UTC."""
        return self.uow.now

    @property
    def in_study(self) -> Study:
        """The study of this act; an act without one is a bug."""
        if self.study is None:
            raise ValueError("this act belongs to a study")
        return self.study

    def permit(self, permission: Permission) -> None:
        """Refuse (403) a person whose roles do not include it, or whose mark bars it."""
        allowed = (
            self.person.administrator
            if permission is Permission.ADMINISTER
            else may(self.roles, permission)
        )
        if not allowed:
            raise Refusal(_NOT_YOURS, status=403)
        barred = permission in marks.BARRED and self.study is not None
        if barred and marks.marked(self.uow, self.in_study.id, self.person.id):
            raise Refusal(marks.BARRED[permission], status=403)

    def new_id(self, purpose: str) -> str:
        """A fresh random id."""
        return self.surroundings.new_id(purpose)

    def record(
        self,
        event: str,
        subject: str,
        *,
        old: object = None,
        new: object = None,
        reason: str = "",
        at: datetime | None = None,
    ) -> None:
        """One entry in the study's blinded trail; in the installation's without a study."""
        self.uow.record(
            self.study.id if self.study else INSTALLATION,
            event,
            person_id=self.person.id,
            subject=subject,
            old=old,
            new=new,
            reason=reason,
            at=at,
        )
