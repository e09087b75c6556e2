"""What the protocol calls each arm, for whoever is told one, and whether it calls all of them."""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.services.act import Act
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.study_files import products_of, rules_of

_DISAGREE = (
    "The study's list rules, products and protocol do not name the same arms. Call the sponsor."
)


def arm_words(act: Act) -> list[tuple[Arm, str]]:
    """Every arm with the protocol's words for it; asked of all, before one is known.

    Refused (409) when the protocol lacks an arm that the study's products name.
    """
    protocol = protocol_of(act)[1]
    identities = {arm.name: arm.identity for arm in protocol.arms}
    supplies = products_of(protocol.code).supplies
    if any(supply.protocol_arm not in identities for supply in supplies):
        raise Refusal(_DISAGREE)
    return [(supply.arm, identities[supply.protocol_arm]) for supply in supplies]


def why_untold(act: Act) -> str:
    """Why an arm of the list could be neither prepared nor told, in one sentence; empty when each
    can. Asked before a list is loaded and at every drill: at a break it would be too late.
    """
    try:
        named = [arm for arm, _ in arm_words(act)]
        listed = [rule.arm for rule in rules_of(protocol_of(act)[1].code).arms]
    except Refusal as refused:
        return refused.sentence
    return "" if all(arm in named for arm in listed) else _DISAGREE
