"""A nurse's scan: the bag first, then the participant, then the verdict. Every one is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pharmacy.domain.bag_code import BagCode, MistypedCode, Piece, parse_code
from pharmacy.domain.bag_limits import bag_latest_start, goes_on
from pharmacy.domain.errors import BadForm, Conflict, Refusal
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
from pharmacy.persistence import bags, participants, scans
from pharmacy.persistence.bags import Bag
from pharmacy.persistence.courses import Course, InfusionDay
from pharmacy.persistence.participants import Participant
from pharmacy.persistence.scans import Scan
from pharmacy.services import plans
from pharmacy.services.act import Act
from pharmacy.services.bag_states import state_now

_MAY_STILL_RUN = frozenset({BagState.RELEASED, BagState.RECEIVED, BagState.STARTED})
STARTED_SINCE = "This bag was started since you scanned it. Scan it again to resume."
_OVERTAKEN = "This answer no longer holds. Scan the bag and the card again."
TYPED_REASONS = {
    "smeared": "The label is smeared or torn",
    "scanner": "The scanner does not work",
    "dark": "Too dark or wet to scan",
}


@dataclass(frozen=True)
class Scanned:
    """A scan with the bag it found, if it found one."""

    scan: Scan
    verdict: Verdict
    bag: Bag | None = None
    day: InfusionDay | None = None
    course: Course | None = None

    @property
    def found(self) -> tuple[Bag, InfusionDay, Course]:
        """Bag, day and course of a scan that found them; asking without is a bug."""
        if self.bag is None or self.day is None or self.course is None:
            raise ValueError("this scan found no bag")
        return self.bag, self.day, self.course


@dataclass(frozen=True)
class _Found:
    """What a code led to: a reason to stop already, and the bag where there is one."""

    stop: Stop | None
    code_body: str | None = None
    bag: tuple[Bag, InfusionDay, Course] | None = None


def scan_bag(act: Act, text: str, method: str, typed_reason: str) -> Scanned:
    """Judge the bag alone: Stop with its reason, or Continue to the participant. Never Go.

    `method` is "scanner" or "typed"; typing needs a reason of `TYPED_REASONS` (`BadForm`).
    """
    act.permit(Permission.SCAN)
    if method not in ("scanner", "typed"):
        raise BadForm({"": "The form could not be read. Open the page again."})
    if not text.strip():
        raise BadForm({"code": "Scan the label on the bag's cover, or type its code."})
    if method == "typed" and typed_reason not in TYPED_REASONS:
        raise BadForm({"typed_reason": "Say why the code is typed."})
    found = _find_bag(act, text, typed=method == "typed")
    if found.bag is None:
        return _keep(act, found, Verdict(Answer.STOP, found.stop), method, typed_reason)
    bag, day, course = found.bag
    retired = found.stop is Stop.RETIRED_CODE
    verdict = judge_bag(_facts(act, bag, day, course, code_retired=retired), act.now)
    if found.stop is Stop.INNER_LABEL and bag.study_id == act.in_study.id:
        verdict = Verdict(Answer.STOP, found.stop)
    return _keep(act, found, verdict, method, typed_reason)


def confirm_person(act: Act, scan_id: str, card_text: str, spoken_confirmed: bool) -> Scanned:
    """Judge bag and person together: the card is identifier 1, name and birth date as spoken
    and found on the identity sheet are identifier 2. Go, Resume, or Stop with its reason.
    """
    scan = _waiting_scan(act, scan_id)
    _, _, course = _of_scan(act, scan)
    card = _card_facts(act, card_text, course.participant_id)
    return _judge_person(act, scan, card, spoken_confirmed)


def deny_person(act: Act, scan_id: str) -> Scanned:
    """The nurse says that name or birth date do not match the identity sheet: a Stop."""
    return _judge_person(act, _waiting_scan(act, scan_id), None, spoken_confirmed=False)


def set_aside(act: Act, scan_id: str) -> None:
    """The nurse says that a stopped bag was set aside; leaving a Stop needs this act."""
    scan = own_scan(act, scan_id)
    if scan.answer != Answer.STOP.value:
        raise Refusal("Only a stopped bag is set aside here.")
    if scan.set_aside_at is None:
        scan.set_aside_at = act.now
        act.record("bag_set_aside", f"scan:{scan.id}", new={"bag": scan.bag_id})


def acknowledge(act: Act, scan_id: str) -> None:
    """The pharmacy says that it has seen a Stop."""
    act.permit(Permission.SEE_STOPS)
    scan = scans.scan(act.uow.session, scan_id)
    if scan is None or scan.study_id != act.in_study.id or scan.answer != Answer.STOP.value:
        raise Refusal("There is no such Stop in this study.", status=404)
    if scan.seen_by is None:
        scan.seen_by = act.person.id
        act.record("stop_seen", f"scan:{scan.id}")


def own_scan(act: Act, scan_id: str) -> Scan:
    """The acting nurse's scan in this study, or a refusal (404)."""
    act.permit(Permission.SCAN)
    scan = scans.scan(act.uow.session, scan_id)
    if scan is None or scan.study_id != act.in_study.id or scan.nurse_id != act.person.id:
        raise Refusal("There is no such scan. Scan the bag again.", status=404)
    return scan


