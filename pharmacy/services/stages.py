"""How far a study is, and its end in steps: asked for with one signature, confirmed by another's.

What is told here is blinded: who signed which step and when, and how many bags are where. Verbs
ask `admit` before they change anything; the lit room writes its own trail beside a confirmation.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

from pharmacy.domain import stages as rules
from pharmacy.domain.errors import BadForm, Conflict, Refusal
from pharmacy.domain.lifecycle import BagState
from pharmacy.domain.roles import Permission, Role
from pharmacy.domain.site_time import format_day, format_moment
from pharmacy.domain.stages import NOT_LIVE_YET, ORDER, TITLES, StudyAct, StudyStage
from pharmacy.persistence import bags, going_live, people, signatures, stages
from pharmacy.persistence.stages import StageStep
from pharmacy.persistence.studies import Study
from pharmacy.persistence.unit_of_work import UnitOfWork
from pharmacy.services import signing
from pharmacy.services.act import Act
from pharmacy.services.bag_states import state_now
from pharmacy.services.study_time import study_zone

_RECORD = "study_stage"
ASK_MEANINGS: dict[StudyStage, str] = {
    StudyStage.LOCKED: "I state that the database of record is locked, as written here.",
    StudyStage.UNBLINDED: "I ask for the end-of-study unblinding of this study.",
    StudyStage.CLOSED: "I ask to close this study.",
}
CONFIRM_MEANINGS: dict[StudyStage, str] = {
    StudyStage.LOCKED: "I confirm the data lock of this study.",
    StudyStage.UNBLINDED: "I confirm the end-of-study unblinding of this study.",
    StudyStage.CLOSED: "I confirm that this study is closed.",
}
ASKED_EVENTS: dict[StudyStage, str] = {
    StudyStage.LOCKED: "data_lock_stated",
    StudyStage.UNBLINDED: "unblinding_asked",
    StudyStage.CLOSED: "closing_asked",
}
CONFIRMED_EVENTS: dict[StudyStage, str] = {
    StudyStage.LOCKED: "data_locked",
    StudyStage.UNBLINDED: "study_unblinded",
    StudyStage.CLOSED: "study_closed",
}
ASKS: dict[StudyStage, Permission] = {
    StudyStage.LOCKED: Permission.STATE_LOCK,
    StudyStage.UNBLINDED: Permission.END_STUDY,
    StudyStage.CLOSED: Permission.END_STUDY,
}
CONFIRMS: dict[StudyStage, Permission] = {
    StudyStage.LOCKED: Permission.LOAD_LIST,
    StudyStage.UNBLINDED: Permission.END_STUDY,
    StudyStage.CLOSED: Permission.END_STUDY,
}
_LONGEST_REFERENCE = 120
_OUT: dict[BagState, str] = {
    BagState.PLANNED: "planned, not released",
    BagState.RELEASED: "released, not received",
    BagState.RECEIVED: "received, not started",
    BagState.STARTED: "running now",
    BagState.HELD: "held",
}
_TWO_PEOPLE = "Two different people sign. You signed the request; somebody else confirms it."
_STATISTICIAN = "One of the two who sign is the statistician. Ask the statistician to sign."


@dataclass(frozen=True)
class Signed:
    """One signature in words."""

    name: str
    when: str
    meaning: str


@dataclass(frozen=True)
class StepLine:
    """One step in words; `confirmed` is None while the second signature is missing."""

    title: str
    asked: Signed
    confirmed: Signed | None
    reference: str
    locked_on: str


@dataclass(frozen=True)
class StagePage:
    """Where a study stands. `waits` says whether the next stage was asked for.

    `way` are the titles of all its stages in order, and `lines` are in that order too: a request
    that waits is the last. `out` says how many bags are where, those that are at no end yet.
    """

    stage: StudyStage
    way: tuple[str, ...]
    title: str
    lines: tuple[StepLine, ...]
    next_stage: StudyStage | None
    waits: bool
    out: tuple[tuple[str, int], ...]
    running: int


def stage_of(uow: UnitOfWork, study: Study) -> StudyStage:
    """The stage that a study has reached."""
    reached = {StudyStage(name) for name in stages.confirmed(uow.session, study.id)}
    reached.add(rules.first_stage(study.practice))
    if not study.practice and going_live.went_live_at(uow.session, study.id) is not None:
        reached.add(StudyStage.OPEN)
    return max(reached, key=ORDER.index)


def admit(act: Act, what: StudyAct, *, steps_on: bool = False) -> None:
    """Refuse (409) what the study's stage does not admit; the stage stands until the act is done.

    For verbs that change something: a step to the next stage waits for them, and they for it.
    `steps_on` is for an act that takes the study to its next stage itself.
    """
    stages.hold(act.uow.session, act.in_study.id, to_change=steps_on)
    check(act, what)


def check(act: Act, what: StudyAct) -> None:
    """Refuse (409) what the study's stage does not admit, for a page; a verb asks `admit`."""
    rules.check(stage_of(act.uow, act.in_study), what)


