"""The open-label part of the script: assessments signed, taken back and signed again, then week 12.

It is a day of two bags, so that the second bag of a day is in the script as well. Everybody draws
the same there; how the lit room lived with it follows the past arm all the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pharmacy.domain.quantities import plain
from tests.architecture.swap import bench_work, phone
from tests.architecture.swap.browser import Browser
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

# Two bags a day need 95 kg, which is less than a tenth more than the weight before.
CODE, SLOT, WEIGHT = "M-008", 3, "95.0"
MORNING = datetime(2026, 3, 5, 14, 30, tzinfo=UTC)
RUN = datetime(2026, 3, 5, 15, 0, tzinfo=UTC)
WITH_THE_RUN = datetime(2026, 3, 5, 15, 46, tzinfo=UTC)
AT_THE_DOOR = datetime(2026, 3, 5, 16, 20, tzinfo=UTC)
IN_THE_EVENING = datetime(2026, 3, 6, 1, 0, tzinfo=UTC)
READERS = ("assessor", "coordinator", "monitor", "investigator")


def roll_over(journey: Journey) -> None:
    """From the order to the end of both bags."""
    journey.jump(MORNING)
    _order(journey)
    assessor = journey.browser("assessor")
    page = _sign(journey, assessor)
    bench_work.plan_next(journey, bench_work.at_the_board(journey))
    journey.jump(RUN)
    bags = [bag.id for bag in journey.study.trial.bags(journey.course(CODE))][:2]
    for bag in bags:
        bench_work.prepare(journey, CODE, journey.world.life(SLOT), bag)
    journey.jump(WITH_THE_RUN)
    for bag in bags:
        bench_work.release(journey, CODE, bag)
    journey.show_papers()
    journey.jump(AT_THE_DOOR)
    _taken_back_meanwhile(journey, page, bags[0])
    _give(journey, *bags)
    journey.jump(IN_THE_EVENING)
    _read(journey)


def _order(journey: Journey) -> None:
    coordinator = journey.browser("coordinator")
    page = journey.participant(coordinator, CODE)
    coordinator.open(f"{page}/weight")
    coordinator.fill("/weight", weight_kg=WEIGHT, measured_by="CL", measured_on="2026-03-05")
    investigator = journey.browser("investigator")
    investigator.open(f"{page}/order")
    order = {"first_day": "2026-03-05", "password": PASSWORD}
    investigator.fill("/order", visit="W12", **order)


def _sign(journey: Journey, assessor: Browser) -> str:
    """A wrong password, a day to come, and whoever has learned an arm sign nothing."""
    assessor.open("/")
    assessor.open(journey.path("assessments"))
    link = r"/study/[0-9a-f]+/assessments/[0-9a-f]{32}/W12"
    page = assessor.find(rf"{link}(?=\"[^<]*<span[^>]*> for {CODE})")
    assessor.open(page)
    assessor.fill("/W12", assessed_on="2026-03-06", password=PASSWORD, expect=400)
    assessor.fill("/W12", assessed_on="2026-03-05", password="not the password", expect=403)
    journey.browser("investigator").open(page, expect=403)
    assessor.fill("/W12", assessed_on="2026-03-05", password=PASSWORD)
    assessor.open(page)
    return page


def _taken_back_meanwhile(journey: Journey, page: str, bag: str) -> None:
    """The signature was a mistake: the bag stops at the bedside until they are signed again."""
    assessor, nurse = journey.browser("assessor"), journey.browser("nurse")
    assessor.open(f"{page}/take-back")
    assessor.fill("/take-back", password=PASSWORD, expect=400)
    assessor.fill("/take-back", reason="not_complete", password=PASSWORD)
    assessor.open(f"{page}/take-back")
    for where in ("receive", "scan"):
        phone.scan(journey, nurse, journey.study.trial.code(bag), page=where)
    nurse.fill("/aside")
    nurse.open(journey.path("today"))
    assessor.open(page)
    assessor.fill("/W12", assessed_on="2026-03-04", password=PASSWORD)


def _give(journey: Journey, first: str, second: str) -> None:
    """The bags of one day in their order; the second stops while the first may still be given."""
    nurse, trial = journey.browser("nurse"), journey.study.trial
    phone.scan(journey, nurse, trial.code(second), page="receive")
    phone.scan(journey, nurse, trial.code(second))
    nurse.fill("/aside")
    for bag in (first, second):
        _start(journey, nurse, bag)
        journey.clock.move(minutes=170)
        nurse.open(f"{journey.path('infusion')}/{bag}")
        nurse.fill("/end", infused_ml=_whole_volume(journey, bag), password=PASSWORD)
        nurse.open(journey.path("today"))


def _whole_volume(journey: Journey, bag: str) -> str:
    rows = journey.study.trial.bags(journey.course(CODE))
    return plain(next(row.volume_ml for row in rows if row.id == bag))


def _start(journey: Journey, nurse: Browser, bag: str) -> None:
    trial = journey.study.trial
    phone.scan(journey, nurse, trial.code(bag))
    nurse.fill("/person", card=trial.card(CODE), spoken_confirmed="y")
    nurse.fill("/start")


def _read(journey: Journey) -> None:
    """Everybody blinded looks at what became of it."""
    for who in READERS:
        reader = journey.browser(who)
        reader.open(journey.path("assessments"))
        if who != "assessor":
            reader.open(journey.participant(reader, CODE))
    for who in ("coordinator", "monitor"):
        journey.browser(who).open(journey.path("trail.csv"))
    for who in ("coordinator", "pharmacist"):
        journey.browser(who).open(journey.path("deliveries"))
