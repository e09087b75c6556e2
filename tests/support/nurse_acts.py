"""Acts as forms ready to be sent: one table for every test of what must not hurt.

Each act is made ready through the services; what is left is one form on one page. The nurse's
own come first, then those at the desk that change what her next scan says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pharmacy.persistence import participants
from pharmacy.persistence.break_cards import SEALED, BreakCard
from pharmacy.services import assessments, infusions, scanning
from tests.support import cards, scans
from tests.support.builders import PASSWORD, Trial


@dataclass(frozen=True)
class Sending:
    """One form: the page it stands on, where it goes, and what is filled in."""

    page: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReadyAct:
    """One act: how it is made ready, and the entries that it leaves in the study's trail."""

    name: str
    events: tuple[str, ...]
    ready: Callable[[Trial], Sending]
    who: str = "nurse"

    def __str__(self) -> str:
        return self.name


def _at(trial: Trial, rest: str) -> str:
    return f"/study/{trial.study_id}/{rest}"


def _scan(trial: Trial) -> Sending:
    page = _at(trial, "scan")
    code = trial.code(trial.ready_bag())
    return Sending(page, page, {"code": code, "method": "scanner", "typed_reason": ""})


def _report(trial: Trial) -> Sending:
    trial.ready_bag()
    return Sending(_at(trial, "today"), _at(trial, "reports"))


def _neutral(trial: Trial) -> str:
    return _at(trial, f"scan/{scans.scan(trial, trial.code(trial.ready_bag())).scan.id}")


def _person(trial: Trial) -> Sending:
    page = _neutral(trial)
    return Sending(page, f"{page}/person", {"card": trial.card(), "spoken_confirmed": "y"})


def _differs(trial: Trial) -> Sending:
    page = _neutral(trial)
    return Sending(page, f"{page}/differs")


def _start(trial: Trial) -> Sending:
    page = _at(trial, f"scan/{scans.go(trial, trial.ready_bag()).scan.id}")
    return Sending(page, f"{page}/start")


def running_bag(trial: Trial) -> str:
    """A bag that the nurse has started, with an hour of the infusion behind it."""
    bag_id = trial.ready_bag()
    trial.do("nurse", infusions.start, scans.go(trial, bag_id).scan.id)
    return bag_id


def _at_infusion(trial: Trial, bag_id: str, verb: str, **fields: str) -> Sending:
    page = _at(trial, f"infusion/{bag_id}")
    return Sending(page, f"{page}/{verb}", fields)


def _pause(trial: Trial) -> Sending:
    bag_id = running_bag(trial)
    trial.clock.move(minutes=20)
    return _at_infusion(trial, bag_id, "pause", shown_ml="10", why="vitals")


def _restart(trial: Trial) -> Sending:
    bag_id = running_bag(trial)
    trial.clock.move(minutes=20)
    trial.do("nurse", infusions.pause, bag_id, "10", "vitals")
    trial.clock.move(minutes=5)
    return _at_infusion(trial, bag_id, "restart")


def _end(trial: Trial) -> Sending:
    bag_id = running_bag(trial)
    return _at_infusion(trial, bag_id, "end", infused_ml="600", reason="", password=PASSWORD)


def _aside(trial: Trial) -> Sending:
    scanned = scans.scan(trial, trial.code(trial.ready_bag()))
    trial.do("nurse", scanning.deny_person, scanned.scan.id)
    page = _at(trial, f"scan/{scanned.scan.id}")
    return Sending(page, f"{page}/aside")


def _receive(trial: Trial) -> Sending:
    page = _at(trial, "receive")
    code = trial.code(trial.ready_bag())
    return Sending(page, page, {"code": code, "method": "scanner", "typed_reason": ""})


def _card(verb: str) -> Callable[[Trial], Sending]:
    def ready(trial: Trial) -> Sending:
        trial.ready_bag()
        page = _at(trial, f"participants/{cards.participant_id(trial)}/{verb}-card")
        return Sending(page, page, {"reason": "lost", "mark": cards.mark(trial)})

    return ready


