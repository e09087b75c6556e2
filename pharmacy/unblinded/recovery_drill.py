"""The yearly drill: two halves open the canary, and nothing else of the study."""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.services.act import Act
from pharmacy.unblinded import recovery_key
from pharmacy.unblinded.recovery_custody import record_tried
from pharmacy.unblinded.recovery_halves import join_sheets, number_of
from pharmacy.unblinded.room import OpenRoom

DRILL_MEANING = "Both custodians of a pair were here, and their sheets were tried on the canary"


def drill(
    act: Act, room: OpenRoom, first: str, second: str, password: str, operation_id: str = ""
) -> bool:
    """Try the halves of one pair on the canary, signed; says whether it opened.

    Sheets that are not as printed, or no pair, are `BadForm` and no drill. New sheets are due
    afterwards, whatever came of it: the halves were on a screen.
    """
    act.permit(Permission.KEEP_RECOVERY)
    key = recovery_key.current(act)
    if key is None:
        raise Refusal("The recovery key of this study is of an older kind. Make new sheets first.")
    joined = join_sheets(act.in_study.id, key.public, first, second)
    passed = recovery_key.canary_opens(key, joined.private)
    facts: dict[str, object] = {"sheet": joined.pair, "key": number_of(key.public)}
    facts["operation"] = operation_id
    record_tried(act, room, key, "drill", joined.pair, passed, password, DRILL_MEANING, facts)
    return passed
