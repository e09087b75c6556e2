"""What must stand before a bag leaves: that its participant's code can be broken at any hour.

Two sealed cards in two places, and a drill that an enrolled investigator has passed (security.md
3.8: the ability to unblind exists before the product is available). A card that is lost later
stops no bag; the weekly count sees to it.
"""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.persistence.participants import Participant
from pharmacy.services import break_cards
from pharmacy.services.act import Act
from pharmacy.unblinded.code_break.drill import drill_facts

NO_DRILL = (
    "Nobody has drilled a code break in this study yet. An enrolled investigator opens Break the "
    "code, then the drill; no bag leaves before."
)


def need_code_break(act: Act, participant: Participant) -> None:
    """Refuse (409) a release before the drill was passed, and before both cards were in place."""
    if not drill_facts(act).passed_by:
        raise Refusal(NO_DRILL)
    lacking = break_cards.lacking(act.uow, participant.id)
    if lacking:
        raise Refusal(
            f"The sealed code-break cards of {participant.code} are not made and recorded yet: "
            f"{' and '.join(lacking)}. Print and seal them under Code-break cards, then release."
        )