def reopen(act: Act, scan_id: str) -> Scanned:
    """A scan as it stands, for showing its page again."""
    scan = own_scan(act, scan_id)
    verdict = Verdict(Answer(scan.answer), Stop(scan.stop) if scan.stop else None)
    if scan.bag_id is None:
        return Scanned(scan, verdict)
    return Scanned(scan, verdict, *_of_scan(act, scan))


def sentence_of(stop: Stop) -> str:
    """The short sentence of a Stop."""
    return SENTENCES[stop][0]


def judge_again(act: Act, scanned: Scanned) -> Verdict:
    """The bag's own verdict at this moment, asked once more when *Start* is pressed."""
    bag, day, course = _of_scan(act, scanned.scan)
    retired = _code_retired(act, scanned.scan)
    return judge_bag(_facts(act, bag, day, course, code_retired=retired), act.now)


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
    bag, day, course = _of_scan(act, scan)
    facts = _facts(act, bag, day, course, code_retired=_code_retired(act, scan))
    verdict = judge_person(facts, card, spoken_confirmed, act.now)
    if not scans.answer(
        act.uow.session,
        scan,
        Answer.CONTINUE.value,
        verdict.answer.value,
        _stop_value(verdict),
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
            "stop": _stop_value(verdict),
            "card_known": card is not None and card.known,
            "spoken_confirmed": spoken_confirmed,
        },
    )
    return Scanned(scan, verdict, bag, day, course)


def _stop_value(verdict: Verdict) -> str | None:
    return None if verdict.stop is None else verdict.stop.value


def _find_bag(act: Act, text: str, *, typed: bool) -> _Found:
    try:
        code = parse_code(text if typed else text.strip(), typed=typed)
    except MistypedCode:
        return _Found(Stop.MISTYPED)
    if code.piece is Piece.CARD:
        return _Found(Stop.CARD_NOT_BAG)
    if code.practice != act.in_study.practice:
        return _Found(Stop.OTHER_MODE)
    row = bags.code(act.uow.session, code.body)
    if row is None:
        return _Found(Stop.FORGED)
    bag = bags.bag_with_day(act.uow.session, row.bag_id)
    if row.retired_at is not None:
        return _Found(Stop.RETIRED_CODE, code.body, bag)
    inner = code.piece is Piece.INNER_CONTAINER
    return _Found(Stop.INNER_LABEL if inner else None, code.body, bag)


def _code_retired(act: Act, scan: Scan) -> bool:
    """Whether the label in hand was replaced since it was scanned."""
    row = bags.code(act.uow.session, scan.code_body) if scan.code_body else None
    return row is not None and row.retired_at is not None


