"""A nurse's scan: the bag first, then the participant, then the verdict. Every one is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from pharmacy.domain.errors import Conflict, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.roles import Permission
from pharmacy.domain.scanning import (
    SENTENCES,
    Answer,
    BagFacts,
    CardFacts,
    Stop,
    Verdict,
    judge_bag,
    judge_person,
)
from pharmacy.domain.stages import StudyAct
from pharmacy.persistence import bags, scans
from pharmacy.persistence.scans import Scan
from pharmacy.services import stages
from pharmacy.services.act import Act
from pharmacy.services.bag_facts import Found, bag_facts, card_facts, card_since, find_bag
from pharmacy.services.kept_scans import (
    Scanned,
    how_scanned,
    keep,
    of_scan,
    own_scan,
    stop_value,
)

STARTED_SINCE = "This bag was started since you scanned it. Scan it again to resume."
_OVERTAKEN = "This answer no longer holds. Scan the bag and the card again."


def scan_bag(act: Act, text: str, method: str, typed_reason: str) -> Scanned:
    """Judge the bag alone: Stop with its reason, or Continue to the participant. Never Go.

    `method` is "scanner", "camera" or "typed"; typing needs a reason (`BadForm`).
    """
    act.permit(Permission.SCAN)
    how = how_scanned(text, "infuse", method, typed_reason)
    found = find_bag(act, text, typed=how.typed)
    return keep(act, found, judge_code(act, found, judge_bag), how)


def judge_code(act: Act, found: Found, judge: Callable[[BagFacts, datetime], Verdict]) -> Verdict:
    """The verdict over what a code led to: its own Stop, or what `judge` says of the bag."""
    if found.bag is None:
        return Verdict(Answer.STOP, found.stop)
    bag, day, course = found.bag
    if found.stop is Stop.INNER_LABEL and bag.study_id == act.in_study.id:
        return Verdict(Answer.STOP, found.stop)
    retired = found.stop is Stop.RETIRED_CODE
    return judge(bag_facts(act, bag, day, course, code_retired=retired), act.now)


def confirm_person(act: Act, scan_id: str, card_text: str, spoken_confirmed: bool) -> Scanned:
    """Judge bag and person together: the card is identifier 1, name and birth date as spoken
    and found on the identity sheet are identifier 2. Go, Resume, or Stop with its reason.
    """
    stages.admit(act, StudyAct.BEDSIDE)
    scan = _waiting_scan(act, scan_id)
    _, _, course = of_scan(act, scan)
    card = card_facts(act, card_text, course.participant_id)
    return _judge_person(act, scan, card, spoken_confirmed)


def deny_person(act: Act, scan_id: str) -> Scanned:
    """The nurse says that name or birth date do not match the identity sheet: a Stop."""
    stages.admit(act, StudyAct.BEDSIDE)
    return _judge_person(act, _waiting_scan(act, scan_id), None, spoken_confirmed=False)


def set_aside(act: Act, scan_id: str) -> None:
    """The nurse says that a stopped bag was set aside; leaving a Stop needs this act."""
    stages.admit(act, StudyAct.BEDSIDE)
    scan = own_scan(act, scan_id)
    if scan.answer != Answer.STOP.value:
        raise Refusal("Only a stopped bag is set aside here.")
    if scan.set_aside_at is None:
        scan.set_aside_at = act.now
        act.record("bag_set_aside", f"scan:{scan.id}", new={"bag": scan.bag_id})


def acknowledge(act: Act, scan_id: str) -> None:
    """The pharmacy says that it has seen a Stop."""
    act.permit(Permission.SEE_STOPS)
    stages.admit(act, StudyAct.KEEP)
    scan = scans.scan(act.uow.session, scan_id)
    if scan is None or scan.study_id != act.in_study.id or scan.answer != Answer.STOP.value:
        raise Refusal("There is no such Stop in this study.", status=404)
    if scan.seen_by is None:
        scan.seen_by = act.person.id
        act.record("stop_seen", f"scan:{scan.id}")


def sentence_of(stop: Stop) -> str:
    """The short sentence of a Stop."""
    return SENTENCES[stop][0]


def judge_again(act: Act, scanned: Scanned) -> Verdict:
    """The verdict at this moment, asked once more when *Start* is pressed.

    A Go holds only while the card it was given for still counts; a bag that runs goes on.
    """
    bag, day, course = of_scan(act, scanned.scan)
    facts = bag_facts(act, bag, day, course, code_retired=code_retired(act, scanned.scan))
    if scanned.verdict.answer is not Answer.GO or facts.state is BagState.STARTED:
        return judge_bag(facts, act.now)
    card = card_since(act, course.participant_id, scanned.scan.judged_at)
    return judge_person(facts, card, spoken_confirmed=True, now=act.now)


def need_still_so(act: Act, scanned: Scanned) -> None:
    """Refuse (409) a Go or a Resume that time or somebody has overtaken.

    A page that is opened again much later, or by the back button, must not say Go.
    """
    answer = scanned.verdict.answer
    if answer not in (Answer.GO, Answer.RESUME) or scanned.bag is None:
        return
    if judge_again(act, scanned).answer is Answer.STOP:
        raise Refusal(_OVERTAKEN)
    if answer is Answer.GO and scanned.bag.state == BagState.STARTED:
        raise Refusal(STARTED_SINCE)


def _waiting_scan(act: Act, scan_id: str) -> Scan:
    """The nurse's own scan, while it waits for the participant."""
    scan = own_scan(act, scan_id)
    if scan.answer != Answer.CONTINUE.value:
        raise Refusal("This scan was already answered. Scan the bag again.")
    return scan


def _judge_person(act: Act, scan: Scan, card: CardFacts | None, spoken_confirmed: bool) -> Scanned:
    bag, day, course = of_scan(act, scan)
    facts = bag_facts(act, bag, day, course, code_retired=code_retired(act, scan))
    verdict = judge_person(facts, card, spoken_confirmed, act.now)
    if not scans.answer(
        act.uow.session,
        scan,
        Answer.CONTINUE.value,
        verdict.answer.value,
        stop_value(verdict),
        act.now,
    ):
        raise Conflict
    act.record(
        "person_judged",
        f"bag:{bag.id}",
        old=Answer.CONTINUE.value,
        new={
            "scan": scan.id,
            "answer": verdict.answer.value,
            "stop": stop_value(verdict),
            "card_known": card is not None and card.known,
            "spoken_confirmed": spoken_confirmed,
        },
    )
    return Scanned(scan, verdict, bag, day, course)


def code_retired(act: Act, scan: Scan) -> bool:
    """Whether the label in hand was replaced since it was scanned."""
    row = bags.code(act.uow.session, scan.code_body) if scan.code_body else None
    return row is not None and row.retired_at is not None


def turn_to_stop(act: Act, scanned: Scanned, verdict: Verdict) -> Scanned:
    """A Go that no longer holds becomes a Stop, and is kept as one."""
    scan, old = scanned.scan, scanned.scan.answer
    if not scans.answer(
        act.uow.session, scan, old, verdict.answer.value, stop_value(verdict), act.now
    ):
        raise Conflict
    act.record(
        "judged_at_start",
        f"bag:{scan.bag_id}",
        old=old,
        new={
            "scan": scan.id,
            "answer": verdict.answer.value,
            "stop": stop_value(verdict),
        },
    )
    return Scanned(scan, verdict, scanned.bag, scanned.day, scanned.course)
