"""Whether the weight a course was planned with still stands: a corrected one voids the plan."""

from __future__ import annotations

from pharmacy.domain.errors import Refusal
from pharmacy.domain.quantities import format_weight
from pharmacy.persistence import participants
from pharmacy.persistence.courses import Course
from pharmacy.persistence.participants import Weight
from pharmacy.services.act import Act
from pharmacy.services.plans import protocol_of_course

_CALL = "Do not prepare or release it; call the investigator."


def need_same_weight(act: Act, course: Course) -> None:
    """Refuse (409) a course whose weight was corrected after planning, or changed too much since.

    Another weight of the same day is a correction, whatever it says; one of a later day stops
    from the protocol's limit on (MIGHT: 10%).
    """
    planned = act.uow.session.get_one(Weight, course.weight_id)
    newest = participants.weights(act.uow.session, course.participant_id)[0]
    if newest.weight_kg == planned.weight_kg:
        return
    was, now = format_weight(planned.weight_kg), format_weight(newest.weight_kg)
    if newest.measured_on <= planned.measured_on:
        raise Refusal(
            f"The weight of this course was corrected from {was} to {now} after it was planned. "
            f"{_CALL}"
        )
    limit = protocol_of_course(act, course).weight.change_stops_percent
    if abs(newest.weight_kg - planned.weight_kg) * 100 >= limit * planned.weight_kg:
        raise Refusal(
            f"The newest weight is {now}; this course was planned with {was}, and a change of "
            f"{limit}% or more stops. {_CALL}"
        )