def _facts(act: Act, bag: Bag, day: InfusionDay, course: Course, *, code_retired: bool) -> BagFacts:
    participant = act.uow.session.get_one(Participant, course.participant_id)
    earlier = earlier_states(act, bag)
    return BagFacts(
        state=state_now(act, bag),
        same_study=bag.study_id == act.in_study.id,
        code_retired=code_retired,
        on_treatment=participant.state == "allocated",
        earlier_bag_waits=any(state in _MAY_STILL_RUN for state in earlier),
        earlier_bag_missing=any(
            state not in _MAY_STILL_RUN and state is not BagState.ENDED for state in earlier
        )
        or not _goes_on(act, bag, day, course, earlier),
        not_before=day.run_at,
        latest_start=latest_start(act, bag, day, course),
        stop_by=day.stop_by,
    )


def latest_start(act: Act, bag: Bag, day: InfusionDay, course: Course) -> datetime:
    """Until when this bag may be started, as its label says."""
    day_plan = plans.plan_of(course).days[day.day - 1]
    protocol = plans.protocol_of_course(act, course)
    return bag_latest_start(day_plan, bag.number, day.run_at, protocol)


def earlier_states(act: Act, bag: Bag) -> list[BagState]:
    """The states of the bags of the same day with a lower number."""
    siblings = bags.bags_of_day(act.uow.session, bag.day_id)
    return [state_now(act, row) for row in siblings if row.number < bag.number]


def _goes_on(
    act: Act, bag: Bag, day: InfusionDay, course: Course, earlier: list[BagState]
) -> bool:
    """Whether enough was given of the bags before this one; not judged while one is to come."""
    if any(state is not BagState.ENDED for state in earlier):
        return True
    given_ml = bags.infused_before(act.uow.session, bag)
    return goes_on(plans.plan_of(course).days[day.day - 1], bag.number, given_ml)


def _card_facts(act: Act, text: str, participant_id: str) -> CardFacts:
    try:
        code: BagCode | None = parse_code(text, typed=True)
    except MistypedCode:
        code = None
    fits = code is not None and code.piece is Piece.CARD and code.practice == act.in_study.practice
    row = participants.card(act.uow.session, code.body) if code and fits else None
    if row is None:
        return CardFacts(known=False, replaced=False, same_participant=False)
    return CardFacts(
        known=True,
        replaced=row.ended_at is not None,
        same_participant=row.participant_id == participant_id,
    )


def _of_scan(act: Act, scan: Scan) -> tuple[Bag, InfusionDay, Course]:
    found = bags.bag_with_day(act.uow.session, scan.bag_id) if scan.bag_id else None
    if found is None:
        raise Refusal("No bag was found by this scan. Scan the bag again.")
    return found


def _keep(
    act: Act,
    found: _Found,
    verdict: Verdict,
    method: str,
    typed_reason: str,
) -> Scanned:
    bag = found.bag[0] if found.bag else None
    scan = Scan(
        id=act.new_id("scan"),
        study_id=act.in_study.id,
        bag_id=bag.id if bag else None,
        code_body=found.code_body,
        nurse_id=act.person.id,
        method=method,
        typed_reason=typed_reason if method == "typed" else "",
        scanned_at=act.now,
        answer=verdict.answer.value,
        stop=_stop_value(verdict),
        judged_at=act.now,
        set_aside_at=None,
        seen_by=None,
    )
    act.uow.session.add(scan)
    subject = f"bag:{bag.id}" if bag else "bag:unknown"
    act.record(
        "bag_scanned",
        subject,
        new={
            "scan": scan.id,
            "answer": scan.answer,
            "stop": scan.stop,
            "method": method,
            "typed_reason": scan.typed_reason,
        },
    )
    return Scanned(scan, verdict, *(found.bag or (None, None, None)))


def turn_to_stop(act: Act, scanned: Scanned, verdict: Verdict) -> Scanned:
    """A Go that no longer holds becomes a Stop, and is kept as one."""
    scan, old = scanned.scan, scanned.scan.answer
    if not scans.answer(
        act.uow.session, scan, old, verdict.answer.value, _stop_value(verdict), act.now
    ):
        raise Conflict
    act.record(
        "judged_at_start",
        f"bag:{scan.bag_id}",
        old=old,
        new={
            "scan": scan.id,
            "answer": verdict.answer.value,
            "stop": _stop_value(verdict),
        },
    )
    return Scanned(scan, verdict, scanned.bag, scanned.day, scanned.course)
