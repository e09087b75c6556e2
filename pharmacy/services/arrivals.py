"""A delivery at the door: each bag is scanned in, and what came is set against what was sent."""

from __future__ import annotations

from pharmacy.domain.errors import Conflict, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import Answer, Verdict, judge_arrival
from pharmacy.persistence import bags
from pharmacy.persistence.bags import Bag
from pharmacy.services.act import Act
from pharmacy.services.bag_facts import Found, bag_facts, find_bag
from pharmacy.services.kept_scans import Scanned, how_scanned, keep
from pharmacy.services.scanning import code_retired, judge_code

_SINCE = "This bag was received, and it stands otherwise since. Look under Today, or scan it again."


def receive(act: Act, text: str, method: str, typed_reason: str) -> Scanned:
    """Take in the bag of a scanned code (K1, K7): Received, or Stop with its reason; never Go.

    `method` is "scanner", "camera" or "typed"; typing needs a reason (`BadForm`). Every scan is
    kept. A bag that was received before answers Received again, and nothing changes.
    """
    act.permit(Permission.SCAN)
    how = how_scanned(text, "receive", method, typed_reason)
    found = find_bag(act, text, typed=how.typed)
    verdict, came_now = _take_in(act, found)
    scanned = keep(act, found, verdict, how)
    if came_now is not None:
        act.record(
            "bag_received",
            f"bag:{came_now.id}",
            old=BagState.RELEASED.value,
            new={"state": BagState.RECEIVED.value, "scan": scanned.scan.id},
        )
    return scanned


def need_still_here(act: Act, scanned: Scanned) -> None:
    """Refuse (409) a Received that time or somebody has overtaken: what it says to keep is old."""
    if scanned.verdict.answer is not Answer.RECEIVED:
        return
    bag, day, course = scanned.found
    retired = code_retired(act, scanned.scan)
    facts = bag_facts(act, bag, day, course, code_retired=retired)
    if judge_arrival(facts, act.now).answer is Answer.STOP:
        raise Refusal(_SINCE)


def _take_in(act: Act, found: Found) -> tuple[Verdict, Bag | None]:
    """The verdict, and the bag when this very scan made it received.

    Whoever was overtaken asks again how the bag stands: of two nurses at one door both are told
    Received, and a bag that was started or held meanwhile stops.
    """
    verdict = judge_code(act, found, judge_arrival)
    if verdict.answer is not Answer.RECEIVED or found.bag is None:
        return verdict, None
    bag = found.bag[0]
    if bag.state != BagState.RELEASED:
        return verdict, None
    if bags.move(act.uow.session, bag.id, BagState.RELEASED, BagState.RECEIVED):
        return verdict, bag
    act.uow.session.refresh(bag)
    if bag.state == BagState.RELEASED:
        raise Conflict
    return judge_code(act, found, judge_arrival), None
