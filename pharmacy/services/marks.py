"""What follows from having learned an arm: no outcome is assessed, no blinded report is read.

Care is never barred: participants, orders, scans and breaking again stay open (keys.md).
"""

from __future__ import annotations

from pharmacy.domain.roles import Permission
from pharmacy.persistence import marks
from pharmacy.persistence.unit_of_work import UnitOfWork

NO_REPORTS = (
    "You have learned an arm in this study, so its audit trail and its blinded reports are closed "
    "to you. Your participants, orders and everything for their care stay open."
)
NO_ASSESSING = (
    "You have learned an arm in this study, so somebody who has not signs its assessments: the "
    "outcome assessor or another investigator. Your participants, orders and everything for their "
    "care stay open."
)
BARRED: dict[Permission, str] = {
    Permission.READ_BLINDED_TRAIL: NO_REPORTS,
    Permission.ASSESS: NO_ASSESSING,
}
NO_OUTCOMES = (
    "This person has learned an arm in this study and can assess no outcome in it. Give the role "
    "to somebody else."
)


def marked(uow: UnitOfWork, study_id: str, person_id: str) -> bool:
    """Whether a person has learned an arm in a study."""
    return marks.mark_of(uow.session, study_id, person_id) is not None