def why_not(act: Act, what: StudyAct) -> str:
    """Why the study's stage does not admit it, for a page; empty when it does."""
    return rules.why_not(stage_of(act.uow, act.in_study), what)


def mode_words(uow: UnitOfWork, study: Study) -> str:
    """What stands beside a study's code: Practice, Preparing or Live."""
    return rules.mode_words(study.practice, stage_of(uow, study))


def named(uow: UnitOfWork, study: Study) -> str:
    """A study's code with its mode, so that the two studies of one code are told apart."""
    return f"{study.code} ({mode_words(uow, study).lower()})"


def page(act: Act) -> StagePage:
    """The study's stage and signatures in words, for everybody in the study."""
    act.permit(Permission.SEE_STAGE)
    here = stage_of(act.uow, act.in_study)
    after = rules.next_stage(here)
    counted = bags_out(act)
    return StagePage(
        stage=here,
        way=tuple(TITLES[one] for one in rules.way(act.in_study.practice)),
        title=TITLES[here],
        lines=tuple(_line(act, step) for step in _in_order(act)),
        next_stage=after,
        waits=after is not None and waiting(act, after) is not None,
        out=tuple((words, counted[state]) for state, words in _OUT.items() if counted[state]),
        running=counted[BagState.STARTED],
    )


def bags_out(act: Act) -> Counter[BagState]:
    """How many bags of the study are in each state that everybody may know."""
    return Counter(
        state_now(act, bag) for bag, _, _ in bags.bags_of_study(act.uow.session, act.in_study.id)
    )


def waiting(act: Act, stage: StudyStage) -> StageStep | None:
    """The step to a stage that was asked for and waits for its second signature."""
    found = stages.newest(act.uow.session, act.in_study.id, stage.value)
    return found if found is not None and found.confirmed_at is None else None


def state_lock(
    act: Act, locked_on: date | None, reference: str, bags_seen: bool, password: str
) -> StageStep:
    """State that the database of record is locked, on which day and under which reference.

    Refused: a day that is missing or to come, a reference that cannot be read, bags that are out
    and were not confirmed to be known of (`BadForm`); a study that is locked already (409).
    """
    act.permit(ASKS[StudyStage.LOCKED])
    reference = reference.strip()
    zone = study_zone(act)
    errors = {}
    if locked_on is None or locked_on > act.now.astimezone(zone).date():
        errors["locked_on"] = "Choose the day on which it was locked; it is not to come."
    if not 3 <= len(reference) <= _LONGEST_REFERENCE or not reference.isprintable():
        errors["reference"] = f"Type 3 to {_LONGEST_REFERENCE} characters."
    if not bags_seen and any(bags_out(act)[state] for state in _OUT):
        errors["bags_seen"] = "Look at the bags that are still out, then tick this."
    if errors:
        raise BadForm(errors)
    return ask(act, StudyStage.LOCKED, password, reference=reference, locked_on=locked_on)


def ask(
    act: Act,
    stage: StudyStage,
    password: str,
    *,
    reference: str = "",
    locked_on: date | None = None,
) -> StageStep:
    """Ask for a stage with the first signature; the same asked again is the same request.

    A request of other contents or of somebody else stands beside the one before, and the newest
    counts. Refused (409): a stage that is not the next one, a live study that is still prepared,
    closing while an infusion runs.
    """
    act.permit(ASKS[stage])
    stages.hold(act.uow.session, act.in_study.id, to_change=True)
    _need_next(act, stage)
    before = stages.newest(act.uow.session, act.in_study.id, stage.value)
    said = (act.person.id, reference, locked_on)
    if before is not None and said == (before.asked_by, before.reference, before.locked_on):
        return before
    step_id, number = act.new_id("study stage"), before.number + 1 if before else 1
    facts: dict[str, object] = {"stage": stage.value, "number": number, "reference": reference}
    facts |= {"locked_on": locked_on}
    signature = signing.sign(act, password, ASK_MEANINGS[stage], _RECORD, step_id, facts)
    step = StageStep(
        id=step_id,
        study_id=act.in_study.id,
        stage=stage.value,
        number=number,
        reference=reference,
        locked_on=locked_on,
        asked_by=act.person.id,
        asked_signature_id=signature.id,
        asked_at=act.now,
        confirmed_by=None,
        confirmed_signature_id=None,
        confirmed_at=None,
    )
    act.uow.session.add(step)
    act.uow.session.flush()
    subject = f"study:{act.in_study.id}"
    act.record(ASKED_EVENTS[stage], subject, new={**facts, "meaning": ASK_MEANINGS[stage]})
    return step


