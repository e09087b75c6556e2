"""What a dose plan is computed from: the weight that counts, and what was given before."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import Refusal
from pharmacy.domain.history import AdministeredCourse, History
from pharmacy.domain.protocol import Protocol
from pharmacy.domain.weight_limits import check_weight
from pharmacy.persistence import bags, participants
from pharmacy.persistence.courses import Order
from pharmacy.persistence.participants import Participant, Weight
from pharmacy.services import participants as participant_verbs
from pharmacy.services import weight_decisions
from pharmacy.services.act import Act


def weight_to_plan_with(
    act: Act, participant: Participant, protocol: Protocol
) -> tuple[Weight, str | None]:
    """The newest weight, if it may be dosed on today, and the signed choice over the limit.

    Refused (409) with its sentence, for what the investigator has not signed too.
    """
    weights = participants.weights(act.uow.session, participant.id)
    if not weights:
        raise Refusal("There is no weight. The coordinator enters one before planning.")
    over_limit, confirmed = weight_decisions.signed_ways(act, weights[0])
    site = participant_verbs.site_of(act, participant)
    today = act.now.astimezone(ZoneInfo(site.zone)).date()
    check_weight(
        protocol,
        weights[0].weight_kg,
        weights[0].measured_on,
        today,
        weight_decisions.previous_kg(weights),
        over_limit=over_limit,
        change_confirmed=confirmed,
    )
    return weights[0], over_limit


def check_weight_on(weight: Weight, starts_on: date, protocol: Protocol) -> None:
    """A weight that is fresh today may be stale on the day of the infusion."""
    age_days = (starts_on - weight.measured_on).days
    if age_days > protocol.weight.maximum_age_days:
        raise Refusal(
            f"The weight would be {age_days} days old on the first infusion day; at most "
            f"{protocol.weight.maximum_age_days} are allowed: weigh again or choose an earlier run."
        )


def history_before(act: Act, order: Order, starts_on: date, zone: ZoneInfo) -> History:
    """What was infused before this course: a started bag counts unless it ended with nothing in.

    An earlier course that ran on `starts_on` or later is refused (409).
    """
    last: dict[str, date] = {}
    for infusion, course in bags.administrations_of(act.uow.session, order.participant_id):
        if infusion.infused_ml == 0:
            continue
        day = (infusion.ended_at or infusion.started_at).astimezone(zone).date()
        last[course.visit] = max(day, last.get(course.visit, day))
    if last and max(last.values()) >= starts_on:
        raise Refusal("An earlier course ran on that day or later. Choose later runs.")
    given = tuple(AdministeredCourse(visit, day) for visit, day in last.items())
    return History(courses=given, infusion_on=starts_on)
