"""Who takes part in the main journey, and what each of them knows while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.journeys.visitor import DESK, PHONE, Visitor, Windows
from tests.support.world import Clock

PASSWORD = "lantern orchard violet stream"


@dataclass(frozen=True)
class Player:
    """One person: name, user name and initials as typed, and the role as the page names it."""

    name: str
    user_name: str
    initials: str
    role: str


ADMINISTRATOR = Player("Ada Moreno", "a.moreno", "AM", "Administrator")
STATISTICIAN = Player("Sam Statham", "s.statham", "SS", "Statistician")
PHARMACIST = Player("Tom Lang", "t.lang", "TL", "Pharmacist")
SECOND_PHARMACIST = Player("Petra Novak", "p.novak", "PN", "Pharmacist")
CHECKER = Player("Rose Okafor", "r.okafor", "RO", "Checker")
COORDINATOR = Player("Cora Lindqvist", "c.lindqvist", "CL", "Coordinator")
INVESTIGATOR = Player("Ana Rivera", "a.rivera", "AR", "Investigator")
NURSE = Player("Dana Whitfield", "d.whitfield", "DW", "Nurse")
HOLDERS = (PHARMACIST, SECOND_PHARMACIST, CHECKER)
EVERYBODY = (STATISTICIAN, *HOLDERS, COORDINATOR, INVESTIGATOR, NURSE)


@dataclass
class Journey:
    """The house under way: its address and clock, the windows, and the secrets on paper."""

    address: str
    clock: Clock
    visit: Windows
    windows: dict[Player, Visitor] = field(default_factory=dict)
    links: dict[Player, str] = field(default_factory=dict)
    passphrases: dict[Player, str] = field(default_factory=dict)
    six_words: dict[Player, str] = field(default_factory=dict)

    def window(self, player: Player) -> Visitor:
        """A person's own window: the nurse's is a phone whose camera is allowed."""
        if player not in self.windows:
            phone = player == NURSE
            size = PHONE if phone else DESK
            self.windows[player] = self.visit(self.address, size, camera=phone)
        return self.windows[player]
