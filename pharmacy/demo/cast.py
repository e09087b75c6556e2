"""Who plays in the practice study: one person for every page, and two where two are needed."""

from __future__ import annotations

from dataclasses import dataclass

from pharmacy.domain.roles import Role

# Shared and printed, which only a practice study may do: it binds to this machine alone, and
# nothing in it is real. Easy to type, because every signature asks for it again.
PASSWORD = "steady hands and quiet rooms"  # noqa: S105


@dataclass(frozen=True)
class Player:
    """One person of the practice study; `role` None is the administrator."""

    key: str
    full_name: str
    initials: str
    role: Role | None

    @property
    def user_name(self) -> str:
        """What this person types at the door: first letter and family name."""
        first, _, family = self.full_name.casefold().partition(" ")
        return f"{first[0]}.{family}"


ADMINISTRATOR = Player("administrator", "Ada Moreno", "AM", None)
PLAYERS = (
    Player("statistician", "Sam Statham", "SS", Role.STATISTICIAN),
    Player("pharmacist", "Tom Lang", "TL", Role.PHARMACIST),
    Player("second_pharmacist", "Petra Novak", "PN", Role.PHARMACIST),
    Player("checker", "Rose Okafor", "RO", Role.CHECKER),
    Player("nurse", "Dana Whitfield", "DW", Role.NURSE),
    Player("second_nurse", "Noor Haddad", "NH", Role.NURSE),
    Player("coordinator", "Cora Lindqvist", "CL", Role.COORDINATOR),
    Player("investigator", "Ana Rivera", "AR", Role.INVESTIGATOR),
    Player("monitor", "Max Berger", "MB", Role.BLINDED_MONITOR),
    Player("assessor", "Asa Holm", "AH", Role.OUTCOME_ASSESSOR),
)
# Whoever opens the lit room: the statistician makes the study's keys and enrols the others.
FOUNDER = "statistician"
ENROLLED = ("pharmacist", "second_pharmacist", "checker")
HOLDERS = (FOUNDER, *ENROLLED)
# Whoever breaks a code in an emergency, and the holder who has compared their six words.
BREAKER, COMPARED_BY = "investigator", "pharmacist"
