"""What the protocol calls each arm, for whoever is told one."""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.services.act import Act
from pharmacy.services.studies import protocol_of
from pharmacy.unblinded.arm import Arm
from pharmacy.unblinded.study_files import products_of


def arm_words(act: Act) -> list[tuple[Arm, str]]:
    """Every arm with the protocol's words for it; asked of all, before one is known.

    Refused (409) when the protocol lacks an arm that the study's products name.
    """
    protocol = protocol_of(act)[1]
    identities = {arm.name: arm.identity for arm in protocol.arms}
    supplies = products_of(protocol.code).supplies
    if any(supply.protocol_arm not in identities for supply in supplies):
        raise Refusal(
            "The study's products and its protocol do not name the same arms. Call the sponsor."
        )
    return [(supply.arm, identities[supply.protocol_arm]) for supply in supplies]
