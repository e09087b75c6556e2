"""The nurse's part of the script: the door, the scans, the running bag, and every Stop."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pharmacy.domain.bag_code import Piece
from tests.architecture.swap.browser import Browser
from tests.support.builders import PASSWORD

if TYPE_CHECKING:
    from tests.architecture.swap.script import Journey

READY, OTHER = "M-002", "M-003"
PAST_EVERY_LIMIT = timedelta(hours=30)
UNKNOWN, MISREAD = "T1000G40R40M30E20911", "T1000G40R40M30E20910"


def too_early(journey: Journey, nurse: Browser) -> None:
    """Somebody scans the labels of bags that may be planned, drawn, covered or ready by now."""
    nurse.open(journey.path("today"))
    for code in journey.first_codes:
        for page in ("scan", "receive"):
            scan(journey, nurse, code, page=page)
            nurse.fill("/aside")


def send(journey: Journey) -> None:
    """Deliveries and their packing lists, as both see them whom they concern; the room is shut."""
    for who in ("pharmacist", "coordinator"):
        reader = journey.browser(who)
        for code in (READY, OTHER):
            reader.open(journey.path("deliveries"))
            reader.open(packing_list(journey, code))
            journey.paper(f"packing list of {code}", reader.raw)
        reader.open(journey.path("deliveries/nowhere/packing-list.pdf"), expect=404)


def receive(journey: Journey) -> None:
    """Both bags at the door: by camera and by hand, twice, and everything that is none of them."""
    nurse, trial = journey.browser("nurse"), journey.study.trial
    nurse.open(journey.path("today"))
    refused_typing(journey, nurse, "receive")
    wrong = [
        MISREAD,
        UNKNOWN,
        trial.card(READY),
        trial.code(trial.bags(journey.course(READY))[1].id),
        trial.code(journey.bag(OTHER), Piece.INNER_CONTAINER),
        journey.retired_code,
    ]
    for code in wrong:
        scan(journey, nurse, code, page="receive")
        nurse.fill("/aside")
    scan(journey, nurse, trial.code(journey.bag(READY)), how="camera", page="receive")
    nurse.open(journey.path("today"))
    scan(journey, nurse, trial.code(journey.bag(OTHER)), how="typed", page="receive")
    scan(journey, nurse, trial.code(journey.bag(READY)), page="receive")
    journey.browser("nurse2").open(journey.path("today"))
    for who in ("pharmacist", "coordinator"):
        reader = journey.browser(who)
        reader.open(journey.path("deliveries"))
        reader.open(packing_list(journey, READY), expect=409)


def infuse(journey: Journey) -> None:
    """A bag from the scan to its signed end: paused, resumed by another nurse, ended early."""
    nurse = journey.browser("nurse")
    infusion = start(journey, nurse)
    journey.clock.move(minutes=9)
    nurse.open(infusion)
    nurse.fill("/pause", shown_ml="9000", why="vitals", expect=400)
    nurse.fill("/pause", shown_ml="40", why="vitals")
    nurse.open(journey.path("today"))
    seen_twice(nurse, infusion, "/restart")
    second = journey.passing("nurse2")
    second.open(infusion, expect=403)
    refused_typing(journey, second, "scan")
    identify(journey, second, how="camera")
    second.open(infusion)
    journey.clock.move(minutes=6)
    second.open(infusion)
    second.fill("/pause", shown_ml="60.5", why="reaction")
    journey.clock.move(minutes=4)
    second.open(infusion)
    second.fill("/correct", right_ml="60.5", expect=400)
    second.fill("/correct", right_ml="65.5")
    second.fill("/restart")
    scan(journey, nurse, journey.study.trial.code(journey.bag(READY)), page="receive")
    nurse.fill("/aside")
    journey.clock.move(minutes=8)
    nurse.open(infusion)
    nurse.fill("/end", infused_ml="9000", password=PASSWORD, expect=400)
    nurse.fill("/end", infused_ml="150", password=PASSWORD, expect=400)
    nurse.fill("/end", infused_ml="150", reason="reaction", password=PASSWORD)
    second.open(journey.path("today"))


def stop(journey: Journey) -> None:
    """Every scan that must stop, one after the other."""
    nurse, trial = journey.browser("nurse"), journey.study.trial
    used, other = journey.bag(READY), journey.bag(OTHER)
    later = trial.bags(journey.course(READY))[1].id
    for code, how in (
        (UNKNOWN, "scanner"),
        (MISREAD, "typed"),
        (trial.card(READY), "camera"),
        (trial.code(used), "scanner"),
        (trial.code(other, Piece.INNER_CONTAINER), "typed"),
        (trial.code(later), "scanner"),
        (journey.retired_code, "camera"),
    ):
        scan(journey, nurse, code, how)
        nurse.fill("/aside")
    revoked = trial.card(OTHER)
    scan(journey, nurse, trial.code(other))
    nurse.fill("/person", card=trial.card(READY), spoken_confirmed="y")
    nurse.fill("/aside")
    scan(journey, nurse, trial.code(other))
    seen_twice(nurse, nurse.at, "/differs")
    nurse.fill("/aside")
    revoke_card(journey, OTHER)
    scan(journey, nurse, trial.code(other))
    nurse.fill("/person", card=revoked, spoken_confirmed="y")
    nurse.fill("/aside")
    journey.jump(journey.clock() + PAST_EVERY_LIMIT)
    nurse = journey.browser("nurse")
    nurse.open(journey.path("today"))
    for page in ("scan", "receive"):
        scan(journey, nurse, trial.code(other), page=page)
        nurse.fill("/aside")


def start(journey: Journey, nurse: Browser) -> str:
    """From the scan to the running bag's page; a second press of an older page is refused."""
    identify(journey, nurse)
    nurse.open(nurse.at)
    seen_twice(nurse, nurse.at, "/start")
    return nurse.at