def confirm(act: Act, stage: StudyStage, password: str, **told: object) -> StageStep | None:
    """Confirm the waiting request with the second signature; the study is at the stage then.

    None when the acting person has confirmed it before: nothing is changed. `told` is written into
    the trail beside it. Refused (409): no
    request, one's own, a stage that is not the next one, closing while an infusion runs, and for
    unblinding and closing two people of whom none is the statistician.
    """
    act.permit(CONFIRMS[stage])
    stages.hold(act.uow.session, act.in_study.id, to_change=True)
    step = stages.newest(act.uow.session, act.in_study.id, stage.value)
    if step is not None and step.confirmed_by == act.person.id:
        return None
    _need_next(act, stage)
    if step is None:
        raise Refusal("Nobody has asked for this yet. Another person signs the request first.")
    if step.asked_by == act.person.id:
        raise Refusal(_TWO_PEOPLE)
    _need_statistician(act, step)
    meaning = CONFIRM_MEANINGS[stage]
    facts: dict[str, object] = {"stage": stage.value, "number": step.number, "confirmed": True}
    facts |= {"reference": step.reference, "locked_on": step.locked_on}
    signature = signing.sign(act, password, meaning, _RECORD, step.id, facts)
    done = stages.confirm(act.uow.session, step.id, act.person.id, signature.id, act.now)
    if not done:
        raise Conflict
    subject = f"study:{act.in_study.id}"
    act.record(CONFIRMED_EVENTS[stage], subject, new={**facts, "meaning": meaning, **told})
    return step


def _need_next(act: Act, stage: StudyStage) -> None:
    here = stage_of(act.uow, act.in_study)
    if here is StudyStage.PREPARED:
        raise Refusal(NOT_LIVE_YET)
    if rules.next_stage(here) is not stage:
        raise Refusal(f"This study is {TITLES[here].lower()}: that is not its next step.")
    if stage is StudyStage.CLOSED and bags_out(act)[BagState.STARTED]:
        raise Refusal("An infusion is running. Close the study when it has ended.")


def _need_statistician(act: Act, step: StageStep) -> None:
    asker = people.roles_of(act.uow.session, step.asked_by, act.in_study.id)
    if Role.STATISTICIAN not in asker | act.roles:
        raise Refusal(_STATISTICIAN)


def _in_order(act: Act) -> list[StageStep]:
    """The steps by their stage, whatever the clock said; the one that waits is the last."""
    found = stages.steps(act.uow.session, act.in_study.id)
    return sorted(found, key=lambda step: (ORDER.index(StudyStage(step.stage)), step.number))


def _line(act: Act, step: StageStep) -> StepLine:
    return StepLine(
        title=TITLES[StudyStage(step.stage)],
        asked=_signed(act, step.asked_signature_id),
        confirmed=(
            _signed(act, step.confirmed_signature_id) if step.confirmed_signature_id else None
        ),
        reference=step.reference,
        locked_on=format_day(step.locked_on) if step.locked_on else "",
    )


def _signed(act: Act, signature_id: str) -> Signed:
    row = signatures.signature(act.uow.session, signature_id)
    if row is None:
        raise ValueError("a step without its signature")
    zone = study_zone(act)
    return Signed(row.printed_name, format_moment(row.at, zone), row.meaning)


def stage_named(name: str) -> StudyStage:
    """A stage that is asked for, by the name that a form gives it; another is `BadForm`."""
    found = next((stage for stage in ASKS if stage.value == name), None)
    if found is None:
        raise BadForm({"": "The form could not be read. Open the page again."})
    return found


def asked_by_me(act: Act) -> bool:
    """Whether the request that waits is the acting person's own, which somebody else confirms."""
    after = rules.next_stage(stage_of(act.uow, act.in_study))
    step = waiting(act, after) if after is not None else None
    return step is not None and step.asked_by == act.person.id