def _assessments(taken_back: bool) -> Callable[[Trial], Sending]:
    def ready(trial: Trial) -> Sending:
        participant_id = trial.enrolled()
        page = _at(trial, f"assessments/{participant_id}/W12")
        if not taken_back:
            today = trial.today().isoformat()
            return Sending(page, page, {"assessed_on": today, "password": PASSWORD})
        signed = (participant_id, "W12", trial.today(), PASSWORD)
        trial.do("assessor", assessments.sign_complete, *signed)
        fields = {"reason": "not_complete", "password": PASSWORD}
        return Sending(f"{page}/take-back", f"{page}/take-back", fields)

    return ready


def _weight(trial: Trial) -> Sending:
    """The weight of a course whose first bag is on its way is corrected."""
    trial.ready_bag()
    page = _at(trial, f"participants/{cards.participant_id(trial)}/weight")
    on = trial.today().isoformat()
    return Sending(page, page, {"weight_kg": "95.6", "measured_on": on, "measured_by": "CL"})


def _decision(trial: Trial) -> Sending:
    """A course is skipped on a weight that is over the limit and has changed too much."""
    trial.planned(weight="100")
    trial.clock.move(days=1)
    trial.weigh(cards.participant_id(trial), "125")
    with trial.look("investigator") as act:
        weight_id = participants.weights(act.uow.session, cards.participant_id(trial))[0].id
    page = _at(trial, f"participants/{cards.participant_id(trial)}/weights/{weight_id}/decide")
    return Sending(page, page, {"choice": "skip", "reason": "fluid", "password": PASSWORD})


def _broken_seal(trial: Trial) -> Sending:
    """The coordinator counts the physician's set: one card, and its seal is broken."""
    card = BreakCard(
        id="c0" * 16,
        study_id=trial.study_id,
        participant_id=trial.enrolled(),
        number="0123 4567",
        card_set="physician",
        seal_number="TE-1",
        place="Safe",
        custodian="On-call neurologist",
        state=SEALED,
        recorded=True,
        made_at=trial.clock(),
    )
    with trial.act("coordinator") as act:
        act.uow.session.add(card)
        act.record("break_card_planted_by_test", f"study:{trial.study_id}")
    page = _at(trial, "break-cards/count/physician")
    return Sending(page, page, {f"seal-{'c0' * 16}": "broken", "password": PASSWORD})


ACTS: tuple[ReadyAct, ...] = (
    ReadyAct("receive", ("bag_scanned", "bag_received"), _receive),
    ReadyAct("report", ("unblinding_reported",), _report),
    ReadyAct("scan", ("bag_scanned",), _scan),
    ReadyAct("person", ("person_judged",), _person),
    ReadyAct("differs", ("person_judged",), _differs),
    ReadyAct("aside", ("bag_set_aside",), _aside),
    ReadyAct("start", ("infusion_started",), _start),
    ReadyAct("pause", ("infusion_paused",), _pause),
    ReadyAct("restart", ("infusion_restarted",), _restart),
    ReadyAct("end", ("infusion_ended",), _end),
    ReadyAct("replace card", ("card_replaced",), _card("replace"), "coordinator"),
    ReadyAct("assessments", ("assessments_signed",), _assessments(False), "assessor"),
    ReadyAct("assessments back", ("assessments_taken_back",), _assessments(True), "assessor"),
    ReadyAct("weight corrected", ("course_voided", "weight_entered"), _weight, "coordinator"),
    ReadyAct("weight decided", ("weight_decided",), _decision, "investigator"),
    ReadyAct(
        "broken seal",
        ("seals_counted", "break_card_out_of_order", "unblinding_suspected"),
        _broken_seal,
        "coordinator",
    ),
    ReadyAct("revoke card", ("card_revoked",), _card("revoke"), "coordinator"),
)


def act_named(name: str) -> ReadyAct:
    """One row of the table."""
    (found,) = (act for act in ACTS if act.name == name)
    return found
