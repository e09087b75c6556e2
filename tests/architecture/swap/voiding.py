"""A weight that is corrected after a release: the plan is void, everywhere, and is made again.

In between it changes too much, and the investigator signs for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.architecture.swap import bench_work, phone
from tests.architecture.swap.desk import PREPARED
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

CODE, WEIGHED_ON = PREPARED[1], "2026-03-01"


def correct(journey: Journey) -> None:
    """One bag of the course is out and the other is planned; refused first, then corrected."""
    first = journey.bag(CODE)
    coordinator, nurse = journey.browser("coordinator"), journey.browser("nurse")
    page = journey.participant(coordinator, CODE)
    said = {"measured_by": "CL", "measured_on": WEIGHED_ON}
    coordinator.open(f"{page}/weight")
    coordinator.fill("/weight", weight_kg="64,3", expect=400, **said)
    coordinator.fill("/weight", weight_kg="64.3", **said)
    _look(journey)
    for where in ("receive", "scan"):
        phone.scan(journey, nurse, journey.study.trial.code(first), page=where)
        nurse.fill("/aside")
    nurse.open(journey.path("today"))
    _decide(journey, page)
    bench_work.plan_next(journey, bench_work.at_the_board(journey))
    _look(journey)


def _decide(journey: Journey, page: str) -> None:
    """A change without a reason is refused, a wrong password signs nothing."""
    coordinator, investigator = journey.browser("coordinator"), journey.browser("investigator")
    coordinator.open(f"{page}/weight")
    coordinator.fill("/weight", weight_kg="75.0", measured_by="CL", measured_on="2026-03-05")
    investigator.open(page)
    link = investigator.find(rf"{page}/weights/[0-9a-f]{{32}}/decide")
    investigator.open(link)
    investigator.fill("/decide", password=PASSWORD, expect=400)
    investigator.fill("/decide", reason="fluid", password="not the password", expect=403)
    investigator.fill("/decide", reason="fluid", password=PASSWORD)
    investigator.open(link, expect=409)


def _look(journey: Journey) -> None:
    """Everybody blinded looks at what became of it."""
    for who in ("coordinator", "investigator", "monitor"):
        reader = journey.browser(who)
        reader.open(journey.participant(reader, CODE))
        reader.open(journey.path("participants"))
    journey.browser("monitor").open(journey.path("trail"))
    for who in ("coordinator", "pharmacist"):
        journey.browser(who).open(journey.path("deliveries"))
