"""Starting and ending the infusion of one bag."""

from __future__ import annotations

import re
from decimal import Decimal

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import Answer
from pharmacy.persistence import bags, scans
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.services import kept_scans, scanning
from pharmacy.services.act import Act
from pharmacy.services.kept_scans import Scanned
from pharmacy.services.signing import sign

END_MEANING = "I ended this infusion and the volume is as written."
# A closed list: free words about the product could tell more than anybody may know.
END_REASONS = {
    "reaction": "The participant had a reaction",
    "wish": "The participant asked to stop",
    "line": "Trouble with the line or the pump",
    "time_limit": "The time limit was reached",
    "ordered": "The investigator ordered it",
    "bag": "Trouble with the bag; the pharmacy was called",
}


def start(act: Act, scan_id: str) -> Scanned:
    """Start the bag of a scan that said Go; the bag is judged once more first.

    A bag that may no longer run turns the scan into a Stop, which is returned; a scan without
    a Go, and a bag that another nurse has started since, are refused (409).
    """
    scanned = kept_scans.reopen(act, scan_id)
    if scanned.verdict.answer is not Answer.GO or scanned.bag is None:
        raise Refusal("There is no Go for this bag. Scan the bag and the card again.")
    bag = scanned.bag
    if bag.state == BagState.STARTED:
        raise Refusal(scanning.STARTED_SINCE)
    again = scanning.judge_again(act, scanned)
    if again.answer is Answer.STOP:
        return scanning.turn_to_stop(act, scanned, again)
    before = BagState(bag.state)
    if not bags.move(act.uow.session, bag.id, before, BagState.STARTED):
        raise Conflict
    act.uow.session.add(
        Administration(
            bag_id=bag.id,
            started_at=act.now,
            started_by=act.person.id,
            ended_at=None,
            ended_by=None,
            infused_ml=None,
            reason="",
        )
    )
    act.record(
        "infusion_started",
        f"bag:{bag.id}",
        old=before.value,
        new={"state": BagState.STARTED.value, "scan": scanned.scan.id},
    )
    return scanned


def running(act: Act, bag_id: str) -> tuple[Bag, Administration]:
    """A bag of this study with its administration, for the nurse who started or resumed it.

    Refused: no such infusion (404); another nurse's, until bag and card are scanned again (403).
    """
    act.permit(Permission.SCAN)
    bag = bags.bag(act.uow.session, bag_id)
    infusion = act.uow.session.get(Administration, bag_id)
    if bag is None or infusion is None or bag.study_id != act.in_study.id:
        raise Refusal("There is no such infusion in this study.", status=404)
    mine = infusion.started_by == act.person.id
    if not mine and not scans.resumed(act.uow.session, bag.id, act.person.id):
        raise Refusal(
            "Another nurse started this infusion. Scan the bag and the card to resume it.",
            status=403,
        )
    return bag, infusion


def end(act: Act, bag_id: str, infused_text: str, reason: str, password: str) -> Administration:
    """End an infusion with the volume in mL and a signature; less than planned needs a reason.

    `reason` is a key of `END_REASONS`, or empty.
    """
    bag, infusion = running(act, bag_id)
    if infusion.ended_at is not None:
        raise Refusal("This infusion was already ended.")
    infused_ml = _infused_ml(infused_text, bag)
    if infused_ml < bag.volume_ml and reason not in END_REASONS:
        raise BadForm({"reason": "Choose why less than the planned volume was infused."})
    if infused_ml == bag.volume_ml and reason:
        raise BadForm({"reason": "All of the bag was infused: leave the reason empty."})
    facts: dict[str, object] = {"infused_ml": infused_ml, "reason": reason}
    sign(act, password, END_MEANING, "administration", bag.id, facts)
    if not bags.move(act.uow.session, bag.id, BagState.STARTED, BagState.ENDED):
        raise Conflict
    infusion.ended_at, infusion.ended_by = act.now, act.person.id
    infusion.infused_ml, infusion.reason = infused_ml, reason
    act.record(
        "infusion_ended",
        f"bag:{bag.id}",
        old=BagState.STARTED.value,
        new={"state": BagState.ENDED.value, "infused_ml": infused_ml, "meaning": END_MEANING},
        reason=reason,
    )
    return infusion


def _infused_ml(text: str, bag: Bag) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9])?", text.strip()):
        raise BadForm({"infused_ml": "Type the volume in mL, digits only, such as 600."})
    infused_ml = Decimal(text.strip())
    if infused_ml > bag.volume_ml:
        raise BadForm({"infused_ml": "That is more than the bag holds. Read the pump again."})
    return infused_ml