def identify(journey: Journey, nurse: Browser, how: str = "scanner") -> None:
    """The bag, then the person; without the card nothing is judged."""
    trial = journey.study.trial
    scan(journey, nurse, trial.code(journey.bag(READY)), how)
    nurse.fill("/person", spoken_confirmed="y", expect=400)
    nurse.fill("/person", card=trial.card(READY), spoken_confirmed="y")


def seen_twice(browser: Browser, page: str, action_ends: str) -> None:
    """Press the button of a page that was open in two tabs: the second comes too late."""
    older = browser.open(page)
    browser.open(page)
    browser.fill(action_ends)
    after = browser.at, browser.page
    browser.page = older
    browser.fill(action_ends, expect=409)
    browser.at, browser.page = after


def scan(
    journey: Journey, nurse: Browser, code: str, how: str = "scanner", page: str = "scan"
) -> None:
    """Give a code to the scan page, or to that of the door."""
    nurse.open(journey.path(page))
    why = {"typed_reason": "smeared"} if how == "typed" else {}
    nurse.fill(f"/{page}", code=code, at=int(how == "typed"), method=how, **why)


def refused_typing(journey: Journey, nurse: Browser, page: str) -> None:
    """A code that is typed without saying why."""
    nurse.open(journey.path(page))
    nurse.fill(f"/{page}", code=UNKNOWN, at=1, method="typed", expect=400)


def revoke_card(journey: Journey, code: str) -> None:
    """The coordinator ends a card in the middle of the day; without a reason nothing ends."""
    coordinator = journey.passing("coordinator")
    coordinator.open(f"{journey.participant(coordinator, code)}/revoke-card")
    coordinator.fill("/revoke-card", expect=400)
    coordinator.fill("/revoke-card", reason="lost")


def packing_list(journey: Journey, code: str) -> str:
    """Where the packing list of a participant's first day is."""
    day = journey.study.trial.bags(journey.course(code))[0].day_id
    return journey.path(f"deliveries/{day}/packing-list.pdf")
