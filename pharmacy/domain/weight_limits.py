"""Which weight may be dosed on: fresh, in range, not changed too much (requirement D2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from pharmacy.domain.errors import Refusal
from pharmacy.domain.protocol_parts import Protocol
from pharmacy.domain.quantities import format_number, format_weight

_CHOICE_WORDS = {
    "skip": "skip this course",
    "dose_as_limit": "dose as the limit",
    "actual": "dose on the actual weight",
}


def check_weight(
    protocol: Protocol,
    weight_kg: Decimal,
    measured_on: date,
    today: date,
    previous_kg: Decimal | None,
    *,
    over_limit: str | None = None,
    change_confirmed: bool = False,
) -> None:
    """Refuse a weight that may not be dosed on today (requirement D2).

    Refused, each with its own sentence: measured in the future, too old, under the minimum, over
    the limit without the investigator's signed choice (`over_limit`), and changed by the
    protocol's percentage or more since `previous_kg` unless that is confirmed by signature.
    """
    rule = protocol.weight
    if measured_on > today:
        raise Refusal("The weight is dated in the future; correct the date it was measured.")
    age_days = (today - measured_on).days
    if age_days > rule.maximum_age_days:
        raise Refusal(
            f"The weight is {age_days} days old; at most {rule.maximum_age_days} are allowed: "
            "weigh again."
        )
    _check_light(protocol, weight_kg)
    _check_heavy(protocol, weight_kg, over_limit)
    if previous_kg is not None and not change_confirmed:
        _check_change(protocol, weight_kg, previous_kg)


def weight_to_dose(protocol: Protocol, weight_kg: Decimal, over_limit: str | None) -> Decimal:
    """The weight to dose on, in kg, under the limits and the signed choice; refusals as above."""
    _check_light(protocol, weight_kg)
    _check_heavy(protocol, weight_kg, over_limit)
    if weight_kg > protocol.weight.maximum_kg and over_limit == "dose_as_limit":
        return protocol.weight.maximum_kg
    return weight_kg


def void_reason(
    protocol: Protocol,
    planned_kg: Decimal,
    planned_on: date,
    weighed: Sequence[tuple[Decimal, date]],
) -> str:
    """Why a plan made with a weight no longer holds; empty while it does (requirements D1, D2).

    `weighed` are the participant's weighings in kg with their dates, the newest first. Another
    weight of the day that was planned with is a correction, whatever it says (`corrected`); one
    of a later day voids when it left the protocol's range (`over_limit`, `under_limit`) or from
    the protocol's change on (`changed`; MIGHT: 10%).
    """
    rule, newest_kg = protocol.weight, weighed[0][0]
    of_the_day = next((kg for kg, on in weighed if on == planned_on), planned_kg)
    if of_the_day != planned_kg:
        return "corrected"
    if planned_kg <= rule.maximum_kg < newest_kg:
        return "over_limit"
    if newest_kg < rule.minimum_kg <= planned_kg:
        return "under_limit"
    return "changed" if changed_too_much(protocol, newest_kg, planned_kg) else ""


def changed_too_much(protocol: Protocol, weight_kg: Decimal, previous_kg: Decimal) -> bool:
    """Whether a weight changed by the protocol's percentage or more since another."""
    percent = protocol.weight.change_stops_percent
    return abs(weight_kg - previous_kg) * 100 >= percent * previous_kg


def _check_light(protocol: Protocol, weight_kg: Decimal) -> None:
    if weight_kg < protocol.weight.minimum_kg:
        raise Refusal(
            f"{format_weight(weight_kg)} is under the protocol's minimum of "
            f"{format_weight(protocol.weight.minimum_kg)}: check it and, if it is "
            "right, call the investigator."
        )


def _check_heavy(protocol: Protocol, weight_kg: Decimal, over_limit: str | None) -> None:
    rule = protocol.weight
    if weight_kg <= rule.maximum_kg:
        return
    if over_limit is not None and over_limit not in rule.over_limit_choices:
        raise Refusal("The signed choice for this weight is not one that the protocol allows.")
    if over_limit == "skip":
        raise Refusal("The investigator has signed to skip this course; nothing is prepared.")
    if over_limit is None:
        choices = ", or ".join(_CHOICE_WORDS[choice] for choice in rule.over_limit_choices)
        raise Refusal(
            f"{format_weight(weight_kg)} is over the protocol's limit of "
            f"{format_weight(rule.maximum_kg)}; the investigator must sign what to do: {choices}."
        )


def _check_change(protocol: Protocol, weight_kg: Decimal, previous_kg: Decimal) -> None:
    if changed_too_much(protocol, weight_kg, previous_kg):
        percent = protocol.weight.change_stops_percent
        raise Refusal(
            f"The weight changed from {format_weight(previous_kg)} to {format_weight(weight_kg)}, "
            f"which is {format_number(percent)}% or more: weigh again and, if it is "
            "right, have the investigator confirm it."
        )
