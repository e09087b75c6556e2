"""The verdict: may this bag run into this person, now? And at the door: may it be taken in?

Pure: facts in, an answer out. The first answer, before the participant is known, is never a Go;
neither is any answer to an arrival.
Nothing here can depend on an arm.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pharmacy.domain.lifecycle import BagState


class Answer(StrEnum):
    """What the screen says in its first word."""

    CONTINUE = "continue"
    GO = "go"
    RESUME = "resume"
    STOP = "stop"
    RECEIVED = "received"


class Stop(StrEnum):
    """Why a bag may not run; each has its own sentence."""

    MISTYPED = "mistyped"
    FORGED = "forged"
    CARD_NOT_BAG = "card_not_bag"
    OTHER_MODE = "other_mode"
    OTHER_STUDY = "other_study"
    INNER_LABEL = "inner_label"
    RETIRED_CODE = "retired_code"
    NOT_RELEASED = "not_released"
    HELD = "held"
    RETIRED_BAG = "retired_bag"
    RETURNED = "returned"
    LOST = "lost"
    ALREADY_RUNNING = "already_running"
    USED = "used"
    BEFORE_ITS_DAY = "before_its_day"
    PAST_LATEST_START = "past_latest_start"
    PAST_STOP_TIME = "past_stop_time"
    EARLIER_BAG_FIRST = "earlier_bag_first"
    EARLIER_BAG_MISSING = "earlier_bag_missing"
    NOT_THE_CARD = "not_the_card"
    CARD_REPLACED = "card_replaced"
    CARD_REVOKED = "card_revoked"
    WRONG_PARTICIPANT = "wrong_participant"
    NOT_AS_SPOKEN = "not_as_spoken"
    NOT_ON_TREATMENT = "not_on_treatment"
    PLAN_VOID = "plan_void"
    ASSESSMENTS_FIRST = "assessments_first"


SENTENCES: dict[Stop, tuple[str, str]] = {
    Stop.MISTYPED: (
        "Stop. This code was not read right.",
        "Scan the cover label again, or type its 20 characters as printed.",
    ),
    Stop.FORGED: (
        "Stop. This code is not known.",
        "No bag of this pharmacy carries it. Do not infuse. Call the pharmacy.",
    ),
    Stop.CARD_NOT_BAG: (
        "Stop. This is a participant's card.",
        "Scan the label on the bag's cover first, then the card.",
    ),
    Stop.OTHER_MODE: (
        "Stop. This label is from another kind of study.",
        "Practice labels never go with live studies, nor the other way. Do not infuse. "
        "Call the pharmacy.",
    ),
    Stop.OTHER_STUDY: (
        "Stop. This bag belongs to another study.",
        "Do not infuse. Set it aside with its cover on and call the pharmacy.",
    ),
    Stop.INNER_LABEL: (
        "Stop. This is the inner label.",
        "The inner label must stay under the cover. If the cover is off or open, do not infuse; "
        "call the pharmacy. Otherwise scan the label on the cover.",
    ),
    Stop.RETIRED_CODE: (
        "Stop. This label was replaced.",
        "The bag may carry a newer label. Do not infuse under this one. Call the pharmacy.",
    ),
    Stop.NOT_RELEASED: (
        "Stop. The pharmacy has not released this bag.",
        "Do not infuse. Set it aside with its cover on and call the pharmacy.",
    ),
    Stop.HELD: (
        "Stop. The pharmacy holds this bag.",
        "Do not infuse. Set it aside with its cover on and call the pharmacy.",
    ),
    Stop.RETIRED_BAG: (
        "Stop. This bag was withdrawn.",
        "Do not infuse. Set it aside with its cover on and call the pharmacy.",
    ),
    Stop.RETURNED: (
        "Stop. This bag was returned.",
        "Do not infuse. Set it aside with its cover on and call the pharmacy.",
    ),
    Stop.LOST: (
        "Stop. This bag was reported lost.",
        "Do not infuse. Set it aside with its cover on and call the pharmacy.",
    ),
    Stop.ALREADY_RUNNING: (
        "Stop. This bag is already running.",
        "It cannot be received now. If it is not running in front of you, call the pharmacy.",
    ),
    Stop.USED: (
        "Stop. This bag was already used.",
        "Set it aside with its cover on. Do not infuse it.",
    ),
    Stop.BEFORE_ITS_DAY: (
        "Stop. This bag is for a later day.",
        "Keep it as the label says and do not start it today. Call the pharmacy.",
    ),
    Stop.PAST_LATEST_START: (
        "Stop. It is too late to start this bag.",
        "It could not be finished before its time limit. Do not infuse. Call the pharmacy.",
    ),
    Stop.PAST_STOP_TIME: (
        "Stop. This bag has reached its time limit.",
        "Stop the pump, record the volume infused and call the pharmacy.",
    ),
    Stop.EARLIER_BAG_FIRST: (
        "Stop. An earlier bag of this day comes first.",
        "Bags of one day run in their order. End the bag with the lower number before this one.",
    ),
    Stop.EARLIER_BAG_MISSING: (
        "Stop. The bag before this one was not given as planned.",
        "Its rates go on from the bag before. Do not infuse. Set it aside with its cover on and "
        "call the pharmacy.",
    ),
    Stop.NOT_THE_CARD: (
        "Stop. This is not a participant's card.",
        "Scan the card the participant was given at enrolment. Without it, call the pharmacy.",
    ),
    Stop.CARD_REPLACED: (
        "Stop. This card was replaced.",
        "Ask for the participant's newer card. Without it, call the pharmacy.",
    ),
    Stop.CARD_REVOKED: (
        "Stop. This card no longer counts.",
        "The coordinator revoked it. Do not infuse on it. Call the pharmacy.",
    ),
    Stop.WRONG_PARTICIPANT: (
        "Stop. This bag is for another participant.",
        "Do not infuse. Set it aside with its cover on and call the pharmacy.",
    ),
    Stop.NOT_AS_SPOKEN: (
        "Stop. Name and birth date were not confirmed.",
        "Do not infuse until the person has said both and both are on the identity sheet. "
        "Call the pharmacy.",
    ),
    Stop.NOT_ON_TREATMENT: (
        "Stop. This participant has left the treatment.",
        "Do not infuse. Set it aside with its cover on and call the pharmacy.",
    ),
    Stop.PLAN_VOID: (
        "Stop. The plan of this bag no longer holds.",
        "The weight it was made with no longer counts. Do not infuse. Set it aside with its cover "
        "on and call the pharmacy.",
    ),
    Stop.ASSESSMENTS_FIRST: (
        "Stop. This visit's assessments come first.",
        "They are not signed complete. Keep the bag as the label says and call the pharmacy.",
    ),
}

# What the nurse says when leaving a Stop. Most bags are set aside.
SET_ASIDE = "I have set it aside"
_NOT_STARTED = "I have not started it"
ACTS: dict[Stop, str] = {
    Stop.MISTYPED: _NOT_STARTED,
    Stop.CARD_NOT_BAG: _NOT_STARTED,
    Stop.INNER_LABEL: _NOT_STARTED,
    Stop.NOT_THE_CARD: _NOT_STARTED,
    Stop.CARD_REPLACED: _NOT_STARTED,
    Stop.CARD_REVOKED: _NOT_STARTED,
    Stop.BEFORE_ITS_DAY: _NOT_STARTED,
    Stop.EARLIER_BAG_FIRST: _NOT_STARTED,
    Stop.ASSESSMENTS_FIRST: _NOT_STARTED,
    Stop.PAST_STOP_TIME: "The pump is stopped",
}

# Asked before whether the label was replaced: until its release a bag says only that it is not
# released, since a replaced label would tell how far the bench is.
_STATE_STOPS: dict[BagState, Stop] = {
    BagState.PLANNED: Stop.NOT_RELEASED,
    BagState.HELD: Stop.HELD,
    BagState.RETIRED: Stop.RETIRED_BAG,
    BagState.RETURNED: Stop.RETURNED,
    BagState.DESTROYED: Stop.RETURNED,
    BagState.LOST: Stop.LOST,
    BagState.ENDED: Stop.USED,
}


@dataclass(frozen=True)
class BagFacts:
    """What a verdict needs to know of a bag that was found. Times are UTC.

    `plan_void` is a plan whose weight no longer counts.

    Bags of one day run in their order: one with a lower number `waits` while it may still be
    given or is running, and is `missing` when it has not ended and cannot be given now, or when
    so little of it was given that this bag's first rate would be a leap. `assessments_open` is a
    visit whose assessments come first and are not signed complete.
    """

    state: BagState
    same_study: bool
    code_retired: bool
    on_treatment: bool
    plan_void: bool
    assessments_open: bool
    earlier_bag_waits: bool
    earlier_bag_missing: bool
    not_before: datetime
    latest_start: datetime
    stop_by: datetime


@dataclass(frozen=True)
class CardFacts:
    """What was found for the card that was scanned: whose it is, and whether it still counts.

    A card that was `replaced` has a newer one; one that was `revoked` has none in its place.
    """

    known: bool
    replaced: bool
    revoked: bool
    same_participant: bool


@dataclass(frozen=True)
class Verdict:
    """The answer, and for a Stop its reason."""

    answer: Answer
    stop: Stop | None = None

    @property
    def sentences(self) -> tuple[str, str]:
        """The short sentence and what to do next."""
        if self.stop is not None:
            return SENTENCES[self.stop]
        return _ANSWERS[self.answer]


_ANSWERS: dict[Answer, tuple[str, str]] = {
    Answer.CONTINUE: ("Bag known. Now the participant.", "Scan the participant's own card."),
    Answer.GO: ("Go. Right bag, right person.", "Both identifiers match."),
    Answer.RECEIVED: ("Received.", "Keep it as the label says until its infusion."),
    Answer.RESUME: ("Resume. This bag is running.", "Both identifiers match."),
}


def judge_bag(bag: BagFacts, now: datetime) -> Verdict:
    """The bag alone: Stop with its reason, else Continue. Never a Go."""
    stop = _stop_for(bag, now)
    return Verdict(Answer.STOP, stop) if stop else Verdict(Answer.CONTINUE)


def judge_person(
    bag: BagFacts, card: CardFacts | None, spoken_confirmed: bool, now: datetime
) -> Verdict:
    """Bag and both identifiers: Stop with its reason, Go, or Resume for a running bag.

    `card` is None when the card was not even asked for, because the spoken words did not match.
    """
    stop = _stop_for(bag, now) or _stop_for_person(card, spoken_confirmed)
    if stop:
        return Verdict(Answer.STOP, stop)
    return Verdict(Answer.RESUME if bag.state is BagState.STARTED else Answer.GO)


def judge_arrival(bag: BagFacts, now: datetime) -> Verdict:
    """A delivered bag at the door: Received, or Stop with its reason (K1, K7).

    It may come before its day and before the bag it follows; one that was received already is
    Received again. Nothing is said of the person it is for, and nothing may be started on it.
    """
    stop = _stop_at_the_door(bag, now)
    return Verdict(Answer.STOP, stop) if stop else Verdict(Answer.RECEIVED)


def _stop_at_the_door(bag: BagFacts, now: datetime) -> Stop | None:
    if not bag.same_study:
        return Stop.OTHER_STUDY
    if bag.state in _STATE_STOPS:
        return _stop_of_state(bag)
    if bag.code_retired:
        return Stop.RETIRED_CODE
    if bag.state is BagState.STARTED:
        return Stop.ALREADY_RUNNING
    if not bag.on_treatment:
        return Stop.NOT_ON_TREATMENT
    if bag.plan_void:
        return Stop.PLAN_VOID
    return Stop.PAST_LATEST_START if now > bag.latest_start else None


def _stop_for(bag: BagFacts, now: datetime) -> Stop | None:
    if not bag.same_study:
        return Stop.OTHER_STUDY
    if bag.state in _STATE_STOPS:
        return _stop_of_state(bag)
    if bag.code_retired:
        return Stop.RETIRED_CODE
    if bag.state is BagState.STARTED:
        return Stop.PAST_STOP_TIME if now >= bag.stop_by else None
    if not bag.on_treatment:
        return Stop.NOT_ON_TREATMENT
    if bag.plan_void:
        return Stop.PLAN_VOID
    if bag.assessments_open:
        return Stop.ASSESSMENTS_FIRST
    if now < bag.not_before:
        return Stop.BEFORE_ITS_DAY
    if now > bag.latest_start:
        return Stop.PAST_LATEST_START
    if bag.earlier_bag_missing:
        return Stop.EARLIER_BAG_MISSING
    return Stop.EARLIER_BAG_FIRST if bag.earlier_bag_waits else None


def _stop_of_state(bag: BagFacts) -> Stop:
    """A bag that never left because its plan is void says why."""
    if bag.plan_void and bag.state is BagState.RETIRED:
        return Stop.PLAN_VOID
    return _STATE_STOPS[bag.state]


def _stop_for_person(card: CardFacts | None, spoken_confirmed: bool) -> Stop | None:
    if card is None:
        return Stop.NOT_AS_SPOKEN
    if not card.known:
        return Stop.NOT_THE_CARD
    if not card.same_participant:
        return Stop.WRONG_PARTICIPANT
    if card.replaced:
        return Stop.CARD_REPLACED
    if card.revoked:
        return Stop.CARD_REVOKED
    return None if spoken_confirmed else Stop.NOT_AS_SPOKEN
