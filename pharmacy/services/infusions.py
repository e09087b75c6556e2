"""Starting, pausing, restarting and ending the infusion of one bag."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from zoneinfo import ZoneInfo

from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.quantities import format_volume
from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import Answer, Stop, Verdict
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import bags, participants, scans
from pharmacy.persistence import infusions as kept
from pharmacy.persistence.bags import Administration, Bag
from pharmacy.persistence.infusions import InfusionPause
from pharmacy.persistence.participants import Participant
from pharmacy.services import kept_scans, scanning, stages, voiding
from pharmacy.services import participants as participant_verbs
from pharmacy.services.act import Act
from pharmacy.services.infusion_runs import (
    InfusionRun,
    if_started_now,
    in_time,
    infusion_run,
)
from pharmacy.services.kept_scans import Scanned
from pharmacy.services.signing import sign
from pharmacy.services.site_words import clock

END_MEANING = "I ended this infusion and the volume is as written."
# Closed lists: free words about the product could tell more than anybody may know.
END_REASONS = {
    "reaction": "The participant had a reaction",
    "wish": "The participant asked to stop",
    "line": "Trouble with the line or the pump",
    "time_limit": "The time limit was reached",
    "ordered": "The investigator ordered it",
    "bag": "Trouble with the bag; the pharmacy was called",
}
PAUSE_REASONS = {
    "reaction": "The participant has a reaction",
    "participant": "The participant needs a break",
    "vitals": "To take vital signs",
    "line": "Trouble with the line or the pump",
    "ordered": "The investigator ordered it",
}
OVER = "Time limit reached. Stop the pump, end the infusion with its volume and call the pharmacy."
_ENDED = "This infusion was already ended."
_OFF_TREATMENT = (
    "This participant is not to be infused any more. Record the volume, end the infusion and "
    "call the pharmacy."
)
_PLAN_VOID = (
    "The weight of this plan no longer counts, so it is not gone on with. Record the volume, end "
    "the infusion and call the pharmacy."
)


def start(act: Act, scan_id: str) -> Scanned:
    """Start the bag of a scan that said Go; the bag is judged once more first.

    A bag that may no longer run turns the scan into a Stop, which is returned; so does a later
    bag that has to begin with the first step again and could then not be in before its limit. A
    scan without a Go, and a bag that another nurse has started since, are refused (409). The
    trail keeps when it will be done by the ladder, and the limit. Starting and voiding the plan
    take turns, so that no bag of a plan starts once the plan may be made again.
    """
    stages.admit(act, StudyAct.BEDSIDE)
    scanned = kept_scans.reopen(act, scan_id)
    if scanned.verdict.answer is not Answer.GO or scanned.bag is None:
        raise Refusal("There is no Go for this bag. Scan the bag and the card again.")
    bag, _, course = scanned.found
    if bag.state == BagState.STARTED:
        raise Refusal(scanning.STARTED_SINCE)
    participants.hold(act.uow.session, course.participant_id)
    act.uow.session.refresh(course)
    again = scanning.judge_again(act, scanned)
    standing = if_started_now(act, *scanned.found)
    if again.answer is not Answer.STOP and not in_time(act, standing, *scanned.found[1:]):
        again = Verdict(Answer.STOP, Stop.PAST_LATEST_START)
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
    _, day, _ = scanned.found
    act.record(
        "infusion_started",
        f"bag:{bag.id}",
        old=before.value,
        new={
            "state": BagState.STARTED.value,
            "scan": scanned.scan.id,
            "done_at": standing.done_at,
            "stop_by": day.stop_by,
        },
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


def pause(act: Act, bag_id: str, infused_text: str, reason: str) -> InfusionPause:
    """Pause an infusion: the pump stands, `infused_text` mL of this bag are in.

    `reason` is a key of `PAUSE_REASONS`. Refused (409): an infusion that has ended, is paused
    already or has reached its time limit. The trail keeps the latest restart.
    """
    held = _held(act, bag_id)
    if held.pause is not None:
        since = clock(held.pause.paused_at, _zone(act, held))
        raise Refusal(f"This infusion is paused already, since {since}.")
    if act.now >= held.day.stop_by:
        raise Refusal(OVER)
    wrong = {"shown_ml": _wrong_volume(infused_text, held.bag, held.pauses)}
    if reason not in PAUSE_REASONS:
        wrong["why"] = "Choose why the infusion pauses."
    _refuse(wrong)
    row = InfusionPause(
        id=act.new_id("infusion pause"),
        bag_id=bag_id,
        number=len(held.pauses) + 1,
        paused_at=act.now,
        paused_by=act.person.id,
        infused_ml=Decimal(infused_text.strip()),
        reason=reason,
        restarted_at=None,
        restarted_by=None,
    )
    act.uow.session.add(row)
    act.uow.session.flush()
    act.record(
        "infusion_paused",
        f"bag:{bag_id}",
        old={"running_min": held.at(act.now).running_min},
        new={
            "pause": row.number,
            "infused_ml": row.infused_ml,
            "latest_restart": infusion_run(act, bag_id).at(act.now).latest_restart,
        },
        reason=reason,
    )
    return row


def correct_pause(act: Act, bag_id: str, infused_text: str) -> InfusionPause:
    """Put right the volume that was typed at the last pause; every limit follows from it anew.

    The old figure stays in the trail. `BadForm`: more than the bag holds, less than at the pause
    before, or the same figure again. Refused (409): no pause yet, or an infusion that has ended.
    """
    held = _held(act, bag_id)
    if not held.pauses:
        raise Refusal("This infusion was not paused; there is no volume to correct.")
    row, earlier = held.pauses[-1], held.pauses[:-1]
    _refuse({"right_ml": _wrong_volume(infused_text, held.bag, earlier)})
    old_ml, right_ml = row.infused_ml, Decimal(infused_text.strip())
    if right_ml == old_ml:
        raise BadForm({"right_ml": "That is the volume as it was typed. Nothing is corrected."})
    row.infused_ml = right_ml
    act.uow.session.flush()
    act.record(
        "pause_corrected",
        f"bag:{bag_id}",
        old={"pause": row.number, "infused_ml": old_ml},
        new={
            "pause": row.number,
            "infused_ml": right_ml,
            "latest_restart": infusion_run(act, bag_id).at(act.now).latest_restart,
        },
        reason="mistyped",
    )
    return row


def restart(act: Act, bag_id: str) -> InfusionPause:
    """Let a paused infusion go on: where the ladder stood, lower, or from the first step.

    Refused (409): one that runs or has ended, one that could no longer be in before its limit,
    and a participant who is no longer on treatment.
    """
    held = _held(act, bag_id)
    row = held.pause
    if row is None:
        raise Refusal("This infusion is not paused. It runs.")
    if refusal := why_no_restart(act, held):
        raise Refusal(refusal)
    standing = held.at(act.now)
    if not kept.restart(act.uow.session, row, act.now, act.person.id):
        raise Conflict
    act.record(
        "infusion_restarted",
        f"bag:{bag_id}",
        old={"pause": row.number, "paused_at": row.paused_at, "infused_ml": row.infused_ml},
        new={
            "rate_ml_per_hour": standing.rate_ml_per_hour,
            "latest_restart": standing.latest_restart,
            "done_at": standing.done_at,
        },
        reason=row.reason,
    )
    return row


def end(act: Act, bag_id: str, infused_text: str, reason: str, password: str) -> Administration:
    """End an infusion, running or paused, with the volume in mL and a signature.

    Less than planned needs a reason: a key of `END_REASONS`, or empty. Less than the pump showed
    at the last pause, or more than the bag holds, is `BadForm`.
    """
    held = _held(act, bag_id)
    bag, infusion = held.bag, held.infusion
    _refuse({"infused_ml": _wrong_volume(infused_text, held.bag, held.pauses)})
    infused_ml = Decimal(infused_text.strip())
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


def why_no_restart(act: Act, paused: InfusionRun) -> str:
    """Why a paused infusion may not go on at this moment; empty when it may."""
    participant = act.uow.session.get_one(Participant, paused.course.participant_id)
    if participant.state != "allocated":
        return _OFF_TREATMENT
    if voiding.why(act, paused.course):
        return _PLAN_VOID
    latest = paused.at(act.now).latest_restart
    if latest is not None and act.now <= latest:
        return ""
    return (
        "It is too late to restart: the rest could not be in before "
        f"{clock(paused.day.stop_by, _zone(act, paused))}. Record the volume, end the infusion "
        "and call the pharmacy."
    )


def _held(act: Act, bag_id: str) -> InfusionRun:
    """The nurse's infusion, its row locked until the commit, so that two acts follow each other.

    Refused as `running`; and one that has ended (409).
    """
    running(act, bag_id)
    if not kept.hold(act.uow.session, bag_id):
        raise Refusal(_ENDED)
    return infusion_run(act, bag_id)


def _wrong_volume(text: str, bag: Bag, earlier: Sequence[InfusionPause]) -> str:
    """What is wrong with a volume that the pump shows, mL of this bag; empty for nothing.

    `earlier` are the pauses before: what was in then is in now.
    """
    if not re.fullmatch(r"[0-9]{1,4}(\.[0-9])?", text.strip()):
        return "Type the volume in mL, digits only, such as 600."
    infused_ml = Decimal(text.strip())
    if infused_ml > bag.volume_ml:
        return "That is more than the bag holds. Read the pump again."
    shown_ml = earlier[-1].infused_ml if earlier else Decimal(0)
    if infused_ml < shown_ml:
        return (
            f"At the pause before {format_volume(shown_ml)} were in. Read the pump again, or "
            "correct the volume of the pause."
        )
    return ""


def _refuse(sentences: dict[str, str]) -> None:
    wrong = {name: sentence for name, sentence in sentences.items() if sentence}
    if wrong:
        raise BadForm(wrong)


def _zone(act: Act, found: InfusionRun) -> ZoneInfo:
    participant = participant_verbs.find(act, found.course.participant_id)
    return ZoneInfo(participant_verbs.site_of(act, participant).zone)
