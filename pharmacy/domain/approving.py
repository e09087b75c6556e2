"""The two sides that sign together: the clinic, blinded, and the pharmacy with the statistician.

Two signatures of one side would be one view; so a protocol is approved, and a study goes live, by
one of each (E21).
"""

from __future__ import annotations

from enum import StrEnum

from pharmacy.domain.roles import Role


class Side(StrEnum):
    """Who a signature stands for."""

    CLINIC = "clinic"
    PHARMACY = "pharmacy"


SIDE_TITLES = {
    Side.CLINIC: "Investigator or sponsor",
    Side.PHARMACY: "Pharmacist or statistician",
}
_SIDE_OF = {
    Role.INVESTIGATOR: Side.CLINIC,
    Role.SPONSOR_CONTACT: Side.CLINIC,
    Role.PHARMACIST: Side.PHARMACY,
    Role.STATISTICIAN: Side.PHARMACY,
}


def side_of(roles: frozenset[Role]) -> Side | None:
    """The side that a person's roles put them on; None for those who sign on neither."""
    found = {_SIDE_OF[role] for role in roles if role in _SIDE_OF}
    return found.pop() if len(found) == 1 else None
