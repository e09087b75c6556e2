"""The two labels of a bag as they stand in the database; the texts are `label_texts`' (A1 to A17).

Nothing here can know an arm: both labels follow from the order, the weight and the run alone.
"""

from __future__ import annotations

from labels.content import BagLabel, InnerLabel
from pharmacy.domain.errors import Refusal
from pharmacy.domain.roles import Permission
from pharmacy.persistence import bags
from pharmacy.services import participants, plans
from pharmacy.services.act import Act
from pharmacy.services.label_texts import LabelFacts, compose_cover, compose_inner


def cover_label(act: Act, bag_id: str, staff_codes: str) -> BagLabel:
    """The outer label of a bag, with its current code; `staff_codes` such as "TL/RO" (A17).

    Refused: no such bag here (404), a text that is missing (409).
    """
    return compose_cover(_facts(act, bag_id), staff_codes)


def inner_label(act: Act, bag_id: str) -> InnerLabel:
    """The label for the empty container, before the first puncture; refusals as `cover_label`."""
    return compose_inner(_facts(act, bag_id))


def _facts(act: Act, bag_id: str) -> LabelFacts:
    act.permit(Permission.WORK_AT_BENCH)
    found = bags.bag_with_day(act.uow.session, bag_id)
    if found is None or found[0].study_id != act.in_study.id:
        raise Refusal("There is no such bag in this study.", status=404)
    bag, day, course = found
    protocol = plans.protocol_of_course(act, course)
    visit = protocol.find_visit(course.visit)
    if visit is None:
        raise ValueError("a course is of a visit of its protocol")
    days = plans.plan_of(course).days
    day_plan = days[day.day - 1]
    participant = participants.find(act, course.participant_id)
    return LabelFacts(
        site=participants.site_of(act, participant),
        protocol=protocol,
        visit=visit,
        participant=participant,
        order=plans.find_order(act, course.order_id),
        day=day,
        day_plan=day_plan,
        days=len(days),
        bag=bag,
        bag_plan=day_plan.bags[bag.number - 1],
        code_body=bags.open_code(act.uow.session, bag.id).body,
        practice=act.in_study.practice,
    )
